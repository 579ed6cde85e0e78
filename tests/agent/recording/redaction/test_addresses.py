"""The addresses of a PC are replaced everywhere alike, and its networks stay networks."""

from __future__ import annotations

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from muster_agent.facts import InterfaceAddress, Route, Table
from muster_agent.machine import Listing, Socket, Uname
from muster_agent.recording import of_files
from muster_agent.recording.file import to_json
from muster_agent.recording.redaction import redacted
from muster_agent.recording.redaction.addresses import instead

TABLES = {
    "interface_addresses": Table(
        (
            InterfaceAddress("eth0", address="10.20.30.40", mask="24"),
            InterfaceAddress("eth0", address="2408:8207:1234::9", mask="64"),
            InterfaceAddress("eth0", address="fe80::250:56ff:fea1:b2c3", mask="64"),
            InterfaceAddress("lo", address="127.0.0.1", mask="8"),
        )
    ),
    "routes": Table((Route("0.0.0.0", 0, "10.20.30.1", "eth0", 100),)),
}
FILES = {
    "/proc/net/route": b"eth0\t00000000\t011E140A\t0003\neth0\t001E140A\t00000000\t0001\n",
    "/proc/net/if_inet6": b"24088207123400000000000000000009 02 40 00 80 eth0\n"
    b"fe80000000000000025056fffea1b2c3 02 40 20 80 eth0\n",
    "/x": b"inet 10.20.30.40/24 brd 10.20.30.255; 10.20.30.40:22 [2408:8207:1234::9]\n"
    b"110.20.30.401 1.10.20.30.40.5 10.20.30.1",
}


def test_every_spelling_is_replaced_and_what_only_looks_alike_stays() -> None:
    recording = of_files(Uname("Linux", "h", "6", "x86_64"), FILES, 0)
    recording.sockets = Listing((Socket("tcp", "ipv4", "10.20.30.40", 22, None, None),), True)
    shown, redaction = redacted(recording, TABLES)
    assert shown.files["/x"] == (
        b"inet 10.0.30.40/24 brd 10.0.30.255; 10.0.30.40:22 [2001:db8:1234::9]\n110.20.30.401 1.10.20.30.40.5 10.0.30.1"
    )
    assert shown.files["/proc/net/route"] == b"eth0\t00000000\t011E000A\t0003\neth0\t001E000A\t00000000\t0001\n"
    first, second = shown.files["/proc/net/if_inet6"].decode().splitlines()
    assert first == "20010db8123400000000000000000009 02 40 00 80 eth0"
    assert second.startswith("fe80")
    assert "fffe" not in second
    assert isinstance(shown.sockets, Listing)
    assert shown.sockets.rows[0].address == "10.0.30.40"
    assert "10.20.30.40" not in to_json(shown).replace("1.10.20.30.40.5", "").replace("110.20.30.401", "")
    assert redaction.counts["address"] >= 8


@given(st.ip_addresses(v=4), st.integers(24, 30))
def test_hosts_of_one_network_stay_hosts_of_one_network(address: ipaddress.IPv4Address, length: int) -> None:
    replaced = instead(address)
    network = ipaddress.ip_interface(f"{address}/{length}").network
    other = instead(network.network_address)
    if replaced is not None and other is not None:
        assert replaced in ipaddress.ip_network(f"{other}/{length}")
        assert replaced.is_private or replaced in ipaddress.ip_network("198.18.0.0/15")


def test_addresses_that_name_no_network_stay() -> None:
    for text in ("127.0.0.1", "169.254.3.4", "224.0.0.251", "0.0.0.0", "255.255.255.0", "::1", "fe80::1", "ff02::fb"):
        assert instead(ipaddress.ip_address(text)) is None, text
