"""The maker's description of the PC out of its table."""

from __future__ import annotations

import struct
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.local.windows import smbios
from muster_agent.machine import CannotRead

UUID = "12345678-9abc-def0-1234-56789abcdef0"


def structure(kind: int, area: bytes, *texts: bytes) -> bytes:
    """One structure: type, length of its area, handle; the strings behind it, and two NULs."""
    strings = b"".join(text + b"\0" for text in texts) if texts else b"\0"
    return bytes([kind, 4 + len(area)]) + b"\x34\x12" + area + strings + b"\0"


def table(*structures: bytes, version: tuple[int, int] = (3, 2)) -> bytes:
    """A RawSMBIOSData."""
    whole = b"".join(structures)
    return struct.pack("<BBBBI", 0, *version, 0, len(whole)) + whole


BIOS = structure(0, b"\x01\x02\0\0\x03" + bytes(12), b"American Megatrends", b"1.0", b"01/01/2020")
END = structure(127, b"")


def system(
    identifier: bytes = uuid.UUID(UUID).bytes_le, texts: tuple[bytes, ...] = (b"HUAWEI ", b"Qingyun", b"V1", b"SN1")
) -> bytes:
    """A structure of type 1: maker, product, version and serial number by the numbers of their strings."""
    return structure(1, b"\x01\x02\x03\x04" + identifier + b"\x06\0\0", *texts)


def test_maker_product_serial_and_uuid_are_told() -> None:
    assert smbios.system_information(table(BIOS, system(), END)) == {
        "manufacturer": "HUAWEI",
        "product": "Qingyun",
        "serial": "SN1",
        "uuid": UUID,
    }


def test_before_version_2_6_the_bytes_of_the_uuid_stand_in_order() -> None:
    old = table(system(uuid.UUID(UUID).bytes), END, version=(2, 5))
    assert smbios.system_information(old)["uuid"] == UUID


@pytest.mark.parametrize("identifier", [bytes(16), b"\xff" * 16])
def test_a_uuid_that_was_never_set_is_none(identifier: bytes) -> None:
    assert smbios.system_information(table(system(identifier), END))["uuid"] is None


def test_strings_that_are_empty_missing_or_numbered_beyond_the_last_are_none() -> None:
    said = smbios.system_information(table(system(texts=(b"   ", b"Model")), END))
    assert said == {"manufacturer": None, "product": "Model", "serial": None, "uuid": UUID}
    nothing = structure(1, b"\0\0\0\0" + bytes(16))
    assert set(smbios.system_information(table(nothing, END)).values()) == {None}


def test_a_short_structure_of_an_old_table_has_no_uuid() -> None:
    assert smbios.system_information(table(structure(1, b"\x01\x02\0\x03", b"IBM", b"PC", b"7"), version=(2, 0))) == {
        "manufacturer": "IBM",
        "product": "PC",
        "serial": "7",
        "uuid": None,
    }


def test_names_in_another_encoding_are_shown_and_not_trusted() -> None:
    assert smbios.system_information(table(system(texts=("联想".encode("gbk"), b"x")), END))["manufacturer"]


def test_what_stands_behind_the_end_is_not_read() -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        smbios.system_information(table(BIOS, END, system()))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        table(),
        table(BIOS),
        table(BIOS, END),
        table(BIOS, system())[:-1],
        table(b"\x01\x03\0\0\0\0"),
        table(b"\x01\xff\0\0\0\0"),
        table(b"\x01\x1b"),
        b"\0\3\0\0\xff\xff\xff\xff" + system(),
    ],
)
def test_a_table_without_the_system_or_cut_short_is_not_understood(raw: bytes) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        smbios.system_information(raw)


@given(st.binary(max_size=400))
def test_whatever_the_firmware_wrote_it_is_read_or_refused(data: bytes) -> None:
    for raw in (data, table(data), table(BIOS, data, system())):
        try:
            assert set(smbios.system_information(raw)) == {"manufacturer", "product", "serial", "uuid"}
        except CannotRead as error:
            assert error.code == "not_understood"
