"""Interfaces, routes and shares of Windows: what each is, and what is left out."""

from __future__ import annotations

from typing import Any

import pytest

from muster_agent.collect.interface_addresses import windows as interfaces
from muster_agent.collect.interface_addresses.windows_kind import kind
from muster_agent.collect.routes import windows as routes
from muster_agent.collect.shared_resources import windows as shares
from muster_agent.facts import Table
from muster_agent.machine import CannotRead, Denied, Uname
from muster_agent.recording import RecordedMachine, Recording


def machine(apis: dict[tuple[str, ...], Any], values: dict[str, Any] | None = None) -> RecordedMachine:
    """A PC that answers this."""
    uname = Uname("Windows", "pc", "10", "AMD64")
    return RecordedMachine(Recording("windows", uname, True, apis=apis, values=values or {}), whole=True)


@pytest.mark.parametrize(
    ("if_type", "description", "connector", "expected"),
    [
        (6, "Realtek PCIe GbE Family Controller", True, "ethernet"),
        (6, "Realtek Gaming 2.5GbE Family Controller", True, "ethernet"),
        (6, "ASIX AX88179 USB 3.0 to Gigabit Ethernet Adapter", True, "ethernet"),
        (6, "Microsoft Hyper-V Network Adapter", True, "ethernet"),  # in a virtual machine
        (6, "vmxnet3 Ethernet Adapter", True, "ethernet"),
        (6, "Red Hat VirtIO Ethernet Adapter", True, "ethernet"),
        (6, "Unheard Of", None, "ethernet"),
        (6, "Unheard Of", False, "virtual"),
        (6, "Hyper-V Virtual Ethernet Adapter #2", False, "virtual"),
        (6, "VMware Virtual Ethernet Adapter for VMnet1", True, "virtual"),
        (6, "VirtualBox Host-Only Ethernet Adapter", True, "virtual"),
        (6, "TAP-Windows Adapter V9", True, "virtual"),
        (6, "Sangfor SSL VPN CS Support System VNIC", True, "virtual"),
        (6, "Cisco AnyConnect Virtual Miniport Adapter for Windows x64", True, "virtual"),
        (6, "Npcap Loopback Adapter", True, "virtual"),
        (6, "Microsoft 托管网络虚拟适配器", None, "virtual"),
        (53, "Wintun Userspace Tunnel", False, "tunnel"),
        (53, "ZeroTier Virtual Port", False, "virtual"),
        (71, "Intel(R) Wi-Fi 6E AX211 160MHz", True, "wireless"),
        (71, "Microsoft Wi-Fi Direct Virtual Adapter #2", False, "virtual"),
        (71, "Microsoft Wi-Fi Direct 虚拟适配器", False, "virtual"),
        (71, "Unheard Of", False, "wireless"),
        (243, "Fibocom L860-GL", True, "mobile"),
        (244, "Anything", None, "mobile"),
        (6, "Remote NDIS based Internet Sharing Device #3", True, "mobile"),
        (6, "基于远程 NDIS 的 Internet 共享设备", True, "mobile"),
        (6, "Apple Mobile Device Ethernet", True, "mobile"),
        (6, "UsbNcm Host Device", True, "mobile"),
        (6, "HUAWEI Mobile Connect - 3G Network Card", True, "mobile"),
        (6, "IBM USB Remote NDIS Network Device", True, "ethernet"),
        (24, "Software Loopback Interface 1", False, "loopback"),
        (131, "Microsoft Teredo Tunneling Adapter", False, "tunnel"),
        (23, "WAN Miniport (PPPOE)", False, None),
        (1, "Unheard Of", None, None),
        (None, "Unheard Of", None, None),
    ],
)
def test_what_an_interface_is(if_type: Any, description: str, connector: bool | None, expected: str | None) -> None:
    assert kind(if_type, description, connector, True) == expected


def test_bluetooth_is_a_telephone_once_it_has_an_address() -> None:
    assert kind(6, "Bluetooth Device (Personal Area Network)", True, True) == "mobile"
    assert kind(6, "Bluetooth 设备(个人区域网)", True, False) is None


