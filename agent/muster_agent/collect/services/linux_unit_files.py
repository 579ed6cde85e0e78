"""Services under systemd, from its unit files and control groups."""

from __future__ import annotations

from muster_agent.facts import Problem, Service
from muster_agent.machine import CannotRead, Machine
from muster_agent.system.systemd import unit as units
from muster_agent.system.systemd.folders import ENDING, Folders
from muster_agent.system.systemd.running import Running
from muster_agent.system.systemd.unit import Unit


def _status(name: str, unit: Unit, running: Running | None) -> str | None:
    """Whether a service that starts by itself runs. One that has done its work (oneshot, RemainAfterExit) is neither
    running nor stopped: None."""
    if running is None or not unit.get("Service", {}).get("ExecStart"):
        return None
    if running.service(name, units.last(unit, "Service", "Slice")):
        kind = units.last(unit, "Service", "Type")
        return None if kind == "oneshot" else "RUNNING"
    done = units.last(unit, "Service", "Type") == "oneshot"
    remains = (units.last(unit, "Service", "RemainAfterExit") or "no").lower() in ("yes", "true", "on", "1")
    return None if done or remains else "STOPPED"


def services(machine: Machine) -> tuple[list[Service], list[Problem]]:
    """A row a service, and what could not be seen. Raises :class:`CannotRead` when the folders cannot be read."""
    folders = Folders.read(machine)
    notes = []
    running: Running | None = None
    try:
        running = Running(machine)
    except CannotRead as error:
        notes.append(error.problem("status"))
    rows = []
    for name in folders.names():
        bare = name[: -len(ENDING)]
        if name in folders.masked:
            rows.append(Service(bare, None, "DISABLED", None, None, None))
            continue
        unit: Unit | None = None
        try:
            unit = folders.unit(name)
        except CannotRead as error:
            columns = ("path", "start_type") if name in folders.unread else ("path",)
            notes += [error.problem(column) for column in columns]
        enabled = folders.enabled(name)
        start: str | None = "DISABLED" if name in folders.masked else "AUTO_START" if enabled else "DEMAND_START"
        if unit is None:
            start = None if name in folders.unread else start
            rows.append(Service(bare, None, start, None, None, None))
            continue
        description, user = units.last(unit, "Unit", "Description"), units.last(unit, "Service", "User")
        rows.append(
            Service(
                name=bare,
                display_name=units.specified(description, bare) if description else None,
                start_type=start,
                status=_status(name, unit, running) if start == "AUTO_START" else None,
                path=units.program(unit),
                user_account=units.specified(user, bare) if user else None,
            )
        )
    return rows, notes
