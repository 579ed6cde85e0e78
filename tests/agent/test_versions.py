"""The order of Debian versions is dpkg's, by our own list, by the vectors of others, and by dpkg itself."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from pathlib import Path

import pytest

from muster_agent.versions import dpkg, without_binary_rebuild

# From low to high; what stands in one line is equal (deb-version(7)).
ORDER = [
    ["1.0~~"],
    ["1.0~~a"],
    ["1.0~", "1.0~-0"],
    ["1.0~beta1"],
    ["1.0~beta1+b1"],
    ["1.0~rc1-1"],
    ["1.0", "1.0-0", "0:1.0", "00:1.0-00", "1.00"],
    ["1.0-0.1"],
    ["1.0-1~bpo12+1"],
    ["1.0-1~deb12u1"],
    ["1.0-1", "1.0-01"],
    ["1.0-1build1"],
    ["1.0-1+b1"],
    ["1.0-1+deb12u1"],
    ["1.0-1+deb12u10"],
    ["1.0-1.1"],
    ["1.0-9"],
    ["1.0-10"],
    ["1.0a-1"],
    ["1.0+-1"],
    ["1.0+dfsg-1"],
    ["1.0-1-1"],
    ["1.0.1-1"],
    ["1.9"],
    ["1.10"],
    ["20260101"],
    ["1:0.1"],
    ["1:0.1+really0.2"],
    ["2:0"],
]
ILLEGAL = ["", "-1", "1.0-", ":1.0", "a:1.0", "1.0 1", "1:", " ", "1.0\n"]


def sign(left: str, right: str) -> int:
    """-1, 0 or 1, as our keys order the two."""
    return (dpkg(left) > dpkg(right)) - (dpkg(left) < dpkg(right))


@pytest.mark.parametrize("line", ORDER, ids=lambda line: line[0])
def test_what_stands_in_one_line_is_equal(line: list[str]) -> None:
    assert all(sign(left, right) == 0 for left, right in itertools.product(line, line))


def test_every_version_is_above_all_lines_before_it() -> None:
    for (low, lower), (high, higher) in itertools.combinations(enumerate(ORDER), 2):
        assert low < high
        for left, right in itertools.product(lower, higher):
            assert (sign(left, right), sign(right, left)) == (-1, 1), (left, right)


@pytest.mark.parametrize("version", ILLEGAL)
def test_what_dpkg_refuses_is_refused(version: str) -> None:
    with pytest.raises(ValueError, match="not a Debian version"):
        dpkg(version)


def test_the_vectors_of_others_hold_in_both_directions(shared: Path) -> None:
    signs = {"<": -1, "=": 0, ">": 1}
    lines = (shared / "feeds/version-vectors/debian-versions.txt").read_text("utf-8").splitlines()
    vectors = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    wrong = [
        (left, relation, right)
        for left, relation, right in vectors
        if (sign(left, right), sign(right, left)) != (signs[relation], -signs[relation])
    ]
    assert len(vectors) == 30
    assert wrong == []


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="needs dpkg, the truth this test compares with")
def test_dpkg_itself_agrees() -> None:
    """Every pair of our own list: the order above is dpkg's and not only ours."""
    versions = [version for line in ORDER for version in line]
    for left, right in itertools.combinations(versions, 2):
        relation = {-1: "lt", 0: "eq", 1: "gt"}[sign(left, right)]
        run = subprocess.run(["dpkg", "--compare-versions", left, relation, right], stderr=subprocess.PIPE)
        assert (run.returncode, run.stderr) == (0, b""), (left, relation, right)


def test_a_binary_rebuild_is_the_version_of_the_same_source() -> None:
    assert without_binary_rebuild("1.0.9-2+b6") == "1.0.9-2"
    assert without_binary_rebuild("1.0.9-2+deb12u1") == "1.0.9-2+deb12u1"
    assert without_binary_rebuild("1.0+b1-2") == "1.0+b1-2"
