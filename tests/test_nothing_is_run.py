"""Nothing that was received is run: L2, L6, L16 of docs/threat-model.md, read out of the code itself.

Names are followed through ``import … as``, so that another spelling is no way around.
"""

from __future__ import annotations

import ast
import builtins
import re
from pathlib import Path
from typing import Any

import pytest

from muster_agent.cli import main as agent_main
from muster_server.acts.act import Refused
from muster_server.acts.performing import perform
from muster_server.cli import Verbs

ROOT = Path(__file__).resolve().parent.parent
AGENT, SERVER = ROOT / "agent" / "muster_agent", ROOT / "server" / "muster_server"
CODE = sorted([*AGENT.rglob("*.py"), *SERVER.rglob("*.py")])

# The files that may start a program, always with a list of arguments.
STARTERS = {
    "agent/muster_agent/local/child.py",  # a collector's program: absolute path, clean environment
    "agent/muster_agent/local/windows/child.py",
    "server/muster_server/cli/demo.py",  # our own interpreter with our own package
    "server/muster_server/demo/running.py",
}
START = {f"subprocess.{name}" for name in ("Popen", "run", "call", "check_call", "check_output")}
# What takes one text and lets a shell, an interpreter or the system find out what it means.
RUNS = re.compile(
    r"os\.(system|popen\w*|exec\w+|spawn\w+|posix_spawnp?|fork|forkpty|startfile)|pty\.\w+"
    r"|subprocess\.(getoutput|getstatusoutput)|asyncio(\.subprocess)?\.create_subprocess_\w+"
    r"|builtins\.(eval|exec|compile|__import__)|(imp|runpy|code|codeop)\.\w+"
    r"|importlib\.(util\.(spec_from_\w+|module_from_spec)|machinery\.\w+|reload)"
    r"|yaml\.(load_all|full_load\w*|unsafe_load\w*|Loader|CLoader|FullLoader|UnsafeLoader|CUnsafeLoader|CFullLoader)"
    r"|jinja2\.Template|sqlalchemy\.PickleType|logging\.config\.\w+|types\.(CodeType|FunctionType)"
)
# Modules that make objects, or run code, out of bytes.
BANNED = {"pickle", "_pickle", "pickletools", "marshal", "shelve", "jsonpickle", "dill", "cloudpickle", "joblib"}
BANNED |= {"code", "codeop", "runpy", "imp", "pty", "multiprocessing", "xmlrpc", "zipimport", "pdb"}
# What one process of ours says to another over a pipe that nobody else holds; all else of multiprocessing is banned.
OWN_PROCESSES = {"server/muster_server/evidence/signatures.py": "multiprocessing"}
SAFE_LOADERS = {"yaml.SafeLoader", "yaml.CSafeLoader"}
# Where a module is imported by a name that is no literal: the name comes out of the list that stands behind it, and the
# tests below ask for other names.
BY_NAME = {
    "agent/muster_agent/cli.py": "the command, one of the parser's choices",
    "agent/muster_agent/collect/__init__.py": "a table of facts.TABLES and this system",
    "agent/muster_agent/collect/antivirus/vendors/__init__.py": "a module named in this folder's own list",
    "agent/muster_agent/local/__init__.py": "linux, windows or darwin: this PC's own system",
    "agent/muster_agent/local/darwin/api.py": "names in this file",
    "agent/muster_agent/local/windows/api.py": "names in this file",
    "server/muster_server/acts/performing.py": "a value of ACTS",
    "server/muster_server/application.py": "names in this file, and values of ACTS",
    "server/muster_server/cli/__init__.py": "one of COMMANDS",
    "server/muster_server/packaging/__init__.py": "one of its kinds",
    "server/muster_server/web/openapi.py": "a value of ACTS",
}


