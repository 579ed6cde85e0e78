"""Two readings of a paragraph say the same: the one of every field, and the quick one of the fields that are needed."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.machine import CannotRead
from muster_agent.system.deb import paragraphs
from muster_agent.system.deb.release import moment

WANTED = ("Package", "Version", "Source")
NAMES = st.sampled_from(
    [*WANTED, "package", "VERSION", "Versions", "X-Source", "", " Package", "#Package", "\tVersion"]
)
ANYTHING = st.text(st.characters(exclude_characters="\n", exclude_categories=("Cs",)), max_size=12)
VALUES = st.one_of(st.sampled_from(["a", "b", " a", "a ", ""]), ANYTHING)
LINES = st.one_of(
    st.builds("{}:{}".format, NAMES, VALUES),
    st.builds("{}: {}".format, NAMES, VALUES),
    VALUES,
)


@given(st.lists(LINES, max_size=8))
def test_the_quick_reading_of_some_fields_is_the_reading_of_all(lines: list[str]) -> None:
    paragraph = "\n".join(lines).encode()
    wanted = {name.lower() for name in WANTED}
    whole = {name: value for name, value in paragraphs.fields(paragraph).items() if name in wanted}
    assert paragraphs.some_fields(paragraph, paragraphs.only(*WANTED)) == whole


@given(st.lists(LINES, max_size=12), st.lists(st.integers(0, 200), max_size=4), st.sampled_from([b"", b"a", b"b"]))
def test_the_quick_search_for_packages_finds_what_the_slow_one_finds(
    lines: list[str], cuts: list[int], name: bytes
) -> None:
    """Wherever the pieces of the file are cut."""
    data = "\n".join(lines).encode()
    places = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    pieces = [data[start:end] for start, end in itertools.pairwise(places)]
    found = [paragraph.strip(b"\n") for paragraph in paragraphs.of_packages(pieces, {name}, "")]
    slow = [
        paragraph.strip(b"\n") for paragraph in paragraphs.split([data], "") if paragraphs.name_of(paragraph) == name
    ]
    # A run of blank lines is one gap or several, as it is cut; nothing stands between them.
    assert [paragraph for paragraph in found if paragraph] == [paragraph for paragraph in slow if paragraph]


def test_a_paragraph_that_never_ends_is_refused_and_not_kept() -> None:
    endless = (b"x" * 1024 * 1024 for _ in range(64))
    with pytest.raises(CannotRead, match="not_understood"):
        list(paragraphs.of_packages(endless, {b"a"}, "/list"))
    assert next(endless, None) is not None


def test_a_date_is_taken_in_the_form_apt_takes_and_no_other() -> None:
    assert moment("Sat, 21 Nov 2026 00:53:02 UTC") == "2026-11-21T00:53:02Z"
    assert moment("Sat, 1 Nov 2026 00:53:02 +0000") == "2026-11-01T00:53:02Z"
    for said in (
        "",
        "yesterday",
        "Sat, 31 Feb 2026 00:53:02 UTC",
        "Sat, 21 Nov 2026 25:53:02 UTC",
        "21 Foo 2026 1:11:11 UTC",
    ):
        assert moment(said) == ""
    assert moment("Sat, 21 Nov 2026 00:53:02 +0800") == ""
