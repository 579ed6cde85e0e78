"""The modules of PAM that judge a new password: the shortest each accepts, the kinds of characters it wants."""

from __future__ import annotations

import re
from typing import Callable

from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system import keyfile, pam

NUMBER = re.compile(r"-?[0-9]{1,6}\Z")
CREDITS = ("dcredit", "ucredit", "lcredit", "ocredit")
DEEPIN = "/etc/deepin/dde.conf"


def number(settings: dict[str, str], name: str, default: int, where: str) -> int:
    """A setting that is a number. Raises :class:`CannotRead` for one that is none."""
    said = settings.get(name, str(default))
    if not NUMBER.match(said):
        raise CannotRead("not_understood", f"{where}: {name}={said}"[:200])
    return int(said)


def settings_file(machine: Machine, path: str, found: dict[str, str]) -> None:
    """Add the settings of a file of lines ``name = value`` or ``name``."""
    try:
        text = machine.text(path)
    except NotFound:
        return
    for line in text.split("\n"):
        name, equals, value = line.partition("#")[0].partition("=")
        if name.strip():
            found[name.strip()] = value.strip() if equals else ""


def given(line: pam.Line, found: dict[str, str]) -> dict[str, str]:
    """``found`` with the arguments of a line, which go before any file."""
    for argument in line.arguments:
        name, equals, value = argument.partition("=")
        found[name] = value if equals else ""
    return found


def _pwquality(machine: Machine, line: pam.Line) -> tuple[int, int]:
    """pwquality.conf(5): the folder first, then the file, then the arguments."""
    found: dict[str, str] = {}
    folder = "/etc/security/pwquality.conf.d"
    for name in machine.names(folder):
        if name.endswith(".conf"):
            settings_file(machine, f"{folder}/{name}", found)
    settings_file(machine, "/etc/security/pwquality.conf", found)
    given(line, found)
    where = "pam_pwquality"
    if number(found, "enforcing", 1, where) == 0:
        return 0, 0  # it warns and lets pass
    length = max(6, number(found, "minlen", 8, where))
    return _with_credits(found, length, 0, where)


def _cracklib(machine: Machine, line: pam.Line) -> tuple[int, int]:
    """pam_cracklib(8): its arguments alone."""
    found = given(line, {})
    return _with_credits(found, number(found, "minlen", 9, "pam_cracklib"), 1, "pam_cracklib")


def _with_credits(found: dict[str, str], length: int, default: int, where: str) -> tuple[int, int]:
    """(shortest password, kinds of characters). A credit shortens what is asked for, a negative one asks for so many
    characters of its kind; the dictionary check refuses what is shorter than six."""
    credits = [number(found, name, default, where) for name in CREDITS]
    shortest = length - sum(credit for credit in credits if credit > 0)
    if number(found, "dictcheck", 1, where):
        shortest = max(6, shortest)
    demanded = [-credit for credit in credits if credit < 0]
    return max(shortest, sum(demanded), 1), max(len(demanded), number(found, "minclass", 0, where))


def _passwdqc(machine: Machine, line: pam.Line) -> tuple[int, int]:
    """pam_passwdqc(8): the shortest of one kind, of two, of a phrase, of three and of four."""
    found: dict[str, str] = {}
    for path in [value for value in (line.value("config"),) if value]:
        settings_file(machine, path, found)
    said = given(line, found).get("min", "disabled,24,11,8,7").split(",")
    if len(said) != 5 or any(part != "disabled" and not NUMBER.match(part) for part in said):
        raise CannotRead("not_understood", f"pam_passwdqc: min={','.join(said)}"[:200])
    lengths = [None if part == "disabled" else int(part) for part in said]
    kinds = (1, 2, 1, 3, 4)
    allowed = [(length, kind) for length, kind in zip(lengths, kinds) if length is not None]
    return min((length for length, _ in allowed), default=0), min((kind for _, kind in allowed), default=0)


def _deepin(machine: Machine, line: pam.Line) -> tuple[int, int]:
    """统信 UOS: deepin-pw-check takes its settings from the desktop's file."""
    found = keyfile.parse(machine.text(DEEPIN)).get("Password", {})
    if not keyfile.is_true(found.get("STRONG_PASSWORD")):
        return 0, 0
    return number(found, "PASSWORD_MIN_LENGTH", 0, DEEPIN), number(found, "VALIDATE_REQUIRED", 0, DEEPIN)


QUALITY: dict[str, Callable[[Machine, pam.Line], tuple[int, int]]] = {
    "pam_pwquality": _pwquality,
    "pam_cracklib": _cracklib,
    "pam_passwdqc": _passwdqc,
    "pam_deepin_pw_check": _deepin,
}
