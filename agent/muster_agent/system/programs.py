"""A program of the system by its name: looked for in the fixed folders of the system, never along PATH."""

from __future__ import annotations

from muster_agent.machine import TIME_LIMIT, CannotRead, Machine, NotFound, Output

FOLDERS = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")


def run(machine: Machine, name: str, *arguments: str, timeout: float = TIME_LIMIT) -> Output:
    """What the program ``name`` printed. Raises :class:`CannotRead`, as :class:`NotFound` when there is none."""
    for folder in FOLDERS:
        try:
            return machine.run([f"{folder}/{name}", *arguments], timeout)
        except NotFound:
            continue
    raise NotFound(name)


def text(machine: Machine, name: str, *arguments: str) -> str:
    """What it printed, as text. Raises :class:`CannotRead` also when it ends with a status other than 0."""
    output = run(machine, name, *arguments)
    if output.status != 0:
        complaint = output.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise CannotRead("program_failed", f"{name} ({output.status}): {complaint}"[:200])
    return output.stdout.decode("utf-8", "replace")
