"""Numbers, texts and addresses out of the bytes macOS fills in.

Its kernel writes little-endian on every Mac the agent knows (Intel, Apple).
"""

from __future__ import annotations

import ctypes
import errno
import ipaddress
import struct
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.local.darwin import interfaces, sockaddr, sysctl
from muster_agent.local.darwin.api import FUNCTIONS, ask
from muster_agent.local.darwin.libsystem import failed
from muster_agent.machine import CannotRead, Denied

# -- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "darwin", reason="what happens where there is no macOS")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_without_macos_every_question_says_so(name: str) -> None:
    with pytest.raises(CannotRead) as raised:
        ask(name, *(("hw.model",) if name == "sysctl" else ()))
    assert (raised.value.status, raised.value.code) == ("unsupported", "not_on_this_system")


def test_a_question_that_is_none_is_a_mistake_and_not_an_answer() -> None:
    with pytest.raises(ValueError, match="reboot"):
        ask("reboot")
    with pytest.raises(ValueError, match=r"kern\.secret"):
        ask("sysctl", "kern.secret")


def test_an_error_is_a_refusal_an_absence_or_its_number() -> None:
    assert isinstance(failed("sysctl", errno.EPERM), Denied)
    assert failed("hw.model", errno.ENOENT).status == "unsupported"
    assert failed("getifaddrs", errno.ENOMEM).detail == f"getifaddrs: error {errno.ENOMEM}"


# -- sysctl ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data", "value"),
    [
        ("hw.memsize", struct.pack("<Q", 2**35), 2**35),
        ("hw.physicalcpu", struct.pack("<i", 8), 8),
        ("hw.logicalcpu", struct.pack("<q", 12), 12),
        ("kern.boottime", struct.pack("<qi4x", 1_795_521_780 - 30, 123_456), 1_795_521_780),
        ("kern.boottime", struct.pack("<qi4x", 1_795_521_780 + 29, 123_456), 1_795_521_780),
        ("hw.model", b"MacBookPro18,3\0", "MacBookPro18,3"),
        ("machdep.cpu.brand_string", b"Apple M1 Pro", "Apple M1 Pro"),
        ("kern.bootsessionuuid", b"\0", ""),
    ],
)
def test_a_value_is_what_its_name_holds(name: str, data: bytes, value: int | str) -> None:
    assert sysctl.value(name, data) == value


@pytest.mark.parametrize(
    ("name", "data"),
    [("hw.memsize", b""), ("hw.memsize", bytes(16)), ("kern.boottime", bytes(8)), ("hw.physicalcpu", b"8")],
)
def test_a_number_of_another_length_is_not_understood(name: str, data: bytes) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        sysctl.value(name, data)


@given(st.sampled_from(sorted(sysctl.NAMES)), st.binary(max_size=40))
def test_whatever_the_kernel_fills_in_it_is_read_or_refused(name: str, data: bytes) -> None:
    try:
        assert isinstance(sysctl.value(name, data), str if sysctl.NAMES[name] == sysctl.TEXT else int)
    except CannotRead as error:
        assert error.code == "not_understood"


# -- addresses -------------------------------------------------------------------------------------------------------


def written(text: str) -> bytes:
    """A sockaddr_in or sockaddr_in6 of macOS."""
    found = ipaddress.ip_address(text)
    if found.version == 4:
        return struct.pack("BB2x", 16, 2) + found.packed + bytes(8)
    return struct.pack("BB2x4x", 28, 30) + found.packed + bytes(4)


