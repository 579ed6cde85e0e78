"""The house: which room may know which, what every table must have, and what stands nowhere in the code."""

from __future__ import annotations

import ast
import json
import re
import string
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from muster_agent.columns import column_docs
from muster_agent.facts import ONLY_ON, TABLES
from muster_server.words import entries

ROOT = Path(__file__).resolve().parent.parent
AGENT = ROOT / "agent" / "muster_agent"
SERVER = ROOT / "server" / "muster_server"
CODE = sorted([*AGENT.rglob("*.py"), *SERVER.rglob("*.py")])
TRACKED = subprocess.run(
    ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
).stdout.decode()
FILES = sorted(ROOT / name for name in TRACKED.split("\0") if name and (ROOT / name).is_file())

# Which of our modules a room may import; a room is named by its longest matching prefix. cli, demo, assessment,
# deployment and sweeper wire rooms together and may know any; nothing but cli and demo may know cli or demo.
WIRING = ("muster_server.cli", "muster_server.demo", "muster_server.assessment", "muster_server.sweeper")
WIRING = (*WIRING, "muster_server.deployment", "muster_server.__main__", "muster_server.doctor", "muster_server.keeper")
WIRING = (*WIRING, "muster_server.application")
CONTRACT = ("muster_agent.facts", "muster_agent.columns", "muster_agent.settings", "muster_agent.limits")
CONTRACT = (*CONTRACT, "muster_agent.canonical", "muster_agent.versions", "muster_agent.text", "muster_agent.words")
SIGNED = ("muster_agent.sending.envelope", "muster_agent.sending.report", "muster_agent.sending.keys")
SIGNED = (*SIGNED, "muster_agent.sending.stick")
# What stands before every room of the agent that reads a PC.
READING = ("muster_agent.machine", "muster_agent.facts", "muster_agent.dataclass", "muster_agent.versions")
MAY_KNOW = {
    "muster_agent": (*CONTRACT, "muster_agent.dataclass"),
    "muster_agent.system": (*READING, "muster_agent.system"),
    "muster_agent.local": (*READING, "muster_agent.local", "muster_agent.system"),
    "muster_agent.catalogue": (
        "muster_agent.catalogue",
        "muster_agent.columns",
        "muster_agent.dataclass",
        "muster_agent.facts",
    ),
    "muster_agent.evidence": (
        *READING,
        "muster_agent.catalogue",
        "muster_agent.evidence",
        "muster_agent.system",
    ),
    "muster_agent.collect": (
        *READING,
        "muster_agent.catalogue",
        "muster_agent.collect",
        "muster_agent.evidence",
        "muster_agent.limits",
        "muster_agent.settings",
        "muster_agent.system",
    ),
    "muster_agent.recording": (
        *READING,
        "muster_agent.collect",
        "muster_agent.recording",
        "muster_agent.system",
        "muster_agent.text",
    ),
    "muster_agent.sending": (
        "muster_agent.canonical",
        "muster_agent.dataclass",
        "muster_agent.facts",
        "muster_agent.sending",
        "muster_agent.text",
    ),
    "muster_agent.sending.fingerprint": (
        *READING,
        "muster_agent.canonical",
        "muster_agent.collect",
        "muster_agent.sending.home",
        "muster_agent.system",
    ),
    "muster_agent.screen": (*CONTRACT, "muster_agent.collect"),
    "muster_agent.commands": ("muster_agent",),
    "muster_agent.cli": ("muster_agent",),
    "muster_agent.__main__": ("muster_agent",),
    "muster_server.words": ("muster_agent.words", "muster_server.resources"),
    "muster_server.resources": (),
    "muster_server.subject": CONTRACT,
    "muster_server.document": ("muster_server.document", "muster_server.words"),
    "muster_server.office": (),
    "muster_server.operator": (),
    "muster_server.settings": ("muster_server.document", "muster_server.office", "muster_server.words"),
    "muster_server.access": (*CONTRACT, "muster_server.access", "muster_server.store"),
    "muster_server.acts": (*CONTRACT, "muster_server.acts", "muster_server.access", "muster_server.store"),
    "muster_server.tls": (
        "muster_agent.collect",
        "muster_agent.local",
        "muster_agent.sending.trust",
        "muster_server.tls",
    ),
    "muster_server.evidence": (
        *SIGNED,
        "muster_agent.canonical",
        "muster_server.evidence",
        "muster_server.receive.form",
        "muster_server.store",
    ),
    "muster_server.backup": (
        *SIGNED,
        "muster_server.backup",
        "muster_server.document",
        "muster_server.evidence",
        "muster_server.settings",
        "muster_server.store",
    ),
    "muster_server.feeds": (*CONTRACT, "muster_server.document", "muster_server.resources", "muster_server.feeds"),
    "muster_server.judge": (
        *CONTRACT,
        "muster_server.document",
        "muster_server.feeds",
        "muster_server.judge",
        "muster_server.subject",
        "muster_server.words",
    ),
    "muster_server.standing": (
        "muster_agent.canonical",
        "muster_agent.sending.judged",
        "muster_server.judge",
        "muster_server.store",
        "muster_server.subject",
    ),
    "muster_server.packaging": ("muster_server.packaging",),
    "muster_server.tally": (
        "muster_server.judge",
        "muster_server.office",
        "muster_server.subject",
        "muster_server.tally",
    ),
    "muster_server.store": (*CONTRACT, *SIGNED, "muster_server.subject", "muster_server.store"),
    "muster_server.receive": (*CONTRACT, *SIGNED, "muster_server.receive", "muster_server.store"),
    # It asks assessment for the numbers, and application for what is published.
    "muster_server.web": (
        *CONTRACT,
        "muster_server.access",
        "muster_server.acts",
        "muster_server.application",
        "muster_server.assessment",
        "muster_server.deployment",
        "muster_server.document",
        "muster_server.receive",
        "muster_server.render",
        "muster_server.resources",
        "muster_server.store",
        "muster_server.tally",
        "muster_server.web",
        "muster_server.words",
    ),
    "muster_server.render": (
        *CONTRACT,
        "muster_server.render",
        "muster_server.judge",
        "muster_server.office",
        "muster_server.subject",
        "muster_server.tally",
        "muster_server.words",
        "muster_server.resources",
    ),
}


