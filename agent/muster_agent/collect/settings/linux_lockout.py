"""How many wrong passwords lock an account: the weakest of the ways to log in to this PC."""

from __future__ import annotations

import re

from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system import pam

# The programs by which somebody logs in, of those that are there.
SERVICES = ("login", "sshd", "lightdm", "gdm-password", "gdm", "sddm", "kde", "lxdm", "xdm", "ukui-greeter")
STACKS = ("common-auth", "system-auth", "password-auth")
NUMBER = re.compile(r"[0-9]{1,9}\Z")
FAILLOCK = "/etc/security/faillock.conf"
TALLIES = ("pam_tally2", "pam_tally")
# Modules that count no failures. Of any other it cannot be known.
COUNTING_NOTHING = re.compile(
    r"pam_(?:unix|deny|permit|env|cap|faildelay|nologin|securetty|succeed_if|selinux|loginuid|keyinit|limits|kwallet[56]?|"
    r"gnome_keyring|sss|ldap|winbind|krb5|fprintd|localuser|usertype|systemd|systemd_home|ecryptfs|mount|group|issue|mail|"
    r"motd|lastlog2?|rootok|wheel|time|access|shells|listfile|echo|ck_connector|exec|warn|gdm|umask|xauth|console|"
    r"biometric|sepermit|postgresok|reauthorize|namespace|fscrypt)\Z"
)


def _faillock(machine: Machine, lines: list[pam.Line]) -> tuple[int, int] | None:
    counting = [line for line in lines if "authfail" in line.arguments] or [
        line for line in lines if not {"preauth", "authsucc"} & set(line.arguments)
    ]
    if not counting:
        return None
    line = counting[-1]
    found = {"deny": "3", "unlock_time": "600"}  # faillock.conf(5)
    try:
        for said in machine.text(line.value("conf") or FAILLOCK).split("\n"):
            name, equals, value = said.partition("#")[0].partition("=")
            if equals:
                found[name.strip()] = value.strip()
    except NotFound:
        pass
    found.update((name, line.value(name) or found[name]) for name in ("deny", "unlock_time"))
    return _limits(found["deny"], found["unlock_time"], "pam_faillock")


def _limits(deny: str, seconds: str, where: str) -> tuple[int, int]:
    seconds = "0" if seconds == "never" else seconds
    if not NUMBER.match(deny) or not NUMBER.match(seconds):
        raise CannotRead("not_understood", f"{where}: deny={deny} unlock_time={seconds}"[:200])
    return int(deny), int(seconds)


def _of(machine: Machine, service: str) -> tuple[int, int]:
    """(wrong passwords, seconds) of one way to log in; (0, 0) when it never locks."""
    lines = pam.stack(machine, service, "auth")
    counted = _faillock(machine, pam.in_force(lines, "pam_faillock"))
    if counted is None:
        for line in lines:
            if line.module in TALLIES and line.control != "optional":
                counted = _limits(line.value("deny") or "0", line.value("unlock_time") or "0", line.module)
    if counted is not None and counted[0] > 0:
        return counted
    for line in lines:
        if not COUNTING_NOTHING.match(line.module) and line.module not in ("pam_faillock", *TALLIES):
            raise CannotRead("pam_module_unknown", f"{service}: {line.module}"[:200], "unsupported")
    return 0, 0


def lockout(machine: Machine) -> tuple[int, int]:
    """(wrong passwords after which an account is locked, seconds it stays locked)."""
    there = {name for folder in pam.FOLDERS for name in machine.names(folder)}
    services = [name for name in SERVICES if name in there] or [name for name in STACKS if name in there]
    if not services:
        raise NotFound(pam.FOLDERS[0])
    found = [_of(machine, service) for service in services]
    if any(deny == 0 for deny, _ in found):
        return 0, 0
    limited = [seconds for _, seconds in found if seconds > 0]
    return max(deny for deny, _ in found), min(limited, default=0)
