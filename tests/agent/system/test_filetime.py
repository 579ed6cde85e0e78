"""FILETIME as moments."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.machine import CannotRead
from muster_agent.system import filetime


def test_a_known_moment() -> None:
    """133415541070000000 is 2023-10-12T03:15:07Z; its halves are what the servicing store keeps."""
    high, low = divmod(133415541070000000, 2**32)
    assert filetime.of_halves(high, low) == 133415541070000000
    assert filetime.moment(133415541070000000, "x") == "2023-10-12T03:15:07Z"
    assert filetime.of_bytes((133415541070000000).to_bytes(8, "little"), "x") == 133415541070000000


def test_halves_read_as_signed_numbers_are_the_same_halves() -> None:
    assert filetime.of_halves(31063233, -1) == 31063233 << 32 | 0xFFFFFFFF


def test_zero_is_never() -> None:
    assert filetime.moment(0, "x") is None


@pytest.mark.parametrize("value", [1, 2**63, 2**64 - 1, 116444736000000000])
def test_a_moment_no_windows_pc_can_have_meant_is_refused(value: int) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        filetime.moment(value, "x")


@pytest.mark.parametrize("data", [b"", b"\0" * 7, b"\0" * 9])
def test_other_than_eight_bytes_are_no_filetime(data: bytes) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        filetime.of_bytes(data, "x")


@given(st.integers(-(2**80), 2**80))
def test_any_number_is_a_moment_never_or_refused(value: int) -> None:
    try:
        said = filetime.moment(value, "x")
    except CannotRead:
        return
    assert said is None or ("2000-01-01T00:00:00Z" <= said < "2100-01-01T00:00:00Z" and len(said) == 20)