def module_name(path: Path) -> str:
    """muster_agent.collect.boot.linux for its file."""
    base = AGENT.parent if AGENT in path.parents else SERVER.parent
    return ".".join(path.relative_to(base).with_suffix("").parts).removesuffix(".__init__")


def within(name: str, room: str) -> bool:
    """Whether a module is in a room."""
    return name == room or name.startswith(room + ".")


def imports(path: Path) -> Iterator[str]:
    """The modules a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                is_module = (AGENT.parent / full.replace(".", "/")).with_suffix(".py").exists()
                is_module = is_module or (SERVER.parent / full.replace(".", "/")).with_suffix(".py").exists()
                is_module = is_module or (AGENT.parent / full.replace(".", "/") / "__init__.py").exists()
                yield full if is_module else str(node.module)


@pytest.mark.parametrize("path", CODE, ids=module_name)
def test_a_room_knows_only_what_stands_before_it(path: Path) -> None:
    name = module_name(path)
    if any(within(name, wiring) for wiring in WIRING):
        return
    rooms = [room for room in MAY_KNOW if within(name, room)]
    if name in ("muster_server",):
        return
    assert rooms, f"{name} stands in no room: give it one in MAY_KNOW"
    allowed = MAY_KNOW[max(rooms, key=len)]
    for imported in imports(path):
        if imported.split(".")[0] in ("muster_agent", "muster_server") and imported != "muster_agent":
            assert any(within(imported, room) for room in (*allowed, name)), f"{name} must not import {imported}"


def test_the_agent_is_standard_library_but_for_its_keys() -> None:
    for path in AGENT.rglob("*.py"):
        for imported in imports(path):
            top = imported.split(".")[0]
            if top == "cryptography":
                assert path == AGENT / "sending" / "keys.py", path
            elif top == "psutil":
                assert path == AGENT / "local" / "psutil_listing.py", path
            else:
                assert top == "muster_agent" or top in sys.stdlib_module_names, f"{path} imports {imported}"


def test_a_collector_reaches_the_pc_through_the_machine_only() -> None:
    banned = {"os", "subprocess", "socket", "pathlib", "io", "shutil", "glob", "platform", "psutil", "ctypes", "winreg"}
    for path in (AGENT / "collect").rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        found = {name.split(".")[0] for name in imports(path)} & banned
        assert not found, f"{path} imports {found}"
        calls = {
            node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert "open" not in calls, path


def test_nothing_runs_what_it_was_given() -> None:
    banned = {"eval", "exec", "compile", "__import__"}
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in banned, f"{path}:{node.lineno}"
            if isinstance(node, ast.Call) and any(keyword.arg == "shell" for keyword in node.keywords):
                # The login shell of an account is a column, and no shell is started by it.
                assert isinstance(node.func, ast.Name) and node.func.id == "User", f"{path}:{node.lineno}: shell="
            if (
                isinstance(node, ast.Attribute)
                and node.attr in ("system", "popen")
                and isinstance(node.value, ast.Name)
            ):
                assert node.value.id != "os", f"{path}:{node.lineno}"
        assert not {name.split(".")[0] for name in imports(path)} & {"pickle", "marshal", "shelve", "jsonpickle"}, path


def test_B40_no_statement_is_put_together_from_text() -> None:
    for path in SERVER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called in ("exec_driver_sql", "text", "literal_column", "execute", "scalar"):
                first = node.args[0]
                pragma = isinstance(first, ast.JoinedStr) and ast.unparse(first).startswith("f'PRAGMA")
                by = getattr(first.func, "attr", "") if isinstance(first, ast.Call) else ""
                # "…".join puts text together; a query's own join does not.
                of_text = by != "join" or isinstance(getattr(first.func, "value", None), ast.Constant | ast.JoinedStr)
                put_together = (by in ("format", "join", "replace") and of_text) or isinstance(
                    first, ast.JoinedStr | ast.BinOp
                )
                assert pragma or not put_together, f"{path}:{first.lineno}"


def test_B35_there_is_no_spreadsheet_that_could_run_a_formula() -> None:
    """Whoever builds the first one takes this away, and shows that a cell beginning with = + - @ stays text."""
    for path in CODE:
        assert not {name.split(".")[0] for name in imports(path)} & {"csv", "xlsxwriter", "openpyxl"}, path


# -- tables ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", TABLES)
def test_every_table_has_a_collector_a_recording_and_says_what_its_columns_mean(table: str) -> None:
    for platform in ONLY_ON.get(table, ("linux", "windows", "darwin")):
        assert (AGENT / "collect" / table / f"{platform}.py").is_file(), platform
        recordings = ROOT / "tests" / "agent" / "collect" / table
        assert any(folder.is_dir() for folder in recordings.glob(f"{platform}-*")), f"{recordings}: {platform}"
    assert (TABLES[table].__doc__ or "").rstrip().endswith(".")
    for name, kind, doc, _ in column_docs(TABLES[table]):
        assert doc.endswith("."), f"{table}.{name}"
        assert kind in ("text", "integer", "boolean", "moment", "version", "address"), f"{table}.{name}"


# -- words -----------------------------------------------------------------------------------------------------------


def placeholders(text: str) -> set[str]:
    """The braces of an entry."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def all_entries() -> dict[str, dict[str, str]]:
    """Every entry of the agent and the server."""
    found = dict(entries())
    for path in (AGENT / "words").glob("*.json"):
        found.update(json.loads(path.read_text("utf-8")))
    return found


