"""Processor, memory, firmware, drives, the chip, event logs and services: numbers out of what Windows fills in."""

from __future__ import annotations

import ctypes
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.local.windows import drives, event_log, firmware, hardware, service_states, tpm
from muster_agent.machine import CannotRead

# -- cores -----------------------------------------------------------------------------------------------------------


def core(size: int = 48, kind: int = 0) -> bytes:
    """A SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX."""
    return struct.pack("<2I", kind, size).ljust(size, b"\x01")


def test_cores_are_counted_whatever_the_size_of_their_entries() -> None:
    assert hardware.cores_in(core() * 6) == 6
    assert hardware.cores_in(core(48) + core(64) + core(48)) == 3


@pytest.mark.parametrize("data", [b"", core()[:-1], core(kind=3), core() + b"\0", struct.pack("<2I", 0, 0) + bytes(40)])
def test_no_core_and_a_cut_entry_are_not_counted(data: bytes) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        hardware.cores_in(data)


@given(st.binary(max_size=200))
def test_counting_ends_whatever_the_entries_say(data: bytes) -> None:
    try:
        assert hardware.cores_in(data) > 0
    except CannotRead as error:
        assert error.code == "not_understood"


# -- the start -------------------------------------------------------------------------------------------------------

BOOT = 1_795_521_780  # a whole minute


@given(st.integers(-29 * 10**7, 29 * 10**7))
def test_a_clock_put_right_by_seconds_does_not_move_the_start(ticks: int) -> None:
    filetime = (BOOT + 11_644_473_600) * 10**7
    assert hardware.unix_minute(filetime) == BOOT
    assert hardware.unix_minute(filetime + ticks) == BOOT


# -- the chip --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [1, 2])
def test_the_version_of_the_chip_is_told(version: int) -> None:
    assert tpm.version(struct.pack("<4I", 1, version, 4, 0)) == version


@pytest.mark.parametrize("version", [0, 3, 0xFFFFFFFF])
def test_a_version_nobody_knows_is_not_rounded_to_one(version: int) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        tpm.version(struct.pack("<4I", 1, version, 4, 0))


# -- firmware --------------------------------------------------------------------------------------------------------


def test_windows_7_tells_its_firmware_by_the_error_of_a_variable() -> None:
    assert [firmware.by_error(number) for number in (1, 203, 998)] == [firmware.BIOS, firmware.UEFI, firmware.UEFI]


@pytest.mark.parametrize(("number", "code"), [(1314, "denied"), (0, "api_failed"), (87, "api_failed")])
def test_an_error_that_says_nothing_of_the_firmware_is_no_uefi(number: int, code: str) -> None:
    with pytest.raises(CannotRead) as raised:
        firmware.by_error(number)
    assert raised.value.code == code


# -- drives ----------------------------------------------------------------------------------------------------------


def test_only_drives_that_stay_are_told() -> None:
    kinds = {"A:\\": 2, "C:\\": 3, "D:\\": 5, "E:\\": 3, "F:\\": 4, "Z:\\": 3}
    letters = sum(1 << ord(drive[0]) - ord("A") for drive in kinds)
    assert drives.fixed_among(letters, kinds.__getitem__) == ["C:", "E:", "Z:"]
    assert drives.fixed_among(0, kinds.__getitem__) == []


# -- event logs ------------------------------------------------------------------------------------------------------


def record(moment: int, length: int = 80, signature: bytes = b"LfLe") -> bytes:
    """An EVENTLOGRECORD: generated at ``moment`` and written a second later."""
    return struct.pack("<I4sIII", length, signature, 17, moment, (moment + 1) % 2**32).ljust(length, b"\0")


def test_the_first_record_is_the_oldest() -> None:
    assert event_log.generated(record(1_700_000_000) + record(1_700_000_500)) == 1_700_000_000
    assert event_log.generated(record(0xFFFFFFFF)) == 0xFFFFFFFF


@pytest.mark.parametrize("data", [b"", record(1)[:55], record(1, signature=b"ElfF"), record(1)[:70], bytes(100)])
def test_something_else_than_a_record_is_no_moment(data: bytes) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        event_log.generated(data)


@given(st.binary(max_size=120))
def test_whatever_the_log_holds_it_is_a_moment_or_refused(data: bytes) -> None:
    for held in (data, record(5)[:16] + data):
        try:
            assert 0 <= event_log.generated(held) < 2**32
        except CannotRead as error:
            assert error.code == "not_understood"


# -- services --------------------------------------------------------------------------------------------------------


def service(**fields: Any) -> Any:
    """An entry of the list of services."""
    return service_states.EnumServiceStatusProcess(**fields)


def test_the_state_of_a_service_is_told_in_windows_words() -> None:
    assert [service_states.state(service(name="x", state=number)) for number in range(1, 8)] == [
        "STOPPED",
        "START_PENDING",
        "STOP_PENDING",
        "RUNNING",
        "CONTINUE_PENDING",
        "PAUSE_PENDING",
        "PAUSED",
    ]
    for number in (0, 8):
        with pytest.raises(CannotRead, match="not_understood: EnumServicesStatusEx: x"):
            service_states.state(service(name="x", state=number))


def test_structures_that_say_their_own_size_say_the_right_one() -> None:
    assert ctypes.sizeof(hardware.MemoryStatusEx) == 64
