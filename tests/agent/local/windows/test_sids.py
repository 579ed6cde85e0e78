"""Security identifiers out of bytes."""

from __future__ import annotations

import ctypes
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.local.windows.sids import sid_at, sid_text
from muster_agent.machine import CannotRead

ADMINISTRATORS = bytes([1, 2, 0, 0, 0, 0, 0, 5]) + struct.pack("<2I", 32, 544)


def test_a_sid_is_written_as_windows_writes_it() -> None:
    assert sid_text(ADMINISTRATORS) == "S-1-5-32-544"
    assert sid_text(bytes([1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0])) == "S-1-1-0"
    assert sid_text(bytes([1, 0, 0, 1, 0, 0, 0, 0])) == "S-1-0x000100000000"


def test_a_sid_in_memory_is_as_long_as_it_says() -> None:
    memory = ctypes.create_string_buffer(ADMINISTRATORS + b"whatever stands behind it")
    assert sid_at(ctypes.addressof(memory)) == "S-1-5-32-544"


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 2**32 - 1), max_size=15))
def test_every_part_of_it_is_there(authority: int, parts: list[int]) -> None:
    data = bytes([1, len(parts)]) + authority.to_bytes(6, "big") + struct.pack(f"<{len(parts)}I", *parts)
    assert sid_text(data) == "-".join(["S-1", str(authority), *map(str, parts)])


@given(st.binary(max_size=80))
def test_anything_else_is_not_understood(data: bytes) -> None:
    try:
        said = sid_text(data)
    except CannotRead as error:
        assert error.code == "not_understood"
    else:
        assert data[0] == 1
        assert said.startswith("S-1-")


@pytest.mark.parametrize("data", [b"", ADMINISTRATORS[:-1], b"\x02" + ADMINISTRATORS[1:], b"\x01\x10" + bytes(70)])
def test_one_that_is_cut_or_of_another_revision_is_not_guessed(data: bytes) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        sid_text(data)
