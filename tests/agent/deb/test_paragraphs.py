"""Two readings of a paragraph say the same: the one of every field, and the quick one of the fields that are needed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from muster_agent.deb import paragraphs
from muster_agent.deb.release import moment

WANTED = ("Package", "Version", "Source")
NAMES = st.sampled_from(
    [*WANTED, "package", "VERSION", "Versions", "X-Source", "", " Package", "#Package", "\tVersion"]
)
VALUES = st.text(st.characters(exclude_characters="\n", exclude_categories=("Cs",)), max_size=12)
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


@given(st.lists(LINES, max_size=8))
def test_the_package_of_a_paragraph_is_found_by_its_name(lines: list[str]) -> None:
    paragraph = "\n".join(lines).encode()
    name = paragraphs.name_of(paragraph)
    assert list(paragraphs.of_packages([paragraph], {name})) == [paragraph]
    assert list(paragraphs.of_packages([paragraph], {name + b"x"})) == []


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
