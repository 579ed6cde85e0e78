"""The order of rpm versions is rpm's, by our own list, by the vectors of others, and by rpm itself."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.versions import rpm
from muster_server.judge.versions import newer

# From low to high; what stands in one line is equal (rpm-version(7)).
ORDER = [
    ["1.0~~"],
    ["1.0~beta1"],
    ["1.0~rc1~git123"],
    ["1.0~rc1"],
    ["1.0", "1.00", "1_0", "0:1.0", ":1.0", "1.0.", "+1.0"],
    ["1.0-1~rc1.el9"],
    ["1.0-1.el8", "1.0-01.el8"],
    ["1.0-1.el8_4"],
    ["1.0-1.el8_10"],
    ["1.0-1.el10"],
    ["1.0-1.fc40"],
    ["1.0-1.oe2203sp1"],
    ["1.0-1.1"],
    ["1.0-2.el8"],
    ["1.0-10.el8"],
    ["1.0^"],
    ["1.0^git1~pre"],
    ["1.0^git1", "1.0^git01"],
    ["1.0^git2"],
    ["1.0^20260101"],
    ["1.0a", "1.0.a"],  # to rpm a dot only divides
    ["1.0aa"],
    ["1.0b"],
    ["1.0.rc1"],
    ["1.0.1"],
    ["1.9"],
    ["1.10"],
    ["20101121"],
    ["1:0.1"],
    ["2:0"],
    ["12:0-1"],
]
ILLEGAL = ["", " ", "1.0 1", "1.0-1\n", "\t", "1.0\u3000"]
# The case rpm's own tests call an oddity: dots divide and nothing more, so b stands against fc.
ODD = [("1b.fc17", "1.fc17", -1), ("1g.fc17", "1.fc17", 1), ("a+", "a_", 0), ("+", "_", 0), ("1.1.α", "1.1.β", 0)]
RPM = shutil.which("rpm")


def sign(left: str, right: str) -> int:
    """-1, 0 or 1, as our keys order the two."""
    return (rpm(left) > rpm(right)) - (rpm(left) < rpm(right))


@pytest.mark.parametrize("line", ORDER, ids=lambda line: line[0])
def test_what_stands_in_one_line_is_equal(line: list[str]) -> None:
    assert all(sign(left, right) == 0 for left, right in itertools.product(line, line))


def test_every_version_is_above_all_lines_before_it() -> None:
    for lower, higher in itertools.combinations(ORDER, 2):
        for left, right in itertools.product(lower, higher):
            assert (sign(left, right), sign(right, left)) == (-1, 1), (left, right)


@pytest.mark.parametrize(("left", "right", "expected"), ODD)
def test_the_oddities_are_rpms(left: str, right: str, expected: int) -> None:
    assert (sign(left, right), sign(right, left)) == (expected, -expected)


@pytest.mark.parametrize("version", ILLEGAL)
def test_what_no_package_can_have_is_refused(version: str) -> None:
    with pytest.raises(ValueError, match="not an rpm version"):
        rpm(version)


def test_a_number_of_any_length_has_a_place() -> None:
    assert sign("1." + "9" * 9000, "1.1" + "0" * 9000) == -1
    assert sign("0" * 9000 + "7", "7") == 0


def test_the_judge_orders_the_versions_of_rpm_packages_as_rpm_does() -> None:
    assert newer("1.0-10.el8", "1.0-9.el8", "rpm") == 1
    assert newer("1.0~rc1-1", "1.0-1", "rpm") == -1
    assert newer("0:1.0-1", "1.0-1", "rpm") == 0
    assert newer("1.0 1", "1.0-1", "rpm") is None
    assert newer("1.0~rc1", "1.0", "pacman") is None


def test_the_vectors_of_others_hold_in_both_directions(shared: Path) -> None:
    signs = {"<": -1, "=": 0, ">": 1}
    lines = (shared / "feeds/version-vectors/redhat-versions.txt").read_text("utf-8").splitlines()
    vectors = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    wrong = [
        (left, relation, right)
        for left, relation, right in vectors
        if (sign(left, right), sign(right, left)) != (signs[relation], -signs[relation])
    ]
    assert len(vectors) > 150
    assert wrong == []


# -- rpm itself ------------------------------------------------------------------------------------------------------


def said_by_rpm(pairs: list[tuple[str, str]]) -> list[int]:
    """What rpm says of each pair, in one run of it."""
    assert RPM is not None
    asked = " ".join(f'print(rpm.vercmp("{left}", "{right}") .. " ")' for left, right in pairs)
    run = subprocess.run([RPM, "--eval", f"%{{lua: {asked}}}"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[:500]
    return [int(number) for number in run.stdout.split()]


# Pieces that stand together in real versions, and a divider of each kind.
VERSIONS = st.lists(st.sampled_from([*"0129ab~^.+_-", "10", "01", "rc", "el8", "git"]), min_size=1, max_size=7).map(
    "".join
)


@pytest.mark.skipif(RPM is None, reason="needs rpm, the truth this test compares with")
def test_rpm_itself_agrees_with_our_list() -> None:
    versions = [version for line in ORDER for version in line if not version.startswith(":")]
    pairs = list(itertools.combinations(versions, 2))
    assert said_by_rpm(pairs) == [sign(left, right) for left, right in pairs]


@pytest.mark.skipif(RPM is None, reason="needs rpm, the truth this test compares with")
@given(st.lists(st.tuples(VERSIONS, VERSIONS), min_size=20, max_size=60))
def test_rpm_itself_agrees_on_anything(pairs: list[tuple[str, str]]) -> None:
    assert said_by_rpm(pairs) == [sign(left, right) for left, right in pairs]


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_the_order_has_no_circle_and_refuses_only_blanks_and_nothing(one: str, two: str, three: str) -> None:
    versions = [version for version in (one, two, three) if version and not any(map(str.isspace, version))]
    keys = sorted(map(rpm, versions))
    assert all(low <= high for low, high in itertools.combinations(keys, 2))