def netmask(length: int, version: int, cut: bool = False) -> bytes:
    """The netmask of a prefix; cut behind its last byte that is not 0, and without family, as for lo0."""
    bits, begin = (32, 4) if version == 4 else (128, 8)
    mask = (((1 << length) - 1) << (bits - length)).to_bytes(bits // 8, "big")
    if cut:
        mask = mask.rstrip(b"\0")
        return (bytes([begin + len(mask), 0]) + bytes(begin - 2) + mask).ljust(2, b"\0")
    return bytes([begin + len(mask), 2 if version == 4 else 30]) + bytes(begin - 2) + mask


def test_an_address_is_told_without_the_interface_the_kernel_keeps_in_it() -> None:
    embedded = bytearray(written("fe80::1"))
    embedded[10:12] = b"\0\x04"
    assert sockaddr.address(bytes(embedded)) == "fe80::1"
    assert sockaddr.address(written("192.0.2.7")) == "192.0.2.7"
    assert sockaddr.address(written("2001:db8:4::1")) == "2001:db8:4::1"
    assert sockaddr.address(b"\x14\x12" + bytes(18)) is None
    assert sockaddr.address(b"") is None


@given(st.integers(0, 32), st.booleans())
def test_a_netmask_of_ipv4_is_a_prefix(length: int, cut: bool) -> None:
    assert sockaddr.prefix(netmask(length, 4, cut), sockaddr.AF_INET) == length


@given(st.integers(0, 128), st.booleans())
def test_a_netmask_of_ipv6_is_a_prefix(length: int, cut: bool) -> None:
    assert sockaddr.prefix(netmask(length, 6, cut), sockaddr.AF_INET6) == length


def test_a_netmask_with_a_hole_is_not_counted() -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        sockaddr.prefix(b"\x08\x02\0\0\xff\0\xff\0", sockaddr.AF_INET)


def link(name: bytes, card: bytes, index: int = 4) -> bytes:
    """A sockaddr_dl."""
    data = struct.pack("<BBHBBBB", 20, 18, index, 6, len(name), len(card), 0) + name + card
    return bytes([len(data)]) + data[1:]


def test_the_address_of_a_card_stands_behind_its_name() -> None:
    assert sockaddr.mac(link(b"en0", bytes.fromhex("a483e7000001"))) == "a4:83:e7:00:00:01"
    assert sockaddr.mac(link(b"lo0", b"")) is None
    assert sockaddr.mac(link(b"utun0", bytes(6))) is None
    assert sockaddr.mac(link(b"en0", bytes.fromhex("a483e7000001"))[:-1]) is None
    assert sockaddr.mac(written("192.0.2.1")) is None


@given(st.binary(max_size=40))
def test_whatever_stands_in_memory_is_an_address_or_none(data: bytes) -> None:
    for read in (sockaddr.address, sockaddr.mac):
        assert read(data) is None or isinstance(read(data), str)


# -- interfaces ------------------------------------------------------------------------------------------------------

KEPT: list[Any] = []  # what a pointer points to must live


def kept(data: bytes) -> int:
    """The address of bytes in memory."""
    KEPT.append(ctypes.create_string_buffer(data, len(data)))
    return ctypes.addressof(KEPT[-1])


def chain(*entries: tuple[str, bytes | None, bytes | None]) -> int | None:
    """A list of struct ifaddrs: name, address, netmask."""
    following = None
    for name, address, mask in reversed(entries):
        entry = interfaces.Entry(
            next=following,
            name=name.encode(),
            flags=0x8863,
            address=kept(address) if address else None,
            netmask=kept(mask) if mask else None,
        )
        KEPT.append(entry)
        following = ctypes.addressof(entry)
    return following


def test_what_belongs_to_one_interface_stands_together() -> None:
    start = chain(
        ("lo0", link(b"lo0", b""), None),
        ("lo0", written("127.0.0.1"), netmask(8, 4, cut=True)),
        ("en0", link(b"en0", bytes.fromhex("a483e7000001")), None),
        ("en0", written("fe80::1"), netmask(64, 6)),
        ("en0", written("192.0.2.7"), netmask(24, 4)),
        ("gif0", None, None),
    )
    asked = []

    def temporary(name: str, data: bytes) -> bool | None:
        asked.append((name, data))
        return None

    assert interfaces.interfaces_in(start, temporary) == [
        {
            "interface": "lo0",
            "mac": None,
            "addresses": [{"address": "127.0.0.1", "prefix": 8, "temporary": False}],
            "flags": 0x8863,
        },
        {
            "interface": "en0",
            "mac": "a4:83:e7:00:00:01",
            "addresses": [
                {"address": "fe80::1", "prefix": 64, "temporary": None},
                {"address": "192.0.2.7", "prefix": 24, "temporary": False},
            ],
            "flags": 0x8863,
        },
        {"interface": "gif0", "mac": None, "addresses": [], "flags": 0x8863},
    ]
    assert asked == [("en0", written("fe80::1"))]
    assert interfaces.interfaces_in(None, temporary) == []


def test_a_list_that_leads_in_a_circle_ends() -> None:
    entry = interfaces.Entry(name=b"en0")
    entry.next = ctypes.addressof(entry)
    with pytest.raises(CannotRead, match="not_understood"):
        list(interfaces.linked(ctypes.addressof(entry)))


def test_a_temporary_address_is_asked_for_by_name_and_address() -> None:
    requests = []

    def request(asked: bytes) -> bytes:
        requests.append(asked)
        return asked[:16] + struct.pack("<I", 0x80 if len(requests) == 1 else 0x400) + asked[20:]

    temporary = interfaces.temporary_by(request)
    assert temporary("en0", written("2001:db8::1")) is True
    assert temporary("a-name-that-is-too-long", written("2001:db8::2")) is False
    assert requests[0] == b"en0".ljust(16, b"\0") + written("2001:db8::1").ljust(272, b"\0")
    assert len(requests[1]) == 288
    assert requests[1][15] == 0

    def gone(asked: bytes) -> bytes:
        raise OSError(errno.EADDRNOTAVAIL, "gone")

    assert interfaces.temporary_by(gone)("en0", written("2001:db8::1")) is None
