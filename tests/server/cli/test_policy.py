"""muster policy check, as it is started by hand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from muster_server.feeds.os_support import FILE
from muster_server.resources import bundled

GOOD = """\
policy: mine
title: {zh: 我的, en: Mine}
version: "1"
rules:
  MY-1: {title: {zh: 题, en: T}, severity: low, fix: {zh: 改, en: F}, any: antivirus}
"""


def muster(*words: str, lang: str = "en") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONUTF8": "1"}
    environment.pop("MUSTER_DATA", None)
    return subprocess.run(
        [sys.executable, "-m", "muster_server", "--lang", lang, *words],
        capture_output=True,
        encoding="utf-8",
        env=environment,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(("lang", "said"), [("zh", "条规则"), ("en", "rules")])
def test_the_shipped_policies_are_checked_without_a_deployment(lang: str, said: str) -> None:
    done = muster("policy", "check", lang=lang)
    assert done.returncode == 0, done.stdout + done.stderr
    assert said in done.stdout
    assert str(bundled("policies") / "office-baseline.yaml") in done.stdout
    assert str(bundled("policies") / FILE) in done.stdout


def test_a_deployments_own_policies_come_first(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    assert "office-baseline" in muster("--data", str(tmp_path), "policy", "check").stdout
    (tmp_path / "policies" / "mine.yaml").write_text(GOOD, "utf-8")
    done = muster("--data", str(tmp_path), "policy", "check")
    assert (done.returncode, done.stdout.count("\n")) == (0, 1)
    assert done.stdout.startswith(f"{tmp_path / 'policies' / 'mine.yaml'}: mine 1, 1 rules, sha256 ")


@pytest.mark.parametrize(("lang", "said"), [("zh", "没有名为 antivirs 的表"), ("en", "there is no table antivirs")])
def test_mistakes_are_shown_and_end_in_5(tmp_path: Path, lang: str, said: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD.replace("antivirus", "antivirs") + "values: {x: 1}\n", "utf-8")
    done = muster("policy", "check", str(path), lang=lang)
    assert done.returncode == 5
    assert f"{path}:5:74: {said}" in done.stdout
    assert f"{path}:6:10: " in done.stdout  # the warning
    assert done.stderr.startswith("muster: ")


def test_a_warning_alone_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD + "values: {x: 1}\n", "utf-8")
    done = muster("policy", "check", str(path))
    assert done.returncode == 0
    assert "warning: no rule uses x." in done.stdout
    assert "1 rules" in done.stdout


def test_files_named_together_are_checked_together(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(GOOD.replace("policy: mine", f"policy: {name[0]}"), "utf-8")
    done = muster("policy", "check", str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml"))
    assert done.returncode == 5
    assert "MY-1 is already used in" in done.stdout
    assert muster("policy", "check", str(tmp_path)).returncode == 5
    twice = muster("policy", "check", str(tmp_path / "a.yaml"), str(tmp_path / ".." / tmp_path.name / "a.yaml"))
    assert twice.returncode == 0, twice.stdout


def test_the_dates_are_checked_too(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(GOOD, "utf-8")
    (tmp_path / FILE).write_text("as_of: today\nproducts: {}\n")
    for named in (tmp_path, tmp_path / FILE):
        done = muster("policy", "check", str(named))
        assert done.returncode == 5
        assert f"{tmp_path / FILE}:1:8: a day is needed here" in done.stdout
    assert ": mine 1, 1 rules" in muster("policy", "check", str(tmp_path)).stdout


def test_an_empty_folder_is_a_mistake(tmp_path: Path) -> None:
    done = muster("policy", "check", str(tmp_path))
    assert done.returncode == 5
    assert "no policy" in done.stdout


@pytest.mark.parametrize(("lang", "said"), [("zh", "没有"), ("en", "there is no")])
def test_what_is_not_there_is_wrong_usage(tmp_path: Path, lang: str, said: str) -> None:
    done = muster("policy", "check", str(tmp_path / "none.yaml"), lang=lang)
    assert done.returncode == 2
    assert said in done.stderr


def test_unknown_options_are_wrong_usage() -> None:
    assert muster("policy", "check", "--fix").returncode == 2


@pytest.mark.parametrize(("lang", "said"), [("zh", "示例"), ("en", "Examples")])
def test_help_has_examples_in_both_languages(lang: str, said: str) -> None:
    done = muster("policy", "check", "--help", lang=lang)
    assert done.returncode == 0
    assert said in done.stdout
    assert "muster policy check my-office.yaml" in done.stdout
