"""The run can come out wrong: when a collector lies, it says so. And no damaged recording ends it."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from muster_agent.collect.disk_encryption import windows as windows_encryption
from muster_agent.collect.firewall import darwin as darwin_firewall
from muster_agent.collect.firewall import windows as windows_firewall
from muster_agent.collect.interface_addresses import windows as windows_addresses
from muster_agent.collect.os_version import darwin as darwin_os
from muster_agent.collect.os_version import windows as windows_os
from muster_agent.collect.packages import darwin as darwin_packages
from muster_agent.collect.services import darwin as darwin_services
from muster_agent.collect.updates import darwin as darwin_updates
from muster_agent.collect.users import windows as windows_users
from muster_agent.facts import Table
from muster_agent.machine import Machine
from muster_agent.system.rpm import installed
from muster_agent.system.sockets import ss

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def run() -> ModuleType:
    """run.py as a module."""
    spec = importlib.util.spec_from_file_location("accuracy_run_of_readers", HERE / "run.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def verdicts(run: ModuleType, shared: Path, platform: str, topic: str) -> Counter[str]:
    """How many verdicts of each kind one topic has."""
    chosen = [one for one in run.entries(shared / "recorded") if (one.platform, one.topic) == (platform, topic)]
    return Counter(result.verdict for result in run.scored(chosen)[platform, topic])


# The table's module, the topic it is scored in, and what each row is made to say instead of the truth. Where a column
# is a function, it is given the true value.
LIES: tuple[tuple[ModuleType, str, str, dict[str, Any]], ...] = (
    (windows_os, "windows", "os", {"name": "Windows"}),
    (windows_os, "windows", "os", {"name": lambda name: name + " Pro"}),
    (windows_os, "windows", "os", {"build": "1"}),
    (windows_os, "windows", "os", {"patch": lambda build: build + 1}),
    (windows_os, "windows", "os", {"edition": "Core"}),
    (windows_os, "windows", "os", {"arch": "ARM64"}),
    (windows_firewall, "windows", "firewall", {"enabled": lambda on: None if on is None else not on}),
    (windows_encryption, "windows", "encryption", {"name": "X:"}),
    (windows_encryption, "windows", "encryption", {"encrypted": True}),
    (windows_addresses, "windows", "misc", {"address": "192.0.2.1"}),
    (windows_users, "windows", "users", {"enabled": lambda on: not on}),
    (darwin_os, "macos", "os", {"version": "14.0"}),
    (darwin_firewall, "macos", "firewall", {"enabled": lambda on: not on}),
    (darwin_packages, "macos", "packages", {"version": "1.0"}),
    (darwin_services, "macos", "services", {"status": "RUNNING"}),
    (darwin_services, "macos", "services", {"path": "/bin/true"}),
    (darwin_updates, "macos", "patches", {"name": "nothing"}),
    (darwin_updates, "macos", "patches", {"available": "0"}),
)


@pytest.mark.parametrize(
    ("module", "platform", "topic", "lie"), LIES, ids=[f"{lie[1]}-{lie[2]}-{next(iter(lie[3]))}" for lie in LIES]
)
def test_a_collector_that_lies_is_found_wrong(
    run: ModuleType,
    shared: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: ModuleType,
    platform: str,
    topic: str,
    lie: dict[str, Any],
) -> None:
    honest: Callable[[Machine], Table] = module.collect
    assert verdicts(run, shared, platform, topic)[run.WRONG] == 0

    def lying(machine: Machine) -> Table:
        table = honest(machine)
        return dataclasses.replace(table, rows=tuple(changed(row) for row in table.rows or ()))

    def changed(row: Any) -> Any:
        said = {name: value(getattr(row, name)) if callable(value) else value for name, value in lie.items()}
        return dataclasses.replace(row, **said)

    monkeypatch.setattr(module, "collect", lying)
    assert verdicts(run, shared, platform, topic)[run.WRONG] > 0


def test_a_pending_update_of_munki_that_is_not_said_is_found_wrong(
    run: ModuleType, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(darwin_updates, "of_munki", lambda machine: iter(()))
    assert verdicts(run, shared, "macos", "patches")[run.WRONG] > 0


def test_a_wrong_version_of_a_linux_package_is_found_wrong(
    run: ModuleType, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = installed.of_tags

    def lying(tags: list[str]) -> Any:
        found = honest(tags)
        return found and dataclasses.replace(found, version=str(found.version) + "1")

    monkeypatch.setattr(installed, "of_tags", lying)
    assert verdicts(run, shared, "linux", "packages")[run.WRONG] > 0


def test_a_wrong_port_is_found_wrong(run: ModuleType, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = ss.parse

    def lying(text: str) -> list[Any]:
        return [dataclasses.replace(row, port="1") for row in honest(text)]

    monkeypatch.setattr(ss, "parse", lying)
    assert verdicts(run, shared, "linux", "ports")[run.WRONG] > 0


@pytest.mark.parametrize(("stated", "right"), [("Yes", True), ("No", False)])
def test_the_state_of_a_volume_is_what_its_owner_states_or_wrong(
    run: ModuleType, tmp_path: Path, stated: str, right: bool
) -> None:
    """No recording we know of holds this class, which others do: here one volume that is encrypted and protected."""
    dump = tmp_path / "pc-Win32_EncryptableVolume.wmi"
    dump.write_text("ConversionStatus=1\nDriveLetter=C:\nProtectionStatus=1\n", "utf-8")
    drives = [{"LETTER": "C:", "ENCRYPT_STATUS": stated, "ENCRYPT_NAME": "BitLocker", "TYPE": "Local Disk"}]
    (tmp_path / "pc.drives.expected.json").write_text(json.dumps(drives), "utf-8")
    found = run.scored([run.Entry(dump.name, dump, "windows", "encryption", "raw", "", "")])["windows", "encryption"]
    assert [result.verdict for result in found] == [run.RIGHT if right else run.WRONG]


def cut(run: ModuleType, shared: Path, folder: Path, part: float, kinds: Iterable[str]) -> list[Any]:
    """The entries of the recordings, copies in ``folder``; of the files of these kinds only the first part is kept."""
    made = []
    for entry in run.entries(shared / "recorded"):
        data = entry.path.read_bytes()
        path = folder / entry.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data[: int(len(data) * part)] if entry.kind in kinds else data)
        made.append(dataclasses.replace(entry, path=path))
    return made


@pytest.mark.parametrize("part", [0, 0.1, 0.5, 0.95])
def test_recordings_that_are_cut_short_never_end_the_run(
    run: ModuleType, shared: Path, tmp_path: Path, part: float
) -> None:
    made = cut(run, shared, tmp_path, part, ["raw"])
    found = [result for results in run.scored(made).values() for result in results]
    assert {entry.file for entry in made if entry.kind == "raw"} <= {result.file for result in found}
    assert [result for result in found if result.detail.startswith(run.FAILED)] == []


@pytest.mark.parametrize("said", [b"[1]", b"null", b'{"command": 1, "output": 2, "fact": 3}'])
def test_json_of_another_form_is_never_wrong(run: ModuleType, shared: Path, tmp_path: Path, said: bytes) -> None:
    made = cut(run, shared, tmp_path, 1, ())
    raw = [entry for entry in made if entry.kind == "raw" and entry.path.suffix == ".json"]
    assert raw
    for entry in raw:
        entry.path.write_bytes(said)
    found = [result for results in run.scored(made).values() for result in results]
    assert {entry.file for entry in raw} <= {result.file for result in found}
    assert [result for result in found if result.verdict == run.WRONG] == []
    assert [result for result in found if result.detail.startswith(run.FAILED)] == []


def test_statements_that_are_cut_short_never_end_the_run(run: ModuleType, shared: Path, tmp_path: Path) -> None:
    made = cut(run, shared, tmp_path, 0.5, ["expected", "derived"])
    found = [result for results in run.scored(made).values() for result in results]
    assert {entry.file for entry in made if entry.kind == "raw"} <= {result.file for result in found}


def test_a_reader_that_fails_at_one_file_leaves_that_one_unknown(run: ModuleType, tmp_path: Path) -> None:
    reader = ModuleType("failing")

    def score(entries: Iterable[Any]) -> Iterator[Any]:
        for entry in entries:
            if entry.file == "second":
                raise ZeroDivisionError
            yield run.Result(entry.file, run.RIGHT)

    reader.__dict__["score"] = score
    members = [run.Entry(name, tmp_path, "linux", "os", "raw", "", "") for name in ("first", "second", "third")]
    found = {result.file: result.verdict for result in run.of_reader(reader, members)}
    assert found == {"first": run.RIGHT, "second": run.UNKNOWN, "third": run.RIGHT}
