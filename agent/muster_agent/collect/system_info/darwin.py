"""The machine on macOS: sysctl, and the registry of devices for its serial number."""

from __future__ import annotations

import re
from typing import Any

from muster_agent.facts import Problem, SystemInfo, Table
from muster_agent.machine import CannotRead, Machine, program_failed

IOREG = ["/usr/sbin/ioreg", "-rd1", "-c", "IOPlatformExpertDevice"]
LINE = re.compile(r'^[ \t]*"(IOPlatformUUID|IOPlatformSerialNumber)" = "([^"]{1,64})"[ \t\r]*$', re.MULTILINE)
COLUMNS = {
    "cpu_brand": ("machdep.cpu.brand_string", str),
    "cpu_physical_cores": ("hw.physicalcpu", int),
    "cpu_logical_cores": ("hw.logicalcpu", int),
    "physical_memory": ("hw.memsize", int),
    "hardware_model": ("hw.model", str),
}


def identity(machine: Machine) -> dict[str, str]:
    """The UUID and the serial number of the hardware. Raises :class:`CannotRead`."""
    output = machine.run(IOREG)
    if output.status != 0:
        raise program_failed(IOREG, output.status, output.stderr)
    found = dict(LINE.findall(output.stdout.decode("utf-8", "replace")))
    if not found:
        raise CannotRead("not_understood", IOREG[0])
    return found


def collect(machine: Machine) -> Table:
    """The one row; each fact fails by itself."""
    notes: list[Problem] = []
    values: dict[str, Any] = {}
    for column, (name, kind) in COLUMNS.items():
        try:
            answer = machine.api("sysctl", name)
        except CannotRead as error:
            notes.append(error.problem(column))
            continue
        # A bool is an int to Python. An empty text and a number below 1 are none of these facts.
        if type(answer) is kind and (answer if kind is str else answer > 0):  # type: ignore[operator]
            values[column] = answer
        else:
            notes.append(CannotRead("not_understood", f"sysctl {name}").problem(column))
    found: dict[str, str] = {}
    try:
        found = identity(machine)
    except CannotRead as error:
        notes += [error.problem(column) for column in ("uuid", "hardware_serial")]
    row = SystemInfo(
        hostname=machine.uname().node or None,
        uuid=found.get("IOPlatformUUID"),
        hardware_serial=found.get("IOPlatformSerialNumber"),
        hardware_vendor="Apple Inc.",
        **values,
    )
    return Table(rows=(row,), notes=tuple(notes))