class Reader(ast.NodeVisitor):
    """Finds what runs text in one file."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.known: dict[str, str] = {}  # local name -> full name
        self.found: list[str] = []

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.known[alias.asname or alias.name.partition(".")[0]] = (
                alias.name if alias.asname else alias.name.partition(".")[0]
            )
            self._module(alias.name, node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            full = f"{node.module}.{alias.name}"
            self.known[alias.asname or alias.name] = full
            self._module(full, node)
            self._use(full, node)
            if full in START and self.name not in STARTERS:
                self._say(full, node)

    def visit_Name(self, node: ast.Name) -> None:
        self._use(self._full(node), node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        full = self._full(node)
        self._use(full, node)
        if full in START and self.name not in STARTERS:
            self._say(full, node)
        if node.attr == "from_string":  # of a template, out of text
            self._say("from_string", node)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        full = self._full(node.func)
        first = node.args[0] if node.args else None
        named = {keyword.arg: keyword.value for keyword in node.keywords}
        if "shell" in named and full != "muster_agent.facts.User":  # a column: the login shell of an account
            self._say("shell=", node)
        if full in START and (first is None or not isinstance(first, ast.List | ast.Name | ast.Attribute)):
            self._say(f"{full} of what is no list", node)
        if full in ("yaml.load", "yaml.parse", "yaml.compose", "yaml.scan"):
            loader = named.get("Loader") or (node.args[1] if len(node.args) > 1 else None)
            if loader is None or self._full(loader) not in SAFE_LOADERS:
                self._say(f"{full} without a safe loader", node)
        if full == "importlib.import_module" and not self._ours(first):
            self._say("a module by a name that may be anybody's", node)
        if full == "builtins.getattr" and first is not None and len(node.args) > 1:
            text = isinstance(node.args[1], ast.Constant)
            target = self._full(first)
            if text:
                self._use(f"{target}.{node.args[1].value}", node)  # type: ignore[attr-defined]
            elif target in ("os", "sys", "builtins", "subprocess", "importlib", "asyncio"):
                self._say(f"getattr({target}, …)", node)
        self.generic_visit(node)

    def _ours(self, name: ast.expr | None) -> bool:
        """Whether a name is a literal, or begins with our own package in a file that is listed."""
        if isinstance(name, ast.Constant):
            return True
        begin: Any = name
        if isinstance(begin, ast.BinOp):
            begin = begin.left
        if isinstance(begin, ast.JoinedStr):
            begin = begin.values[0]
        if isinstance(begin, ast.FormattedValue):
            begin = begin.value
        package = isinstance(begin, ast.Constant) and re.match(r"muster_(agent|server)\.", str(begin.value))
        own = isinstance(begin, ast.Name)  # __name__, or a loop over a list of this file
        return bool(package or own) and self.name in BY_NAME

    def _full(self, node: ast.expr) -> str:
        if isinstance(node, ast.Name):
            if node.id in self.known:
                return self.known[node.id]
            return f"builtins.{node.id}" if hasattr(builtins, node.id) else node.id
        return f"{self._full(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else "?"

    def _module(self, full: str, node: ast.stmt) -> None:
        if full.partition(".")[0] in BANNED and OWN_PROCESSES.get(self.name) != full:
            self._say(f"import {full}", node)

    def _use(self, full: str, node: ast.AST) -> None:
        if RUNS.fullmatch(full):
            self._say(full, node)

    def _say(self, what: str, node: Any) -> None:
        self.found.append(f"{self.name}:{node.lineno}: {what}")


def offences(text: str, name: str = "x.py") -> list[str]:
    """What runs text in a file."""
    reader = Reader(name)
    tree = ast.parse(text)
    # Imports stand anywhere, and a use may stand before them.
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            reader.visit(node)
    reader.found.clear()
    reader.visit(tree)
    return reader.found


def test_L2_L6_no_file_runs_what_it_was_given() -> None:
    assert len(CODE) > 300
    assert [
        said for path in CODE for said in offences(path.read_text("utf-8"), path.relative_to(ROOT).as_posix())
    ] == []


TRICKS = [
    "import os; os.system('x')",
    "import os as o; o.popen('x')",
    "from os import system as s; s('x')",
    "import os; run = os.execvp",
    "import os; os.spawnlp(0, 'x')",
    "import os; os.posix_spawn('x', [], {})",
    "import os; getattr(os, 'system')('x')",
    "import os; getattr(os, 'sys' + 'tem')('x')",
    "import subprocess; subprocess.run(['x'])",  # in a file that may start nothing
    "from subprocess import Popen as P; P(['x'])",
    "import subprocess as s; s.getoutput('x')",
    "from subprocess import getstatusoutput; getstatusoutput('x')",
    "import asyncio; asyncio.create_subprocess_shell('x')",
    "from asyncio import create_subprocess_exec as c; c('x')",
    "from asyncio import subprocess; subprocess.create_subprocess_shell('x')",
    "f(['x'], shell=True)",
    "f(['x'], shell=yes)",
    "eval('1')",
    "e = exec; e('1')",
    "import builtins; builtins.eval('1')",
    "compile('1', '', 'eval')",
    "__import__(name)",
    "import importlib; importlib.import_module(name)",
    "from importlib import import_module as i; i('os' + name)",
    "import importlib.util; importlib.util.spec_from_file_location('x', path)",
    "import pickle",
    "from pickle import loads",
    "import _pickle as p",
    "def f():\n    import marshal",
    "import multiprocessing.connection",
    "import runpy",
    "import yaml; yaml.load(text)",
    "import yaml; yaml.load(text, yaml.Loader)",
    "import yaml as y; y.load(text, Loader=y.FullLoader)",
    "from yaml import unsafe_load; unsafe_load(text)",
    "import yaml; yaml.load_all(text)",
    "environment.from_string(text).render()",
    "import jinja2; jinja2.Template(text)",
    "from sqlalchemy import PickleType",
    "import logging.config; logging.config.listen()",
]
STARTER = sorted(STARTERS)[0]


@pytest.mark.parametrize("text", TRICKS)
def test_L6_no_other_spelling_is_a_way_around(text: str) -> None:
    assert offences(text)


@pytest.mark.parametrize(
    "argument", ["'reboot'", "f'ls {name}'", "'ls ' + name", "' '.join(words)", "text % name", "*a"]
)
def test_L2_a_program_is_never_started_by_one_text(argument: str) -> None:
    assert offences(f"import subprocess; subprocess.run({argument})", STARTER)
    assert offences("import subprocess; subprocess.run(['/bin/true', name])", STARTER) == []


def test_what_is_listed_is_needed() -> None:
    for name in (*STARTERS, *BY_NAME):
        text = (ROOT / name).read_text("utf-8")
        assert "subprocess" in text or "import_module" in text, f"{name} needs no place in the list any more"


HOSTILE = ["os", "../x", "..x", "x.y", "sys:exit", "__init__", "act", "fields", "performing", "", "a" * 9999, "\0", "é"]


@pytest.mark.parametrize("name", HOSTILE)
def test_L6_no_name_that_was_given_becomes_a_module(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    import sys

    before = set(sys.modules)
    assert Verbs().get_command(None, name) is None  # type: ignore[arg-type]
    with pytest.raises(Refused):
        perform(None, name, {}, "os:test", None)  # type: ignore[arg-type]
    with pytest.raises(SystemExit) as ended:
        agent_main([name])
    assert ended.value.code == 2
    assert {module for module in set(sys.modules) - before if "muster" in module or module == name} <= ALLOWED


ALLOWED = {f"muster_agent.commands.{name}" for name in ("check", "enrol", "run", "status", "record", "selftest")}
