"""What a new password must look like, and how long it may be kept.

PASS_MIN_LEN in login.defs is not looked at: where passwords go through PAM, which is everywhere Muster runs, nothing
reads it. What counts are the modules that ``passwd`` asks, each with its own file and the arguments of its line.
"""

from __future__ import annotations

import re

from muster_agent.collect.settings.linux_password_quality import NUMBER, QUALITY, given, number, settings_file
from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system import pam
from muster_agent.system.accounts import passwd
from muster_agent.system.accounts.shadow import NEVER

STACKS = ("passwd", "common-password", "system-auth", "password-auth")
KINDS = 3  # kinds of characters that count as several: what Windows's own rule asks for
# A module of a name like these may ask for more than is known here.
OTHERS = re.compile(r"pam_.*(?:pass|pw|qual|crack)")
KNOWN = {"pam_pwquality", "pam_cracklib", "pam_passwdqc", "pam_deepin_pw_check", "pam_pwhistory", "pam_unix_passwd"}


def _stack(machine: Machine) -> list[pam.Line]:
    for service in STACKS:
        try:
            return pam.stack(machine, service, "password")
        except NotFound as error:
            if not error.detail.endswith("/" + service):
                raise
    raise NotFound(f"{pam.FOLDERS[0]}/{STACKS[0]}")


def _unix(machine: Machine, line: pam.Line) -> int:
    """pam_unix's own length; Debian's asks for six where the line says nothing, the others' for none."""
    default = 6 if machine.exists("/etc/debian_version") else 0
    return number({"minlen": line.value("minlen") or str(default)}, "minlen", 0, "pam_unix")


def quality(machine: Machine) -> tuple[int, bool]:
    """(shortest password, whether it must mix several kinds of characters): every module must be content."""
    lines = _stack(machine)
    shortest, kinds = 0, 0
    for line in lines:
        if line.control == "optional":
            continue
        if line.module in QUALITY:
            length, mixed = QUALITY[line.module](machine, line)
            shortest, kinds = max(shortest, length), max(kinds, mixed)
        elif line.module == "pam_unix":
            shortest = max(shortest, _unix(machine, line))
        elif OTHERS.match(line.module) and line.module not in KNOWN:
            raise CannotRead("pam_module_unknown", line.module, "unsupported")
    return shortest, kinds >= KINDS


def max_age(machine: Machine) -> tuple[int]:
    """PASS_MAX_DAYS, which every new account gets."""
    said = passwd.login_defs(machine.text("/etc/login.defs")).get("PASS_MAX_DAYS", "-1")
    if not NUMBER.match(said):
        raise CannotRead("not_understood", f"/etc/login.defs: PASS_MAX_DAYS {said}"[:200])
    return (0 if int(said) < 0 or int(said) >= NEVER else int(said),)


def history(machine: Machine) -> tuple[int]:
    """How many former passwords pam_pwhistory, or pam_unix itself, remembers."""
    remembered = [0]
    lines = _stack(machine)
    for line in pam.in_force(lines, "pam_pwhistory"):
        found: dict[str, str] = {}
        settings_file(machine, line.value("conf") or "/etc/security/pwhistory.conf", found)
        remembered.append(number(given(line, found), "remember", 10, "pam_pwhistory"))
    for line in pam.in_force(lines, "pam_unix"):
        remembered.append(number(given(line, {}), "remember", 0, "pam_unix"))
    return (max(remembered),)
