"""The sources apt is told to use (sources.list(5)), as the names its lists bear.

A list whose source was removed or switched off stays on the disk until the next refresh, and apt ignores it; a source
that was added and never refreshed has no list. Both would make the pending updates wrong without a word.
"""

from __future__ import annotations

import contextlib
import re
from typing import Iterator

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system.deb.configuration import is_read

FOLDER = "/etc/apt/sources.list.d"
FILE = "/etc/apt/sources.list"
# apt's URItoFileName (apt-pkg/contrib/strutl.cc) quotes these, and everything that is not printable ASCII.
MOST = 10_000  # sources of one paragraph: each address with each suite
QUOTED = set('\\|{}[]<>"^~_=!@#$%^&*')
# A CD is left out: its list stays as it was when the disc was made, and offers nothing newer.
ONE_LINE = re.compile(r"^deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<uri>(?!cdrom:)\S+)\s+(?P<suite>\S+)")


@dataclass(frozen=True)
class Source:
    """One suite of one archive."""

    prefix: str  # what the names of its lists begin with
    security: bool  # by its address or suite


def list_prefix(uri: str, suite: str) -> str:
    """What the names of the lists of a source begin with: the address without scheme and login, / written as _."""
    address = re.sub(r"^[^:/]+:/*(?:[^/@]*@)?", "", uri, count=1)
    if uri.split(":", 1)[0].rpartition("+")[2] in ("file", "copy"):
        address = "/" + address  # a path keeps its first slash, which becomes _
    whole = address.rstrip("/") + "/"
    if suite.endswith("/"):  # a flat archive: no dists folder
        whole += "" if suite == "/" else suite
    else:
        whole += f"dists/{suite}/"
    return "".join(map(_quoted, whole)).replace("/", "_")


def _quoted(character: str) -> str:
    if " " < character < "\x7f" and character not in QUOTED:
        return character
    return "".join(f"%{byte:02x}" for byte in character.encode("utf-8"))


def _source(uri: str, suite: str, arch: str) -> Source:
    uri, suite = (text.replace("$(ARCH)", arch) for text in (uri, suite))
    # Debian's and Ubuntu's suites end in -security (Debian's to 10: in /updates); UOS has a host of that name.
    security = bool(re.search(r"-security$|/updates$", suite)) or "security" in uri
    return Source(list_prefix(uri, suite), security)


def one_line(text: str, arch: str) -> Iterator[Source]:
    """The sources of a .list file."""
    for line in text.splitlines():
        found = ONE_LINE.match(line.partition("#")[0].strip())
        if found:
            yield _source(found.group("uri"), found.group("suite"), arch)


def _values(paragraph: str) -> dict[str, list[str]]:
    """The words of every field of a deb822 paragraph, continuation lines included."""
    values: dict[str, list[str]] = {}
    name = ""
    for line in paragraph.splitlines():
        if line.startswith("#"):
            continue
        if line[:1] not in (" ", "\t"):
            name, _, line = line.partition(":")
        values.setdefault(name.lower(), []).extend(line.split())
    return values


def deb822(text: str, arch: str) -> Iterator[Source]:
    """The sources of a .sources file. Raises :class:`CannotRead` for a paragraph of more than anybody means."""
    for paragraph in re.split(r"\n[ \t]*\n", text):
        values = _values(paragraph)
        # apt's own words for no (apt-pkg/contrib/strutl.cc, StringToBool)
        off = [word.lower() for word in values.get("enabled", [])] in (["no"], ["false"], ["without"], ["off"], ["0"])
        if "deb" not in values.get("types", []) or off:
            continue
        uris, suites = values.get("uris", []), values.get("suites", [])
        if len(uris) * len(suites) > MOST:
            raise CannotRead("not_understood", f"{FOLDER}: {len(uris)} URIs, {len(suites)} Suites")
        for uri in (uri for uri in uris if not uri.startswith("cdrom:")):
            for suite in suites:
                yield _source(uri, suite, arch)


def read(machine: Machine, arch: str) -> list[Source]:
    """The sources apt uses. Raises :class:`CannotRead` when a file of them could not be read."""
    found: list[Source] = []
    with contextlib.suppress(NotFound):
        found += one_line(machine.text(FILE), arch)
    for name in machine.names(FOLDER):
        if not is_read(name, "list", "sources"):
            continue
        if name.endswith(".list"):
            found += one_line(machine.text(f"{FOLDER}/{name}"), arch)
        else:
            found += deb822(machine.text(f"{FOLDER}/{name}"), arch)
    return found