def interface(*addresses: dict[str, Any], **more: Any) -> Table:
    """The table of a PC with one card."""
    adapter = {"name": "以太网", "description": "Card", "if_type": 6, "mac": "02:00:00:00:00:01", "connector": True}
    said = [{**adapter, "up": True, "addresses": list(addresses), **more}]
    return interfaces.collect(machine({("GetAdaptersAddresses",): said}))


def address(text: str, prefix: Any = 24, temporary: bool = False) -> dict[str, Any]:
    """One address."""
    return {"address": text, "prefix": prefix, "temporary": temporary}


def test_a_row_an_address_without_those_that_change_by_themselves() -> None:
    table = interface(address("10.0.0.1"), address("2001:DB8:0::1", 64), address("2001:db8::2", 64, True))
    assert [(row.address, row.mask) for row in table.rows or ()] == [("10.0.0.1", "24"), ("2001:db8::1", "64")]


def test_a_card_without_addresses_is_a_row() -> None:
    for table in (interface(), interface(address("2001:db8::2", 64, True)), interface(addresses=None)):
        [row] = table.rows or ()
        assert (row.interface, row.address, row.mask) == ("以太网", None, None)


def test_the_zone_is_no_part_of_an_address() -> None:
    assert [row.address for row in interface(address("fe80::1%12", 64)).rows or ()] == ["fe80::1"]


def test_an_address_that_is_none_is_said() -> None:
    table = interface(address("300.1.1.1"), address("10.0.0.1", 99))
    assert [(row.address, row.mask) for row in table.rows or ()] == [("10.0.0.1", None)]
    assert [(note.code, note.column) for note in table.notes] == [("not_understood", "address")]


@pytest.mark.parametrize("mac", ["00:00:00:00:00:00", "", None, "00:00:00:00:00:00:00:e0", "?"])
def test_a_number_that_is_no_cards_is_none(mac: Any) -> None:
    [row] = interface(mac=mac).rows or ()
    assert row.mac is None


# -- routes ----------------------------------------------------------------------------------------------------------


def route(destination: str, prefix: Any, gateway: str | None, lifetime: Any = 0xFFFFFFFF, metric: Any = 5) -> Table:
    """The table of a PC with one route."""
    said = {"destination": destination, "prefix": prefix, "gateway": gateway, "interface": "以太网", "metric": metric}
    return routes.collect(machine({("GetIpForwardTable2",): [{**said, "protocol": 3, "valid_lifetime": lifetime}]}))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (("0.0.0.0", 0, "10.0.0.1"), ("0.0.0.0", 0, "10.0.0.1")),
        (("0.0.0.0", 0, None), ("0.0.0.0", 0, None)),
        (("0.0.0.0", 0, "0.0.0.0"), ("0.0.0.0", 0, None)),
        (("::", 0, "fe80::1%5"), ("::", 0, "fe80::1")),
        (("10.9.0.0", 16, "10.0.0.254"), ("10.9.0.0", 16, "10.0.0.254")),
        (("10.0.0.0", 24, None), None),
        (("10.0.0.0", 24, "0.0.0.0"), None),
        (("2001:db8::", 64, "::"), None),
        (("::", 0, "fe80::1", 1800), None),
    ],
)
def test_ways_out_are_default_routes_and_those_over_a_gateway(said: Any, expected: Any) -> None:
    found = [(row.destination, row.netmask, row.gateway) for row in route(*said).rows or ()]
    assert found == ([] if expected is None else [expected])


@pytest.mark.parametrize(
    "said", [("x", 0, None), ("0.0.0.0", 33, "10.0.0.1"), ("0.0.0.0", None, None), ("0.0.0.0", 0, "x")]
)
def test_a_route_that_is_none_is_said(said: Any) -> None:
    table = route(*said)
    assert table.rows == ()
    assert [(note.code, note.column) for note in table.notes] == [("not_understood", None)]
    assert [note.code for note in route("0.0.0.0", 0, None, None).notes] == ["not_understood"]


# -- shares ----------------------------------------------------------------------------------------------------------

