"""Identities of packages in the servicing store."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.machine import CannotRead
from muster_agent.system.cbs import identity

TOKEN = "31bf3856ad364e35"


@pytest.mark.parametrize(
    ("text", "kb", "cumulative", "build", "description"),
    [
        (f"Package_for_RollupFix~{TOKEN}~amd64~~19041.3570.1.9", None, True, (19041, 3570), "cumulative"),
        (f"Package_for_RollupFix~{TOKEN}~arm64~~26100.8655.1.20", None, True, (26100, 8655), "cumulative"),
        (f"Package_for_ServicingStack_3232~{TOKEN}~amd64~~17763.3232.1.1", None, False, (17763, 3232),
         "servicing stack"),
        (f"Package_for_DotNetRollup_481~{TOKEN}~amd64~~10.0.9347.1", None, False, (10, 0), ".NET cumulative"),
        (f"Package_for_KB5034231~{TOKEN}~amd64~~19041.1.1.1", "KB5034231", False, (19041, 1), "Package_for_KB5034231"),
        (f"Package_for_KB976932~{TOKEN}~x86~~6.1.1.17514", "KB976932", False, (6, 1), "Package_for_KB976932"),
        (f"Package_for_KB2533552_SP1~{TOKEN}~x86~~6.1.1.1", "KB2533552", False, (6, 1), "Package_for_KB2533552_SP1"),
        (f"Microsoft-Windows-WordPad-FoD-Package~{TOKEN}~wow64~en-US~10.0.19041.1", None, False, (10, 0),
         "Microsoft-Windows-WordPad-FoD-Package"),
    ],
)  # fmt: skip
def test_what_an_identity_says(
    text: str, kb: str | None, cumulative: bool, build: tuple[int, int], description: str
) -> None:
    found = identity.parse(text)
    assert (found.kb, found.cumulative, found.build, found.description) == (kb, cumulative, build, description)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Package_for_KB5034231",
        f"Package_for_KB5034231~{TOKEN}~amd64~~19041.1",
        f"Package_for_KB5034231~{TOKEN}~amd64~~19041.1.1.1.1",
        f"Package_for_KB5034231~{TOKEN}~amd64~~19041.1.1.x",
        f"Package_for_KB5034231~{TOKEN}~amd64~19041.1.1.1",
        f"Package_for_KB5034231~{TOKEN[:-1]}~amd64~~19041.1.1.1",
        f"Package_for_RollupFix~{TOKEN}~amd64~~{'9' * 5000}.1.1.1",
        f"Package_for_RollupFix~{TOKEN}~amd64~~٣.1.1.1",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(CannotRead, match="not_understood") as caught:
        identity.parse(text)
    assert len(caught.value.detail) <= 200


def test_a_number_too_long_for_one_is_no_kb() -> None:
    assert identity.parse(f"Package_for_KB{'1' * 9}~{TOKEN}~amd64~~1.1.1.1").kb is None


@given(st.text(st.characters(), max_size=60))
def test_any_text_is_an_identity_or_refused(text: str) -> None:
    try:
        found = identity.parse(f"{text}~{TOKEN}~amd64~~1.2.3.4")
    except CannotRead:
        return
    assert found.name == text
