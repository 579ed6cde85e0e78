"""What kind of interface it is, by what the kernel says of it in /sys/class/net."""

from __future__ import annotations

import re

from muster_agent.collect.interface_addresses import linux_usb
from muster_agent.machine import CannotRead, Machine, NotFound

FOLDER = "/sys/class/net"
SHORT = 4096  # bytes; the files of the kernel read here have a line or a few
# include/uapi/linux/if_arp.h
LOOPBACK, ETHERNET, PPP, NONE, RAWIP = 772, 1, 512, 65534, 519
TUNNELS = (768, 769, 776, 778, 823)  # IPIP, IPv6 in IPv6, IPv6 in IPv4, GRE over IPv4 and over IPv6
RADIO = (801, 802, 803)  # IEEE 802.11 and its monitors
WATCHES = (824, 825, 826)  # nlmon, vsockmon and the like
IFF_TUN = 1  # include/uapi/linux/if_tun.h; the other kind, IFF_TAP, carries Ethernet, mostly to a virtual machine
# DEVTYPE in uevent, which the driver sets. Bluetooth is a telephone that shares its network (PAN).
OF_DEVTYPE = {"wlan": "wireless", "wwan": "mobile", "bluetooth": "mobile", "wireguard": "tunnel", "ppp": ""}
# Drivers of modems, and of telephones that share their network by cable.
MOBILE = re.compile(
    r"^(?:rndis_host|ipheth|qmi_wwan.*|cdc_mbim|huawei_cdc_ncm|sierra_net|hso|kalmia|lg-vl600|GobiNet|hw_cdc_driver|"
    r"mhi_net|mhi_wwan.*|iosm|mtk_t7xx|cdc_phonet)$"
)
# These serve sticks and telephones, and network adapters and docks: the maker of the device decides.
SHARED = ("cdc_ether", "cdc_ncm", "cdc_eem", "cdc_subset")
PID = re.compile(r"^[ \t]*([0-9]{1,10})[ \t]*$", re.MULTILINE)
SERIAL = re.compile(r"^(?:/dev/)?(?:tty(?:USB|ACM|HS|LC|[A-Z]*GS)|modem|rfcomm|wwan|cdc-wdm)")


def setting(text: str, name: str) -> str:
    """The value of ``name`` in the text of a uevent file."""
    return next((line[len(name) + 1 :] for line in text.splitlines() if line.startswith(name + "=")), "")


def number(text: str, path: str, base: int = 10) -> int:
    """The number a file of the kernel holds. Raises :class:`CannotRead`."""
    try:
        return int(text.strip()[:12], base)
    except ValueError as error:
        raise CannotRead("not_understood", path) from error


def point_to_point(machine: Machine, interface: str) -> str:
    """What carries a ppp interface: a modem, or the network (PPPoE, a VPN), by the arguments of its pppd."""
    for folder in ("/run", "/var/run"):
        found = PID.search(machine.optional_text(f"{folder}/{interface}.pid", SHORT))
        if found:
            break
    else:
        raise CannotRead("interface_kind_unclear", interface)
    arguments = machine.optional_text(f"/proc/{found.group(1)}/cmdline", SHORT).split("\0")
    if "pppd" not in arguments[0]:
        raise CannotRead("interface_kind_unclear", interface)
    return "mobile" if any(SERIAL.match(argument) for argument in arguments) else "tunnel"


def of_device(machine: Machine, interface: str) -> str:
    """The kind of an interface with the link layer of Ethernet."""
    folder = f"{FOLDER}/{interface}"
    try:
        driver = setting(machine.text(f"{folder}/device/uevent", 4096), "DRIVER")
    except NotFound:
        return "virtual"  # no device behind it: a bridge, a bond, one end of a container's cable …
    if MOBILE.match(driver):
        return "mobile"
    if driver in SHARED:
        maker = machine.optional_text(f"{folder}/device/../idVendor", SHORT).strip().lower()
        if maker in linux_usb.PHONES_AND_MODEMS:
            return "mobile"
        if maker not in linux_usb.ADAPTERS:
            raise CannotRead("interface_kind_unclear", f"{interface}: {driver} {maker}".strip())
    return "ethernet"


def of(machine: Machine, interface: str) -> str:
    """One of the words of interface_addresses.type. Raises :class:`CannotRead` when the system does not tell."""
    folder = f"{FOLDER}/{interface}"
    link = number(machine.text(f"{folder}/type", 64), f"{folder}/type")
    if link == LOOPBACK:
        return "loopback"
    said = OF_DEVTYPE.get(setting(machine.optional_text(f"{folder}/uevent", SHORT), "DEVTYPE"))
    if said:
        return said
    if link in RADIO or machine.exists(f"{folder}/phy80211"):
        return "wireless"
    flags = machine.optional_text(f"{folder}/tun_flags", SHORT).strip()
    if flags:
        return "tunnel" if number(flags, f"{folder}/tun_flags", 16) & IFF_TUN else "virtual"
    if link == PPP:
        return point_to_point(machine, interface)
    if link in TUNNELS:
        return "tunnel"
    if link in (NONE, RAWIP):
        return "mobile" if machine.exists(f"{folder}/device") else "tunnel"
    if link in WATCHES:
        return "virtual"
    if link != ETHERNET:
        raise CannotRead("interface_kind_unclear", f"{interface}: {link}")
    return of_device(machine, interface)