GUEST_OFF = [{"rid": 501, "flags": 0x10223}]
SHUT: dict[str, Any] = {shares.LSA: {"LimitBlankPasswordUse": 1}, shares.PARAMETERS: {"RestrictNullSessAccess": 1}}

BLANK, NAMED = {"LimitBlankPasswordUse": 1}, {"RestrictNullSessAccess": 1, "NullSessionShares": ("WORK",)}


def shared(values: dict[str, Any], users: Any = GUEST_OFF, number: int = 0, name: str = "work") -> Table:
    """The table of a PC with one share."""
    said = [{"name": name, "type": number, "remark": "", "path": r"D:\work"}]
    return shares.collect(machine({("NetShareEnum",): said, ("NetUserEnum",): users}, {**SHUT, **values}))


@pytest.mark.parametrize(
    ("number", "type_name", "administrative", "path"),
    [
        (0x00000000, "Disk", False, r"D:\work"),
        (0x80000000, "Disk", True, r"D:\work"),
        (0x40000000, "Disk", False, r"D:\work"),
        (0x00000001, "Printer", False, None),
        (0x00000002, "Device", False, None),
        (0x80000003, "IPC", True, None),
    ],
)
def test_the_type_of_a_share_is_a_number_and_a_flag(
    number: int, type_name: str, administrative: bool, path: str | None
) -> None:
    [row] = shared({}, number=number).rows or ()
    assert (row.type_name, row.administrative, row.path, row.protocol) == (type_name, administrative, path, "smb")


@pytest.mark.parametrize(
    ("values", "users", "guest"),
    [
        ({}, GUEST_OFF, False),
        ({}, [{"rid": 501, "flags": 0x10221}], None),
        ({}, [{"rid": 500, "flags": 0x10223}], None),
        ({}, Denied("NetUserEnum"), None),
        ({shares.LSA: {"LimitBlankPasswordUse": 0}}, GUEST_OFF, None),
        ({shares.LSA: {}}, GUEST_OFF, None),
        ({shares.PARAMETERS: {"RestrictNullSessAccess": 0}}, GUEST_OFF, None),
        ({shares.PARAMETERS: {}}, GUEST_OFF, None),
        ({shares.PARAMETERS: NAMED}, GUEST_OFF, None),
        ({shares.PARAMETERS: NAMED, shares.LSA: {**BLANK, "EveryoneIncludesAnonymous": 0}}, GUEST_OFF, None),
        ({shares.PARAMETERS: NAMED, shares.LSA: {**BLANK, "EveryoneIncludesAnonymous": 1}}, GUEST_OFF, True),
        ({shares.LSA: {**BLANK, "EveryoneIncludesAnonymous": 1}}, GUEST_OFF, False),
        ({shares.PARAMETERS: {"RestrictNullSessAccess": 1, "NullSessionShares": ("other", "")}}, GUEST_OFF, False),
        ({shares.PARAMETERS: Denied(shares.PARAMETERS)}, GUEST_OFF, None),
    ],
)
def test_a_share_needs_a_password_only_where_every_other_way_is_shut(values: Any, users: Any, guest: Any) -> None:
    table = shared(values, users)
    [row] = table.rows or ()
    assert row.guest is guest
    assert ("guest" in {note.column for note in table.notes}) is (guest is None)
    assert "writable" in {note.column for note in table.notes}


def test_a_pipe_is_never_said_to_need_a_password() -> None:
    [row] = shared({}, number=0x80000003, name="IPC$").rows or ()
    assert row.guest is None


@pytest.mark.parametrize(("state", "rows"), [("STOPPED", True), (None, True), ("RUNNING", False)])
def test_without_its_service_nothing_is_shared(state: str | None, rows: bool) -> None:
    states = {} if state is None else {"LanmanServer": state}
    failed = CannotRead("api_failed", "NetShareEnum: error 2114")
    said = machine({("NetShareEnum",): failed, ("EnumServicesStatusEx",): states})
    if rows:
        assert shares.collect(said).rows == ()
    else:
        with pytest.raises(CannotRead, match="2114"):
            shares.collect(said)
