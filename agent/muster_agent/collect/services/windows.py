"""Services on Windows: what the service control manager reads from the registry when it starts, and what runs."""

from __future__ import annotations

from dataclasses import replace

from muster_agent.facts import Problem, Service, Table
from muster_agent.machine import CannotRead, Machine
from muster_agent.system import current_version, registry_key
from muster_agent.system.image_path import program
from muster_agent.system.registry_key import RegistryKey

KEY = r"HKLM\SYSTEM\CurrentControlSet\Services"
# Type (winnt.h): a program of its own or one shared with others; the rest are drivers. Of a service that each user has
# a copy of, the copy gets a new name at every login, so only what it is copied from is listed, which never runs itself.
WIN32, USER_SERVICE, USER_INSTANCE = 0x30, 0x40, 0x80
START = ("BOOT_START", "SYSTEM_START", "AUTO_START", "DEMAND_START", "DISABLED")
STATES = ("RUNNING", "STOPPED", "PAUSED")


def display_name(text: str | None) -> str | None:
    r"""What it is called: ``@C:\a.dll,-100`` is a reference to a text that depends on the language, and
    ``@oem5.inf,%name%;Intel Service`` says after it what to call it where that is not found."""
    if text is None or not text.startswith("@"):
        return text
    return text.partition(";")[2].strip() or None


def row(key: RegistryKey, name: str, root: str | None, notes: list[Problem]) -> Service | None:
    """The service; None for a driver, and for a key that is no service. Raises ``not_understood``."""
    kind, start = key.number("Type"), key.number("Start")
    if kind is None or start is None or not kind & WIN32 or kind & USER_INSTANCE:
        return None
    if not 0 <= start < len(START):
        raise CannotRead("not_understood", f"{key.path}: Start={start}")
    image_path = key.text("ImagePath")
    path = program(image_path, root) if image_path else None
    if path is None:
        code = "not_understood" if image_path else "not_found"
        notes.append(Problem("error", code, f"{name}: ImagePath {image_path or ''}".strip()[:200], "path"))
    return Service(
        name=name,
        display_name=display_name(key.text("DisplayName")),
        start_type=START[start],
        path=path,
        user_account=key.text("ObjectName"),
    )


def collect(machine: Machine) -> Table:
    """Every service. Of those that start by themselves the state too, unless an event starts and ends them."""
    notes: list[Problem] = []
    states: dict[str, str] = {}
    root = None
    try:
        root = current_version.read(machine).system_root
    except CannotRead as error:
        notes.append(error.problem("path"))
    try:
        answer = machine.api("EnumServicesStatusEx")
        if not isinstance(answer, dict):
            raise CannotRead("not_understood", "EnumServicesStatusEx")
        states = {name.lower(): str(state) for name, state in answer.items()}
    except CannotRead as error:
        notes.append(error.problem("status"))
    rows = []
    for name in machine.registry_keys(KEY):
        path = f"{KEY}\\{name}"
        try:
            key = registry_key.opened(machine, path)
            service = row(key, name, root, notes)
            if service is None:
                continue
            rows.append(service)
            status = states.get(name.lower())
            if service.start_type != "AUTO_START" or (key.number("Type") or 0) & USER_SERVICE:
                continue
            if status in STATES and "TriggerInfo" not in machine.registry_keys(path):
                rows[-1] = replace(service, status=status)
        except CannotRead as error:
            notes.append(error.problem())
    return Table(rows=tuple(rows), notes=tuple(notes))
