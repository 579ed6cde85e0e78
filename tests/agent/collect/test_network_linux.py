"""Interfaces, addresses and routes against what ip itself says, in a network that the test makes."""

from __future__ import annotations

import ipaddress
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from muster_agent.collect.interface_addresses import linux_addresses
from muster_agent.collect.routes import linux as routes
from muster_agent.machine import CannotRead

AGENT = Path(__file__).resolve().parents[3] / "agent"
NETWORK = """
set -e
mount -t sysfs sysfs /sys
ip link set lo up
ip link add veth0 type veth peer name veth1
ip addr add 10.1.0.1/24 dev veth0
ip addr add 10.1.0.2/24 dev veth0 label veth0:1
ip addr add fd00:1::5/64 dev veth0 nodad
ip link set veth0 up
ip link set veth1 up
ip link add br0 type bridge
ip addr add 192.168.50.1/23 dev br0
ip tuntap add dev tun9 mode tun
ip addr add 10.8.0.1 peer 10.8.0.2/32 dev tun9
ip link set tun9 up
ip tuntap add dev tap9 mode tap
ip route add default via 10.1.0.254 metric 100
ip route add default via 10.1.0.253 metric 200
ip route add default dev tun9 metric 500
ip route add 172.16.0.0/12 via 10.1.0.254
ip route add unreachable 10.99.0.0/16
ip route add blackhole default metric 9999
ip -6 route add default via fd00:1::1 dev veth0 metric 1024
ip -6 route add 2001:db8::/32 via fd00:1::1 dev veth0
ip -6 route add unreachable 2001:db8:9::/48
ip -6 route add 2001:db8:2::/48 via fd00:1::1 dev veth0 expires 600
"""
LOOK = """
import json, subprocess, sys
sys.path.insert(0, sys.argv[1])
from muster_agent.collect import collect_table
from muster_agent.commands.check import described
from muster_agent.local import LocalMachine
tables = {name: collect_table(LocalMachine(), name) for name in ("interface_addresses", "routes")}
asked = {"addr": ["addr"], "route": ["-4", "route"], "route6": ["-6", "route"]}
said = {name: json.loads(subprocess.check_output(["ip", "-j", *words]) or "[]") for name, words in asked.items()}
print(json.dumps({"tables": described(tables), "ip": said}))
"""


