"""Remote Desktop on Windows, the policy's values before the PC's own."""

from __future__ import annotations

from typing import Any

from muster_agent.machine import CannotRead, Machine
from muster_agent.system import current_version
from muster_agent.system.registry_setting import DISABLED, first, place, required, start, switch

POLICY = r"HKLM\SOFTWARE\Policies\Microsoft\Windows NT\Terminal Services"
SERVER = r"HKLM\SYSTEM\CurrentControlSet\Control\Terminal Server"
LISTENER = SERVER + r"\WinStations\RDP-Tcp"
DENY, NLA, LAYER = "fDenyTSConnections", "UserAuthentication", "SecurityLayer"
RDP_LAYER = 0  # SecurityLayer: RDP's own, which cannot ask who one is beforehand
# What EditionID of the editions without it begins with: Home of Windows 8 and later, then those of Windows 7.
HOME = ("Core", "Starter", "HomeBasic", "HomePremium")


def _decided(machine: Machine, own: str, name: str) -> bool:
    said = first(machine, ((POLICY, name), (own, name)))
    if said is None:
        raise CannotRead("setting_absent", place(own, name))
    return switch(said, name)


def rdp(machine: Machine) -> tuple[Any, ...]:
    """Whether Remote Desktop is on.

    Home editions do not serve it whatever the setting says, unless somebody has patched them: where something listens
    on its port all the same, it is unknown.
    """
    if start(machine, "TermService") in (None, DISABLED) or _decided(machine, SERVER, DENY):
        return (False,)
    edition = current_version.read(machine).edition or ""
    if not edition.startswith(HOME):
        return (True,)
    (listened,) = port(machine)
    if any(socket.protocol == "tcp" and socket.port == listened for socket in machine.sockets().rows):
        raise CannotRead("edition_without_rdp", edition, "unsupported")
    return (False,)


def nla(machine: Machine) -> tuple[Any, ...]:
    """Whether it asks who one is before it shows a screen."""
    asks = _decided(machine, LISTENER, NLA)
    if asks and first(machine, ((POLICY, LAYER), (LISTENER, LAYER))) == RDP_LAYER:
        raise CannotRead("settings_contradict", f"{NLA}=1 {LAYER}=0")
    return (asks,)


def port(machine: Machine) -> tuple[Any, ...]:
    """The port it listens on."""
    found = required(machine, LISTENER, "PortNumber")
    if not 0 < found <= 65535:
        raise CannotRead("not_understood", f"{place(LISTENER, 'PortNumber')}={found}")
    return (found,)
