"""Reading YAML: scalars as JSON reads them, places, and hostile files (security.md B50 to B57)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from muster_server.document.mistakes import MOST, PolicyError
from muster_server.document.nodes import LARGEST, Fields, Items, Scalar, Source, compose, open_source
from muster_server.judge.policies import check_policy


def read(text: str | bytes) -> tuple[Any, list[str]]:
    source = Source("x.yaml", text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    root = compose(source)
    return root, [mistake.code for mistake in source.mistakes]


@pytest.mark.parametrize(
    ("text", "value"),
    [  # B53: what PyYAML would turn into something else
        ("no", "no"),
        ("off", "off"),
        ("Yes", "Yes"),
        ("True", "True"),
        ("010", "010"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("0x1f", "0x1f"),
        ("2026-11-23", "2026-11-23"),
        ("1.10", 1.1),
        ("~", "~"),
        (".inf", ".inf"),
        ("1e3", "1e3"),
        ("null", None),
        ("true", True),
        ("-7", -7),
        ("'7'", "7"),
        ('"true"', "true"),
        ("9" * 40, "9" * 40),
    ],
)
def test_B53_scalars_mean_what_json_reads(text: str, value: object) -> None:
    root, mistakes = read(f"a: {text}")
    assert not mistakes
    scalar = root.get("a")
    assert isinstance(scalar, Scalar)
    assert scalar.value == value
    assert type(scalar.value) is type(value)
    assert scalar.text == text.strip("'\"")


def test_nodes_know_their_place() -> None:
    root, _ = read("a:\n  - x\n  - {杀毒: y}\n")
    items = root.get("a")
    assert isinstance(items, Items)
    inner = items.items[1]
    assert isinstance(inner, Fields)
    name, value = inner.entries["杀毒"]
    assert (name.place.line, name.place.column) == (3, 6)
    assert (value.place.line, value.place.column) == (3, 10)


def test_B50_an_alias_bomb_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    began = time.process_time()
    _, mistakes = read("\n".join(lines))
    assert time.process_time() - began < 0.5
    assert set(mistakes) == {"anchor", "alias"}


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system ['true']", "!!str 1", "!!binary aGk=", "!x 1"])
def test_B51_tags_are_refused(tag: str) -> None:
    assert read(f"a: {tag}")[1] == ["tag"]


@pytest.mark.parametrize("text", ["[" * 5000, "{a: " * 5000, "\n".join("  " * n + "a:" for n in range(40))])
def test_B52_depth_is_counted_before_anything_is_built(text: str) -> None:
    began = time.process_time()
    assert "too_deep" in read(text)[1]
    assert time.process_time() - began < 0.5


def test_32_levels_are_allowed() -> None:
    assert read("[" * 32 + "]" * 32)[1] == []
    assert read("[" * 33 + "]" * 33)[1] == ["too_deep"]


def test_B53_a_key_twice_names_the_line_of_the_first() -> None:
    source = Source("x.yaml", b"a: 1\nb: 2\na: 3\n")
    compose(source)
    (mistake,) = source.mistakes
    assert (mistake.code, mistake.place.line, mistake.args["line"]) == ("duplicate_key", 3, 1)


def test_a_hundred_thousand_mistakes_are_not_kept() -> None:
    source = Source("x.yaml", b"a: 1\n" * 100_000)
    compose(source)
    assert len(source.mistakes) == MOST


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: b: c", "syntax_colon"),
        ("a:\n\tb: 1", "syntax_character"),
        ("a: [1,", "syntax_end"),
        ("a: 'x", "syntax_end"),
        ("- a\nb: 1", "syntax_dash"),
        ("{a: 1\nb: 2}", "syntax_brace"),
        ("[a b: {", "syntax_end"),
        ('a: "\\q"', "syntax_escape"),
        ("a: 1\n---\nb: 2", "second_document"),
        ("? [a]\n: b", "key_not_text"),
        ("a: \x07", "character"),
        (b"a: \xff\xfe", "not_utf8"),
        ("a: \ud800", "not_utf8"),
        ("%YAML 9\n--- a", "syntax"),
    ],
)
def test_what_is_not_yaml_says_what_to_do(text: str | bytes, code: str) -> None:
    assert read(text)[1] == [code]


def test_a_byte_order_mark_and_windows_line_ends_are_fine() -> None:
    root, mistakes = read(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    assert not mistakes
    assert (root.get("b").value, root.get("b").place.line) == (2, 2)


def test_empty_file() -> None:
    assert read("") == (None, [])
    assert read("# nothing\n") == (None, [])


def test_B54_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.write_bytes(b"#" * (LARGEST + 1))
    assert [mistake.code for mistake in check_policy(path).mistakes] == ["too_large"]
    path.write_bytes(b"#" * LARGEST)
    assert [mistake.code for mistake in check_policy(path).mistakes] == ["empty_file"]


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_only_regular_files_are_read(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "x.yaml")
    with pytest.raises(PolicyError, match="not a regular file"):
        open_source(tmp_path / "x.yaml")


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot be read"):
        open_source(tmp_path / "none.yaml")


def test_a_large_policy_reads_in_time(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("a:\n" + "  - {x: 1, y: [a, b, c]}\n" * 30_000)
    began = time.process_time()
    source = open_source(path)
    compose(source)
    assert not source.mistakes
    assert time.process_time() - began < 10