@pytest.fixture(scope="module")
def seen() -> dict[str, Any]:
    """What the agent and what ip says of the network."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "ip"))):
        pytest.skip("needs root, unshare and ip (iproute2), to make a network and to compare with")
    script = f"{NETWORK}\nexec {sys.executable} -I -B -c '{LOOK}' {AGENT}"
    run = subprocess.run(["unshare", "-n", "-m", "sh", "-c", script], capture_output=True, timeout=60)
    if run.returncode != 0 and b"Traceback" not in run.stderr:
        pytest.skip(f"this machine lets nobody make a network of its own: {run.stderr.decode()[:200]}")
    assert run.stderr == b""
    found: dict[str, Any] = json.loads(run.stdout)
    for name in ("interface_addresses", "routes"):
        assert (found["tables"][name]["status"], found["tables"][name]["notes"]) == ("ok", [])
    return found


def test_the_addresses_are_those_ip_shows(seen: dict[str, Any]) -> None:
    """Those of an interface that is down, a second one and one with a peer among them; one row for none."""
    shown = {
        (link["ifname"], entry.get("local"), str(entry["prefixlen"]) if entry else None)
        for link in seen["ip"]["addr"]
        for entry in [entry for entry in link["addr_info"] if not entry.get("temporary")] or [{}]
    }
    rows = seen["tables"]["interface_addresses"]["rows"]
    assert {(row["interface"], row.get("address"), row.get("mask")) for row in rows} == shown
    assert len(rows) == len(shown)
    assert {"10.1.0.1", "10.1.0.2", "192.168.50.1", "10.8.0.1", "fd00:1::5"} <= {row.get("address") for row in rows}


def test_the_cards_have_the_addresses_ip_shows(seen: dict[str, Any]) -> None:
    shown = {link["ifname"]: link.get("address") for link in seen["ip"]["addr"] if link["link_type"] == "ether"}
    rows = seen["tables"]["interface_addresses"]["rows"]
    assert {row["interface"]: row["mac"] for row in rows if "mac" in row} == shown


def test_each_interface_is_of_its_kind(seen: dict[str, Any]) -> None:
    kinds = {row["interface"]: row.get("type") for row in seen["tables"]["interface_addresses"]["rows"]}
    virtual = dict.fromkeys(("veth0", "veth1", "br0", "tap9"), "virtual")
    assert {name: kinds[name] for name in ("lo", "tun9", *virtual)} == {"lo": "loopback", "tun9": "tunnel", **virtual}


def network(text: str) -> tuple[str, int]:
    """(address, prefix length) of what ip prints as a destination."""
    text = {"default": "0.0.0.0/0"}.get(text, text)
    parsed = ipaddress.ip_network(text)
    return str(parsed.network_address), parsed.prefixlen


def test_the_routes_are_those_ip_shows(seen: dict[str, Any]) -> None:
    """Defaults and those over a gateway, but for those that lead nowhere and those with an end."""
    shown = set()
    for family, everywhere in (("route", "0.0.0.0/0"), ("route6", "::/0")):
        for route in seen["ip"][family]:
            if route.get("type") in ("unreachable", "blackhole") or "expires" in route:
                continue
            if "gateway" in route or route["dst"] == "default":
                destination = network(everywhere if route["dst"] == "default" else route["dst"])
                shown.add((*destination, route.get("gateway"), route["dev"], route.get("metric", 0)))
    rows = seen["tables"]["routes"]["rows"]
    columns = ("destination", "netmask", "gateway", "interface", "metric")
    assert {tuple(row.get(column) for column in columns) for row in rows} == shown
    assert len(shown) == 6


# -- the forms themselves --------------------------------------------------------------------------------------------

TRIE = """\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 192.0.2.0
        /24 link UNICAST
Local:
  +-- 0.0.0.0/0 3 0 5
     |-- 127.0.0.1
        /32 host LOCAL
     |-- 192.0.2.2
        /32 host LOCAL
     |-- 192.0.2.255
        /32 link BROADCAST
     |-- 198.51.100.7
        /32 host LOCAL
"""
ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""


@pytest.mark.skipif(sys.byteorder != "little", reason="the text was printed by a little-endian machine")
def test_without_ip_an_address_is_given_to_the_one_network_it_lies_in() -> None:
    certain, others = linux_addresses.of_trie(TRIE, ROUTES)
    assert certain == [("lo", "127.0.0.1", 8), ("eth0", "192.0.2.2", 24)]
    assert others == ["198.51.100.7"]


@pytest.mark.skipif(sys.byteorder != "little", reason="the text was printed by a little-endian machine")
def test_without_ip_an_address_in_the_networks_of_two_cards_belongs_to_neither() -> None:
    both = ROUTES + "wlan0\t000200C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0\n"
    assert linux_addresses.of_trie(TRIE, both) == ([("lo", "127.0.0.1", 8)], ["192.0.2.2", "198.51.100.7"])


def test_temporary_addresses_are_left_out() -> None:
    text = (
        "20010db8000000000000000000000005 02 40 00 00     eth0\n20010db80000000012349876abcd0001 02 40 00 01     eth0\n"
    )
    assert linux_addresses.inet6(text) == [("eth0", "2001:db8::5", 64)]


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (linux_addresses.printed, "2: eth0    inet 192.0.2.2\n"),
        (linux_addresses.printed, "Cannot open netlink socket\n"),
        (linux_addresses.inet6, "20010db8 02 40 00 00 eth0\n"),
        (linux_addresses.inet6, "\0\0\n"),
        (routes.ipv4, "Iface\neth0 00000000\n"),
        (routes.ipv4, "Iface\neth0 zz 010200C0 0003 0 0 0 00000000 0 0 0\n"),
        (routes.ipv6, "00 00\n"),
    ],
)
def test_a_damaged_line_is_refused(read: Any, text: str) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        read(text)
