"""Interfaces, addresses and routes out of the bytes and structures Windows fills in."""

from __future__ import annotations

import ctypes
import ipaddress
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.local.windows import adapters, interface_row, routes
from muster_agent.local.windows.interface_row import InterfaceRow
from muster_agent.local.windows.sockaddr import address
from muster_agent.machine import CannotRead


def sockaddr(text: str) -> bytes:
    """A SOCKADDR_IN or SOCKADDR_IN6 of Windows."""
    found = ipaddress.ip_address(text)
    if found.version == 4:
        return struct.pack("<HH", 2, 0) + found.packed + bytes(8)
    return struct.pack("<HHI", 23, 0, 0) + found.packed + struct.pack("<I", 7)


def sockaddr_inet(text: str) -> bytes:
    """A SOCKADDR_INET: as long as the longer of the two."""
    return sockaddr(text).ljust(28, b"\0")


# -- addresses -------------------------------------------------------------------------------------------------------


@given(st.ip_addresses())
def test_every_address_is_read_as_it_was_written(found: Any) -> None:
    assert ipaddress.ip_address(address(sockaddr(str(found)))) == found
    assert ipaddress.ip_address(address(sockaddr_inet(str(found)))) == found


@pytest.mark.parametrize("data", [b"", b"\x02", b"\x02\0\0\0", b"\x17\0" + bytes(20), b"\x0a\0" + bytes(30), bytes(28)])
def test_another_family_or_a_cut_one_is_not_understood(data: bytes) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        address(data)


# -- MIB_IF_ROW2 -----------------------------------------------------------------------------------------------------


def row_bytes(alias: str, flags: int) -> bytes:
    """The bytes of a MIB_IF_ROW2."""
    data = bytearray(1352)
    data[28 : 28 + 514] = alias.encode("utf-16-le").ljust(514, b"\0")
    data[1152] = flags
    return bytes(data)


@pytest.mark.parametrize(("flags", "connector"), [(0b101, True), (0b001, False), (0b100, True), (0, False)])
def test_a_card_has_a_connector(flags: int, connector: bool) -> None:
    assert interface_row.interface_row(row_bytes("以太网 2", flags)) == InterfaceRow("以太网 2", connector)


def test_a_name_of_full_length_needs_no_end() -> None:
    assert interface_row.interface_row(row_bytes("x" * 257, 0)).alias == "x" * 257


@given(st.binary(max_size=1500))
def test_whatever_the_row_holds_it_is_read_or_refused(data: bytes) -> None:
    try:
        assert "\0" not in interface_row.interface_row(data).alias
    except CannotRead as error:
        assert error.code == "not_understood"
        assert len(data) < 1352


# -- adapters --------------------------------------------------------------------------------------------------------


class Memory:
    """Structures that live as long as the test, linked as Windows links them."""

    def __init__(self) -> None:
        self._kept: list[Any] = []

    def keep(self, structure: Any) -> int:
        """Its address."""
        self._kept.append(structure)
        return ctypes.addressof(structure)

    def unicast(self, text: str, prefix: int, suffix: int = 3, after: int | None = None) -> int:
        """One address of an interface."""
        data = sockaddr(text)
        where = adapters.SocketAddress(self.keep(ctypes.create_string_buffer(data, len(data))), len(data))
        return self.keep(
            adapters.UnicastAddress(next=after, socket_address=where, prefix_length=prefix, suffix_origin=suffix)
        )

    def adapter(self, mac: str = "", after: int | None = None, **fields: Any) -> int:
        """One interface."""
        card = bytes.fromhex(mac.replace(":", ""))
        entry = adapters.Adapter(next=after, physical_address_length=len(card), **fields)
        entry.physical_address[: len(card)] = card
        return self.keep(entry)


def told(start: int, row_of: Any) -> list[dict[str, Any]]:
    """The interfaces of a list."""
    return [adapters.adapter(entry, row_of) for entry in adapters.linked(start, adapters.Adapter)]


