"""What a network interface of Windows is, by its kind, its driver's name and whether a card stands behind it."""

from __future__ import annotations

import re
from typing import Any

# ifType of IANA (ipifcons.h). 23 is left out: PPP may be a dial-up modem, a broadband line or a VPN.
ETHERNET, LOOPBACK, VIRTUAL, WIRELESS, TUNNEL = 6, 24, 53, 71, 131
MOBILE = (243, 244)  # WWANPP and WWANPP2: GSM and CDMA
# A 4G stick or a telephone shares its network as an Ethernet card: by RNDIS (Android), Apple's own driver, or NCM. The
# service processor of a server does so too (IBM); a PC has none.
SHARED = re.compile(
    r"remote ndis|远程 ?ndis|\brndis\b|apple mobile device ethernet|usbncm host device|mobile broadband|\bwwan\b"
    r"|\blte\b|\bhspa\b|\b[45]g (?:module|modem|stick)\b|mobile connect",
    re.IGNORECASE,
)
NOT_SHARED = re.compile(r"\bibm\b|\bidrac\b|\bilo\b|\bbmc\b|\bxclarity\b", re.IGNORECASE)
# Cards that programs make: Hyper-V's and VMware's of the host, VirtualBox, TAP and the cards of VPN programs, packet
# capture, Windows's own test card and its hotspot.
MADE = re.compile(
    r"hyper-v virtual ethernet|vmware virtual ethernet|virtualbox|\btap\b|tap-|\btun\b|wintun|wireguard|\bvpn\b"
    r"|\bvnic\b|virtual (?:adapter|ethernet|miniport|network|switch)|miniport|loopback|npcap|zerotier|tailscale"
    r"|anyconnect|fortinet|pangp|wi-fi direct|虚拟|环回",
    re.IGNORECASE,
)
IN_A_TUNNEL = re.compile(r"tunnel|隧道", re.IGNORECASE)
BLUETOOTH = re.compile(r"bluetooth|蓝牙", re.IGNORECASE)


def kind(if_type: Any, description: str, connector: Any, connected: bool) -> str | None:
    """What an interface is; None when Windows does not tell.

    Every PC with Bluetooth has a card for it. With an address of a network it is a telephone that shares one.
    """
    if if_type == LOOPBACK:
        return "loopback"
    if if_type == TUNNEL or (if_type == VIRTUAL and IN_A_TUNNEL.search(description)):
        return "tunnel"
    if if_type in MOBILE:
        return "mobile"
    if if_type not in (ETHERNET, WIRELESS, VIRTUAL):
        return None
    if BLUETOOTH.search(description):
        return "mobile" if connected else None
    if SHARED.search(description) and not NOT_SHARED.search(description):
        return "mobile"
    if if_type == VIRTUAL or MADE.search(description):
        return "virtual"
    if if_type == WIRELESS:
        return "wireless"
    # The network card of a virtual machine is hardware to it. No connector: no driver of a card stands behind it.
    return "virtual" if connector is False else "ethernet"
