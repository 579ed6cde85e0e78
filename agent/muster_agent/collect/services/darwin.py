"""Services of macOS: the jobs of launchd."""

from __future__ import annotations

from muster_agent.facts import Problem, Service, Table
from muster_agent.machine import CannotRead, Machine
from muster_agent.system.launchd import jobs, launchctl
from muster_agent.system.launchd.jobs import Job


def start_type(job: Job, disabled: bool | None) -> str | None:
    """How it starts; None when it could not be read whether somebody switched it off."""
    if disabled is None:
        return None
    if disabled:
        return "DISABLED"
    return "AUTO_START" if job.at_load else "DEMAND_START"


def collect(machine: Machine) -> Table:
    """Every job of the system's domain. One that starts with the system and ends again by itself is stopped."""
    notes: list[Problem] = []
    running: dict[str, bool] | None = None
    overrides: dict[str, bool] | None = None
    try:
        running = machine.once(launchctl.running)
    except CannotRead as error:
        notes.append(error.problem("status"))
    try:
        overrides = machine.once(launchctl.disabled)
    except CannotRead as error:
        notes.append(error.problem("start_type"))
    rows = []
    for job in jobs.jobs(machine, notes):
        disabled = None if overrides is None else overrides.get(job.label, job.disabled)
        starts = start_type(job, disabled)
        status = None
        if starts == "AUTO_START" and running is not None and job.label in running:
            status = "RUNNING" if running[job.label] else "STOPPED"
        rows.append(Service(name=job.label, start_type=starts, status=status, path=job.program, user_account=job.user))
    if not rows:
        raise CannotRead("not_found", jobs.FOLDERS[1])
    return Table(rows=tuple(rows), notes=tuple(notes))
