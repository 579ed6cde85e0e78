"""The display manager of a Linux desktop: who is logged in at start, and whether guests may log in."""

from __future__ import annotations

import re

from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system import keyfile
from muster_agent.system.systemd import unit as units

PROGRAMS = {"lightdm": "/usr/sbin/lightdm", "gdm3": "/usr/sbin/gdm3", "gdm": "/usr/sbin/gdm", "sddm": "/usr/bin/sddm"}
DEFAULT = "/etc/X11/default-display-manager"  # Debian's family: the program of the one that starts
ALIAS = "/etc/systemd/system/display-manager.service"
LIGHTDM = ("/usr/share/lightdm/lightdm.conf.d", "/etc/xdg/lightdm/lightdm.conf.d", "/etc/lightdm/lightdm.conf.d")
GDM = ("/etc/gdm3/daemon.conf", "/etc/gdm3/custom.conf", "/etc/gdm/custom.conf")
SDDM = ("/usr/lib/sddm/sddm.conf.d", "/etc/sddm.conf.d")
GUEST_SESSIONS = ("/usr/sbin/guest-account", "/usr/lib/lightdm/guest-session", "/usr/bin/guest-account")
GETTY = re.compile(r"(?:^|\s)(?:--autologin|-a)[\s=]")


def display_managers(machine: Machine) -> list[str]:
    """The display managers that may start: the one the system names, else all that are installed. Raises
    :class:`CannotRead` when it names one that is not known here."""
    installed = [name for name, program in PROGRAMS.items() if machine.exists(program)]
    try:
        chosen = machine.text(DEFAULT).strip().rpartition("/")[2]
    except NotFound:
        try:
            chosen = machine.readlink(ALIAS).rpartition("/")[2].replace(".service", "")
        except CannotRead as error:
            if error.code not in ("not_found", "not_a_link"):
                raise
            chosen = ""
    named = [name for name in installed if name == chosen or {name, chosen} == {"gdm", "gdm3"}]
    if chosen and not named:
        raise CannotRead("display_manager_unknown", chosen[:200], "unsupported")
    return named or installed


def _files(machine: Machine, folders: tuple[str, ...], last: str) -> keyfile.Sections:
    found: keyfile.Sections = {}
    paths = [f"{folder}/{name}" for folder in folders for name in machine.names(folder) if name.endswith(".conf")]
    for path in [*paths, last]:
        try:
            keyfile.parse(machine.text(path), found)
        except NotFound:
            continue
    return found


def lightdm(machine: Machine) -> list[dict[str, str]]:
    """lightdm's settings of every seat."""
    found = _files(machine, LIGHTDM, "/etc/lightdm/lightdm.conf")
    return [values for name, values in found.items() if name.startswith("Seat")]


def _gdm(machine: Machine) -> bool:
    daemon: dict[str, str] = {}
    for path in GDM:
        try:
            daemon.update(keyfile.parse(machine.text(path)).get("daemon", {}))
        except NotFound:
            continue
    at_once = keyfile.is_true(daemon.get("AutomaticLoginEnable")) and bool(daemon.get("AutomaticLogin"))
    return at_once or (keyfile.is_true(daemon.get("TimedLoginEnable")) and bool(daemon.get("TimedLogin")))


def _consoles(machine: Machine) -> bool:
    """Whether a console logs somebody in (agetty --autologin). What comes with the system does not; an administrator
    sets it in a unit of a getty, or in a drop-in to one."""
    for folder in ("/etc/systemd/system", "/run/systemd/system"):
        for name in machine.names(folder):
            if "getty" not in name or not name.endswith((".service", ".service.d")):
                continue
            path = f"{folder}/{name}"
            inside = [f"{path}/{entry}" for entry in machine.names(path)] if name.endswith(".d") else [path]
            for file in inside:
                try:
                    commands = units.parse(machine.text(file)).get("Service", {}).get("ExecStart", [])
                except CannotRead as error:
                    if error.code not in ("not_regular_file", "not_found"):  # masked, or a link into nothing
                        raise
                    continue
                if any(GETTY.search(command) for command in commands):
                    return True
    return False


def autologin(machine: Machine) -> tuple[bool]:
    """Whether somebody is logged in at start without a password, at the desktop or at a console."""
    for manager in display_managers(machine):
        if manager == "lightdm":
            seats = lightdm(machine)
            found = any(seat.get("autologin-user") or keyfile.is_true(seat.get("autologin-guest")) for seat in seats)
        elif manager == "sddm":
            found = bool(_files(machine, SDDM, "/etc/sddm.conf").get("Autologin", {}).get("User"))
        else:
            found = _gdm(machine)
        if found:
            return (True,)
    return (_consoles(machine),)


def guest_account(machine: Machine) -> tuple[bool]:
    """Whether a guest may log in: only lightdm knows guests, and only with a program that makes their account."""
    if "lightdm" not in display_managers(machine):
        return (False,)
    seats = lightdm(machine)
    programs = [seat["guest-account-script"] for seat in seats if seat.get("guest-account-script")]
    absolute = [program for program in programs if program.startswith("/")]
    if not any(machine.exists(program) for program in (*GUEST_SESSIONS, *absolute)):
        return (False,)
    # lightdm.conf: allow-guest is on where nothing turns it off. Settings of one seat count for that seat alone.
    return (not seats or any(seat.get("allow-guest", "true").lower() != "false" for seat in seats),)
