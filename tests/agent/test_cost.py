"""What keeps a run small and quick, held without a clock: what is loaded, what is started, and what is asked twice.

``make bench`` measures; a machine that is busy would make a test of times say anything.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

AGENT = Path(__file__).resolve().parents[2] / "agent"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the goal is stated for Linux")

# Runs a command and says, at its end, which modules it loaded and what the interpreter reported of it (PEP 578).
WATCH = """
import io, json, sys
events = []
def watch(event, arguments):
    if event == "subprocess.Popen":
        events.append(["program", list(map(str, arguments[1]))])
    elif event == "open":
        events.append(["open", str(arguments[0])])
    elif event == "os.listdir":
        events.append(["listdir", str(arguments[0])])
sys.path.insert(0, sys.argv.pop(1))
said, sys.stdout = sys.stdout, io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
sys.addaudithook(watch)
from muster_agent.cli import main
try:
    main()
except SystemExit:
    pass
json.dump({"modules": sorted(sys.modules), "events": events}, said)
"""
# What belongs to another command, another system, or to writing a recording.
FOREIGN = ("recording", "local.windows", "local.darwin", "local.psutil_listing", "system.wua", "system.cbs")
TALKING = (
    "http.client",
    "ssl",
    "email.message",
    "cryptography",
    "getpass",
    "muster_agent.sending.http",
    "muster_agent.sending.keys",
)
HEAVY = ("shutil", "tempfile", "asyncio", "logging", "multiprocessing", "xml.etree.ElementTree", "plistlib", "sqlite3")


def watched(*words: str) -> tuple[set[str], list[tuple[str, str]]]:
    """(the modules a command loaded, the events of it)."""
    argv = [sys.executable, "-I", "-S", "-B", "-c", WATCH, str(AGENT), *words]
    run = subprocess.run(argv, capture_output=True, timeout=120, cwd="/")
    assert run.returncode == 0, run.stderr.decode()
    found = json.loads(run.stdout)
    return set(found["modules"]), [
        (kind, what if kind != "program" else " ".join(what)) for kind, what in found["events"]
    ]


def verbs(modules: set[str]) -> set[str]:
    """The commands among the modules."""
    names = {path.stem for path in (AGENT / "muster_agent/commands").glob("*.py")} - {"__init__", "failure", "replay"}
    return {name for name in names if f"muster_agent.commands.{name}" in modules}


def test_the_help_of_all_commands_loads_none_of_them() -> None:
    modules, _ = watched("--help")
    assert verbs(modules) == set()
    assert "muster_agent.facts" not in modules
    assert not modules & {*HEAVY, *TALKING}


def test_a_check_loads_its_own_command_and_nothing_that_talks() -> None:
    modules, _ = watched("check", "--json")
    assert verbs(modules) == {"check"}
    assert not modules & {*HEAVY, *TALKING}
    assert not modules & {f"muster_agent.{name}" for name in FOREIGN}
    assert not {name for name in modules if name.startswith("muster_agent.") and name.endswith((".windows", ".darwin"))}


def test_a_run_loads_what_signs_and_talks_and_no_more(tmp_path: Path) -> None:
    """It has no server here; what it loads to look for one is all it ever loads before it collects."""
    modules, _ = watched("run", "--home", str(tmp_path / "home"))
    assert verbs(modules) == {"run", "enrol", "identity"}  # a PC that IT gave settings enrols itself
    assert not modules & {*HEAVY, "muster_agent.screen", "getpass"}
    assert not modules & {f"muster_agent.{name}" for name in FOREIGN}
    assert "http.client" in modules


def test_nothing_dear_is_asked_twice() -> None:
    """The package database, the processes, and every program."""
    _, events = watched("check", "--json")
    counts = Counter(events)
    twice = {event for event, count in counts.items() if count > 1 and event[0] == "program"}
    assert not twice
    for event in counts:
        if event[0] == "program":
            assert Path(event[1].split()[0]).exists(), f"{event[1]} was started, and is not there"
    databases = {event: count for event, count in counts.items() if event[1].endswith("/dpkg/status")}
    assert set(databases.values()) <= {1}
    # Once for the processes, and once for who holds a socket.
    assert counts["listdir", "/proc"] <= 2


def test_no_class_of_the_agent_is_compiled_at_every_start() -> None:
    for path in (AGENT / "muster_agent").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "dataclasses" and path.name != "dataclass.py":
                names = [alias.name for alias in node.names]
                assert "dataclass" not in names, f"{path}: take it from muster_agent.dataclass"