def test_every_entry_is_worded_in_both_languages_with_the_same_braces() -> None:
    for key, entry in all_entries().items():
        assert set(entry) == {"zh", "en"}, key
        assert all(isinstance(text, str) for text in entry.values()), key
        assert len({bool(text.strip()) for text in entry.values()}) == 1, key  # a blank between words is one in both
        if key.startswith("frame."):  # click names its types in English only, so the Chinese leaves them out
            assert placeholders(entry["zh"]) <= placeholders(entry["en"]), key
        else:
            assert placeholders(entry["zh"]) == placeholders(entry["en"]), key


def test_english_entries_hold_no_chinese() -> None:
    for key, entry in all_entries().items():
        if key != "office.file" and not key.startswith("policy.mistake.office"):
            assert not re.search("[\u4e00-\u9fff]", entry["en"]), key


# -- files -----------------------------------------------------------------------------------------------------------


def test_a_file_is_one_thing() -> None:
    for path in CODE:
        lines = path.read_text("utf-8").count("\n")
        assert lines <= 400, f"{path}: {lines} lines"
        assert not re.search("(?:^|_)(?:utils?|helpers?|manager|misc|common)(?:_|$)", path.stem), path


@pytest.mark.parametrize("path", CODE, ids=module_name)
def test_what_is_public_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    assert not tree.body or ast.get_docstring(tree), f"{path} has no docstring"
    for node in tree.body:
        public = isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_")
        if public:
            assert ast.get_docstring(node), f"{path}: {node.name}"  # type: ignore[arg-type]


def test_every_dependency_says_what_it_is_for() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    project = tomllib.loads(text)["project"]
    for wanted in [*project["dependencies"], *project["optional-dependencies"]["server"]]:
        assert ">=" in wanted, wanted
        assert re.search(re.escape(f'"{wanted}",') + r" +# .{10}", text), f"{wanted} has no reason"


def test_nothing_names_this_machine_or_a_package_host() -> None:
    banned = re.compile(r"(?<![\w./-])/(work|root)/|pypi\.org|pythonhosted|registry\.npmjs|deb\.debian\.org/pool")
    for path in FILES:
        if path.suffix in (".png", ".gz", ".lz4", ".xz", ".zst", ".cvd") or path == Path(__file__):
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        if path.name == "recording.json":
            text = text.replace("/root/", "")  # root's home on the PC that was recorded
        found = banned.search(text)
        assert not found, f"{path}: {found.group() if found else ''}"
