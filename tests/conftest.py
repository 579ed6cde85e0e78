"""What holds for every test: where the shared recordings are, and that CI skips nothing."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


def _of_proofs(name: str) -> Any:
    """A module of tests/torture, which is no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tests" / "torture" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def clusters() -> Any:
    """tests/torture/cluster.py: PostgreSQL servers of one's own."""
    return _of_proofs("cluster")


@pytest.fixture(scope="session")
def cluster(clusters: Any) -> Iterator[Any]:
    """One PostgreSQL for all tests; its ``new_database()`` gives each its own."""
    # Nothing here has to survive a power cut, and syncing for every test would take longer than the tests.
    quick = ("fsync=off", "autovacuum=off", "shared_buffers=32MB", "max_connections=60")
    with clusters.cluster(settings=quick) as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where a database may be made: the same test runs on both kinds."""
    if request.param == "sqlite":
        return tmp_path / "muster.db"
    made: str = request.getfixturevalue("cluster").new_database()
    return made


@pytest.fixture(scope="session")
def bad_tls() -> Any:
    """tests/scorecard/bad_tls.py: certificates of every kind, and servers that have them."""
    spec = importlib.util.spec_from_file_location("scorecard_bad_tls", ROOT / "tests" / "scorecard" / "bad_tls.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["scorecard_bad_tls"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


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
