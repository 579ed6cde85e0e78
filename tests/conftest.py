"""What holds for every test: where the shared recordings are, and that CI skips nothing."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parent.parent

# A slow machine is no counter-example.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recorded machines and feeds: MUSTER_SHARED, or ``shared`` beside the checkout."""
    folder = Path(os.environ.get("MUSTER_SHARED", ROOT.parent / "shared"))
    if not (folder / "recorded").is_dir():
        pytest.skip(f"no recordings in {folder}; set MUSTER_SHARED")
    return folder


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in CI that a skip is a failure."""
    if os.environ.get("CI") and terminalreporter.stats.get("skipped"):
        terminalreporter.write_line("CI skips nothing: install what the skipped tests need in .ci/run", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """With CI set, a skipped test fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and exitstatus == 0 and reporter and reporter.stats.get("skipped"):
        session.exitstatus = 1
