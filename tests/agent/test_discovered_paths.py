"""L16: what the agent finds on a PC it never starts (CVE-2025-41244: a path out of the process list, run by root)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from muster_agent.collect import collect
from muster_agent.local import LocalMachine
from muster_agent.machine import Listing, NotFound, Output, Process, Socket

AGENT = Path(__file__).resolve().parents[2] / "agent" / "muster_agent"
EVIL = "/tmp/evil"  # nothing is written there
SYSTEM = ("/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/")


class Hostile(LocalMachine):
    """This PC, on which an ordinary user has started programs with the names of every product that is known."""

    def __init__(self, names: list[str]) -> None:
        super().__init__()
        self.names = names
        self.ran: list[str] = []

    def run(self, argv: list[str], timeout: float = 30.0) -> Output:
        """Note what is asked for; nothing is there."""
        self.ran.append(argv[0])
        raise NotFound(argv[0])

    def processes(self) -> Listing:
        """Every known name, from a user's folder."""
        return Listing(tuple(Process(1000 + n, name, f"{EVIL}/{name}") for n, name in enumerate(self.names)), True)

    def sockets(self) -> Listing:
        """And each listens."""
        return Listing(
            tuple(
                Socket("tcp", "ipv4", "0.0.0.0", 2000 + n, name, f"{EVIL}/{name}") for n, name in enumerate(self.names)
            ),
            True,
        )


def names_of_products() -> list[str]:
    """Every process name of the catalogues."""
    found: set[str] = {"sshd", "smbd", "rpm", "dpkg", "systemctl"}

    def walk(value: object, key: str = "") -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                walk(inner, name)
        elif isinstance(value, list):
            for inner in value:
                walk(inner, key)
        elif isinstance(value, str) and key == "processes":
            found.add(value)

    for file in ("products.json", "remote_access.json"):
        walk(json.loads((AGENT / "catalogue" / file).read_text("utf-8")))
    return sorted(found)


def test_L16_no_path_that_was_found_is_run() -> None:
    names = names_of_products()
    assert len(names) > 100
    machine = Hostile(names)
    tables = collect(machine)
    assert any((row.path or "").startswith(EVIL) for row in tables["listening_ports"].rows or ()), "they were seen"
    assert machine.ran, "and programs were asked for"
    source = "".join(path.read_text("utf-8") for path in AGENT.rglob("*.py"))
    for program in set(machine.ran):
        assert not program.startswith(EVIL), program
        fixed = program.startswith(SYSTEM) or f'"{program}"' in source
        assert fixed, f"{program} stands nowhere in the agent's own text"


@pytest.mark.parametrize("name", ["run", "run_chunks"])
def test_L16_a_program_is_never_asked_for_by_a_field_of_what_was_found(name: str) -> None:
    """The path of a process or a socket goes nowhere near an argument vector."""
    import ast

    for path in AGENT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name):
                continue
            for part in ast.walk(node.args[0]) if node.args else ():
                reaches = isinstance(part, ast.Attribute) and part.attr == "path"
                assert not reaches, f"{path}:{node.lineno} runs a path it was told"
