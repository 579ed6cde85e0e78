"""Services under systemd where its folders may not be read: what systemctl says of them."""

from __future__ import annotations

import re

from muster_agent.facts import Problem, Service
from muster_agent.machine import Machine
from muster_agent.system import programs
from muster_agent.system.systemd import systemctl
from muster_agent.system.systemd.folders import ENDING

PLAIN = ["--no-pager", "--full", "--type=service"]
SHOW = ["show", "--no-pager", "--all", "--property=Id,Type,RemainAfterExit,User,ExecStart", "*.service"]


def _status(properties: dict[str, str], unit: systemctl.Listed | None) -> str | None:
    if unit is None or properties.get("Type") in (None, "oneshot"):
        return None
    running = systemctl.is_running(unit.active, unit.sub)
    if running:
        return "RUNNING"
    return "STOPPED" if running is False and properties.get("RemainAfterExit") != "yes" else None


def services(machine: Machine) -> tuple[list[Service], list[Problem]]:
    """A row a service, and what could not be told. Raises :class:`CannotRead`."""
    files = systemctl.list_unit_files(programs.text(machine, "systemctl", "list-unit-files", *PLAIN))
    listed = systemctl.list_units(programs.text(machine, "systemctl", "list-units", "--all", *PLAIN))
    properties = systemctl.show(programs.text(machine, "systemctl", *SHOW))
    units = {unit.unit: unit for unit in listed if unit.load != "not-found"}
    rows = []
    for name in sorted(set(files) | set(units)):
        if "@." in name or files.get(name) == "alias":
            continue
        template = re.sub(r"@.*", "@" + ENDING, name)
        start = systemctl.STATES.get(files.get(name, files.get(template, "")))
        own = properties.get(name, {})
        path = re.match(r"\{ path=(\S+) ;", own.get("ExecStart", ""))
        rows.append(
            Service(
                name=name[: -len(ENDING)],
                display_name=(units[name].description or None) if name in units else None,
                start_type=start,
                status=_status(own, units.get(name)) if start == "AUTO_START" else None,
                path=path.group(1) if path else None,
                user_account=own.get("User") or None,
            )
        )
    return rows, []