def test_an_interface_is_told_with_all_its_addresses() -> None:
    memory = Memory()
    chain = memory.unicast("2001:db8::42", 64, suffix=5)
    chain = memory.unicast("fe80::1", 64, after=chain)
    chain = memory.unicast("192.0.2.7", 24, after=chain)
    loopback = memory.adapter(friendly_name="Loopback", type=24, status=1, index=1)
    start = memory.adapter(
        mac="02:00:5e:10:00:01",
        friendly_name="以太网",
        description="Intel(R) Ethernet",
        type=6,
        status=1,
        index=12,
        unicast=chain,
        after=loopback,
    )
    rows = told(start, lambda index: InterfaceRow("", index == 12))
    assert rows == [
        {
            "name": "以太网",
            "description": "Intel(R) Ethernet",
            "if_type": 6,
            "mac": "02:00:5e:10:00:01",
            "up": True,
            "connector": True,
            "addresses": [
                {"address": "192.0.2.7", "prefix": 24, "temporary": False},
                {"address": "fe80::1", "prefix": 64, "temporary": False},
                {"address": "2001:db8::42", "prefix": 64, "temporary": True},
            ],
        },
        {
            "name": "Loopback",
            "description": "",
            "if_type": 24,
            "mac": None,
            "up": True,
            "connector": False,
            "addresses": [],
        },
    ]


def test_one_with_ipv6_alone_is_asked_for_by_its_other_number() -> None:
    asked = []
    start = Memory()
    told(start.adapter(index=0, index_v6=9, status=2), lambda index: asked.append(index) or InterfaceRow("", True))
    assert asked == [9]


def test_what_the_network_stack_does_not_tell_is_unknown() -> None:
    def gone(index: int) -> InterfaceRow:
        raise CannotRead("api_failed", "GetIfEntry2: error 2")

    memory = Memory()  # it has to outlive the look
    [row] = told(memory.adapter(mac="00:00:00:00:00:00", status=6), gone)
    assert (row["connector"], row["mac"], row["up"]) == (None, None, False)


def test_a_list_that_leads_in_a_circle_ends() -> None:
    entry = adapters.Adapter()
    entry.next = ctypes.addressof(entry)
    with pytest.raises(CannotRead, match="not_understood"):
        list(adapters.linked(ctypes.addressof(entry), adapters.Adapter))


# -- routes ----------------------------------------------------------------------------------------------------------


def route(index: int, destination: str, prefix: int, hop: str, lifetime: int, metric: int, protocol: int) -> bytes:
    """The bytes of a MIB_IPFORWARD_ROW2."""
    data = struct.pack("<QI", 0x1234, index) + sockaddr_inet(destination) + bytes([prefix, 9, 9, 9])
    data += sockaddr_inet(hop) + bytes([64, 9, 9, 9])
    data += struct.pack("<IIII", lifetime, 5, metric, protocol) + b"\1\1\1\1" + struct.pack("<II", 99, 0)
    assert len(data) == 104
    return data


def test_routes_of_both_families_are_told() -> None:
    data = route(12, "0.0.0.0", 0, "192.0.2.1", 0xFFFFFFFF, 25, 3)
    data += route(13, "2001:db8::", 32, "::", 1800, 256, 2)
    names = {12: "以太网", 13: "Wi-Fi"}
    assert routes.routes_in(data, names.__getitem__) == [
        {
            "destination": "0.0.0.0",
            "prefix": 0,
            "gateway": "192.0.2.1",
            "interface": "以太网",
            "metric": 25,
            "protocol": 3,
            "valid_lifetime": 4294967295,
        },
        {
            "destination": "2001:db8::",
            "prefix": 32,
            "gateway": None,
            "interface": "Wi-Fi",
            "metric": 256,
            "protocol": 2,
            "valid_lifetime": 1800,
        },
    ]
    assert routes.routes_in(b"", names.__getitem__) == []


@given(st.binary(max_size=300))
def test_whatever_the_table_holds_it_is_read_or_refused(data: bytes) -> None:
    try:
        assert len(routes.routes_in(data, str)) * 104 == len(data)
    except CannotRead as error:
        assert error.code == "not_understood"


def test_an_interface_is_named_once_and_by_its_number_when_it_has_no_name() -> None:
    asked = []

    def row_of(index: int) -> InterfaceRow:
        asked.append(index)
        if index == 3:
            raise CannotRead("api_failed", "GetIfEntry2: error 2")
        return InterfaceRow("以太网" if index == 1 else "", True)

    alias = routes.Aliases(row_of)
    assert [alias(1), alias(1), alias(2), alias(3), alias(3)] == ["以太网", "以太网", "2", "3", "3"]
    assert asked == [1, 2, 3]
