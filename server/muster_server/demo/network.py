"""The network of a simulated PC: interfaces, ways out, firewall, what it offers, and what steers it from elsewhere."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from muster_agent.machine import Process, Socket
from muster_server.demo.condition import Condition

NETWORK = IPv4Network("198.18.0.0/15")  # RFC 2544: for tests, nobody's own
PHONE = IPv4Address("192.168.42.129")  # what Android calls itself when it shares its network by USB
ANYWHERE = "0.0.0.0"  # noqa: S104  # what a simulated PC listens on; nothing is bound
PORTS = {
    "remote_desktop": ("tcp", 3389, "xrdp"),
    "file_sharing": ("tcp", 445, "smbd"),
    "guest_share": ("tcp", 445, "smbd"),
    "database": ("tcp", 3306, "mariadbd"),
}
# Package and running program of a remote-control program.
REMOTE_CONTROL = (
    ("todesk", "4.7.2.0", "/opt/todesk/bin/ToDesk_Service"),
    ("sunloginclient", "15.2.0", "/usr/local/sunlogin/bin/sunloginclient"),
)
FILTER = (
    "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n:ufw-before-input - [0:0]\n"
    "-A INPUT -j ufw-before-input\n-A ufw-before-input -i lo -j ACCEPT\n"
    "-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
    "-A ufw-before-input -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n"
)
NO_FILTER = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"
ROUTES = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
SAMBA = "[global]\nserver min protocol = SMB2\n[work]\npath = /srv/work\nguest ok = {}\nread only = no\n"


def files(condition: Condition) -> dict[str, bytes]:
    """The files of one PC, by their paths."""
    faults = condition.faults
    off = "firewall_off" in faults
    found = {
        "/usr/sbin/sshd": "",
        "/etc/ssh/sshd_config": "PermitRootLogin no\nUsePAM yes\nKbdInteractiveAuthentication no\nMaxAuthTries 4\n",
        "/etc/ufw/ufw.conf": f"ENABLED={'no' if off else 'yes'}\n",
        "/proc/modules": "nf_tables 372736 0 - Live 0x0000000000000000\n",
        "/sys/class/net/lo/type": "772\n",
        "/sys/class/net/eth0/address": f"02:00:00:00:{condition.number >> 8:02x}:{condition.number & 255:02x}\n",
        **_card("eth0", "e1000e"),
        "/proc/net/route": ROUTES + _default_route("eth0", NETWORK[1], 100),
    }
    if "second_way_out" in faults:
        found |= _card("usb0", "rndis_host")
        found["/proc/net/route"] += _default_route("usb0", PHONE, 101)
    if "remote_desktop" in faults:
        found |= {"/usr/sbin/xrdp": "", "/etc/xrdp/xrdp.ini": "[Globals]\nport=3389\n"}
    if faults & {"file_sharing", "guest_share"}:
        found |= {"/usr/sbin/smbd": "", "/etc/samba/smb.conf": SAMBA.format("yes" if "guest_share" in faults else "no")}
    return {path: text.encode() for path, text in found.items()}


def programs(condition: Condition) -> dict[tuple[str, ...], bytes]:
    """What the programs of the network print, by how they are called."""
    addresses = [
        "1: lo    inet 127.0.0.1/8 scope host lo",
        f"2: eth0    inet {NETWORK[condition.number + 1]}/15 scope global eth0",
    ]
    if "second_way_out" in condition.faults:
        addresses.append(f"3: usb0    inet {PHONE + 1}/24 scope global usb0")
    return {
        ("/usr/bin/ip", "-4", "-o", "addr", "show"): "".join(line + "\n" for line in addresses).encode(),
        ("/usr/sbin/iptables-save",): (NO_FILTER if "firewall_off" in condition.faults else FILTER).encode(),
    }


def remote_control(condition: Condition) -> tuple[str, str, str] | None:
    """(package, version, running program) of the remote-control program that somebody installed."""
    return REMOTE_CONTROL[condition.number % 2] if "remote_control" in condition.faults else None


def sockets(condition: Condition) -> tuple[Socket, ...]:
    """What listens."""
    asked = {PORTS[fault] for fault in PORTS if fault in condition.faults}
    rows = [Socket("tcp", "ipv4", ANYWHERE, 22, "sshd", "/usr/sbin/sshd")]
    rows.append(Socket("tcp", "ipv4", "127.0.0.1", 631, "cupsd", "/usr/sbin/cupsd"))
    rows += [
        Socket(protocol, "ipv4", ANYWHERE, port, name, f"/usr/sbin/{name}") for protocol, port, name in sorted(asked)
    ]
    return tuple(rows)


def processes(condition: Condition) -> list[Process]:
    """The programs behind what listens, and the one by which somebody else can steer this PC."""
    paths = sorted({socket.path for socket in sockets(condition) if socket.path})
    remote = remote_control(condition)
    if remote is not None:
        paths.append(remote[2])
    return [Process(100 + number, path.rpartition("/")[2], path) for number, path in enumerate(paths)]


def _card(name: str, driver: str) -> dict[str, str]:
    folder = f"/sys/class/net/{name}"
    return {f"{folder}/type": "1\n", f"{folder}/device/uevent": f"DRIVER={driver}\n"}


def _default_route(interface: str, gateway: IPv4Address, metric: int) -> str:
    return f"{interface} 00000000 {gateway.packed[::-1].hex().upper()} 0003 0 0 {metric} 00000000 0 0 0\n"
