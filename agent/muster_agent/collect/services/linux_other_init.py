"""Services where systemd does not run: OpenRC, Upstart and System V init."""

from __future__ import annotations

from muster_agent.facts import Problem, Service
from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system import openrc, programs, sysv

SCRIPTS = "/etc/init.d"
RUNLEVELS = ("/etc/rc.d/rc{}.d", "/etc/rc{}.d")
JOBS = "/etc/init"
NOT_AT_START = {"shutdown"}


def under_openrc(machine: Machine) -> tuple[list[Service], list[Problem]]:
    """The services of OpenRC. Raises :class:`CannotRead`."""
    levels = openrc.rc_update(programs.text(machine, "rc-update", "show", "-v"))
    states = openrc.rc_status(programs.text(machine, "rc-status", "--all", "--nocolor"))
    rows = []
    for name in sorted(set(levels) | set(states)):
        enabled = bool(set(levels.get(name, ())) - NOT_AT_START)
        running = openrc.is_running(states[name]) if enabled and name in states else None
        status = None if running is None else "RUNNING" if running else "STOPPED"
        start = "AUTO_START" if enabled else "DEMAND_START"
        rows.append(Service(name, None, start, status, f"{SCRIPTS}/{name}", None))
    return rows, []


def _upstart(machine: Machine) -> list[Service]:
    rows = {}
    for job in sysv.initctl(programs.text(machine, "initctl", "list")):
        try:
            starts = "start on" in machine.text(f"{JOBS}/{job.name}.conf")
            starts = starts and "manual" not in machine.text(f"{JOBS}/{job.name}.override").split()
        except NotFound as error:
            starts = error.detail.endswith(".override")
        status = "RUNNING" if (job.goal, job.state) == ("start", "running") else "STOPPED"
        if job.instance is None:
            rows[job.name] = Service(
                job.name, None, "AUTO_START" if starts else "DEMAND_START", status if starts else None, None, None
            )
    return list(rows.values())


def _starting(machine: Machine) -> set[str]:
    """The scripts that start with the machine."""
    try:
        level = sysv.default_runlevel(machine.text("/etc/inittab"))
    except NotFound:
        level = None
    names: list[str] = []
    for folder in RUNLEVELS:
        for runlevel in ("S", level or "2"):  # Debian's default, where no inittab says another
            names += machine.names(folder.format(runlevel))
    return sysv.started(names)


def under_sysv(machine: Machine) -> tuple[list[Service], list[Problem]]:
    """The services of System V init, with Upstart's jobs and xinetd's services where there are any. A service script
    is not asked whether it runs, which would run it; a process of its name is what shows it."""
    processes = {process.name for process in machine.processes().rows}
    rows = []
    starting = _starting(machine)
    for name in machine.listdir(SCRIPTS):
        start = "AUTO_START" if name in starting else "DEMAND_START"
        seen = start == "AUTO_START" and name in processes
        rows.append(Service(name, None, start, "RUNNING" if seen else None, f"{SCRIPTS}/{name}", None))
    notes = [Problem("unsupported", "script_not_asked", SCRIPTS, "status")]
    if machine.names(JOBS):
        rows = [row for row in rows if f"{row.name}.conf" not in machine.names(JOBS)] + _upstart(machine)
    try:
        listed = sysv.chkconfig(programs.text(machine, "chkconfig", "--list"))
        rows += [Service(name, None, "AUTO_START" if on else "DISABLED") for name, on in listed.xinetd.items()]
    except NotFound:
        pass
    except CannotRead as error:
        notes.append(error.problem())
    return rows, notes
