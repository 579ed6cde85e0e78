"""What identifies a PC or its user by its form alone, and the words that do not."""

from __future__ import annotations

import re
from typing import Callable

from muster_agent.machine import Listing
from muster_agent.recording import Recording
from muster_agent.recording.reduction import package_names
from muster_agent.system import osrelease

# Kind: what it looks like (the group "it" is replaced), and its placeholder by number.
PATTERNS: dict[str, tuple[re.Pattern[str], Callable[[int], str]]] = {
    # In the names of systemd's units a hyphen is written \x2d.
    "uuid": (
        re.compile(
            r"(?<![0-9A-Za-z])(?P<it>[0-9A-Fa-f]{8}(?P<dash>-|\\x2d)(?:[0-9A-Fa-f]{4}(?P=dash)){3}[0-9A-Fa-f]{12})"
            r"(?![0-9A-Za-z])"
        ),
        lambda number: f"00000000-0000-4000-8000-{number:012d}",
    ),
    "machine": (re.compile(r"(?<![0-9A-Za-z])(?P<it>[0-9a-f]{32})(?![0-9A-Za-z])"), lambda number: f"{number:032d}"),
    "mac": (
        re.compile(
            r"(?<![0-9A-Za-z:-])(?P<it>[0-9A-Fa-f]{2}(?P<colon>[:-])(?:[0-9A-Fa-f]{2}(?P=colon)){4}[0-9A-Fa-f]{2})(?![0-9A-Za-z:-])"
        ),
        lambda number: f"02:00:00:00:00:{number % 256:02x}",
    ),
    "user": (
        re.compile(
            r"[/\\](?:home|Users)[/\\](?!(?:Public|Default|Default User|All Users|Shared|linuxbrew)(?:[/\\\s]|$))"
            r"(?P<it>[^/\\\s\"':;,]+)"
        ),
        lambda number: f"user-{number}",
    ),
    # A password among settings, in whatever form: password = x (dnf.conf), Password "x" (apt.conf), --password=x and
    # DB_PASSWORD=x (units). Only what stands behind a sign of assignment or in quotes: words of pam.d and sshd stay.
    "secret": (
        re.compile(
            r"(?:(?P<line>^[ \t]*(?:proxy_)?pass(?:word|wd)[ \t]*=[ \t]*)"
            r"|(?:pass(?:word|wd)?|pwd|token|secret|proxy-auth)[\"']?(?:[ \t]*=[ \t]*[\"']?|[ \t]+[\"']))"
            r"(?P<it>(?(line)[^\s#;][^\r\n]*|[^\s\"';#][^\s\"';]*))",
            re.IGNORECASE | re.MULTILINE,
        ),
        lambda number: "redacted",
    ),
    # What all accounts of one Windows PC, or of one domain, have in common (MS-DTYP 2.4.2).
    "sid": (
        re.compile(r"S-1-5-21-(?P<it>[0-9]{1,10}-[0-9]{1,10}-[0-9]{1,10})(?![0-9])"),
        lambda number: f"1-1-{number}",
    ),
    "login": (re.compile(r"://(?P<it>[^/@\s\"']+)@"), lambda number: f"login-{number}"),
}
WORD = re.compile(r"[0-9A-Za-z]+(?:[.-][0-9A-Za-z]+)*")
SHORTEST_ACCOUNT = 3  # characters of the name of an account of a person
SHORTEST = 4  # characters of a name that is replaced wherever it stands; a shorter one would be found in anything


def words_of_the_system(recording: Recording) -> set[str]:
    """What a host may be called without saying which host it is: debian, nginx, x86_64."""
    said = [name.decode("ascii", "replace") for name in package_names(recording)]
    said += [recording.uname.system, recording.uname.release, recording.uname.machine, recording.platform]
    for path in osrelease.PLACES:
        data = recording.files.get(path)
        if isinstance(data, bytes):
            said += WORD.findall(data.decode("utf-8", "replace"))
    if isinstance(recording.processes, Listing):
        said += [process.name for process in recording.processes.rows]
    return {word.lower() for word in said} | {"localhost", "localdomain"}
