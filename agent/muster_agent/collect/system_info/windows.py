"""The machine on Windows: the firmware's tables, and what the kernel says of processor and memory."""

from __future__ import annotations

from typing import Any

from muster_agent.collect.attempts import Attempts
from muster_agent.facts import SystemInfo, Table
from muster_agent.machine import CannotRead, Machine
from muster_agent.system import registry_key
from muster_agent.system.placeholder import PLACEHOLDER

PROCESSOR = r"HKLM\HARDWARE\DESCRIPTION\System\CentralProcessor\0"
# Of the answer of GetSystemFirmwareTable.
FIRMWARE = {"uuid": "uuid", "hardware_vendor": "manufacturer", "hardware_model": "product", "hardware_serial": "serial"}


def number(answer: Any, what: str) -> int:
    """A positive number. Raises ``not_understood`` for anything else."""
    if not isinstance(answer, int) or isinstance(answer, bool) or answer <= 0:
        raise CannotRead("not_understood", what)
    return answer


def firmware(machine: Machine) -> dict[str, str | None]:
    """The facts of the firmware, by column; None for one that is not filled in."""
    answer = machine.api("GetSystemFirmwareTable")
    if not isinstance(answer, dict):
        raise CannotRead("not_understood", "GetSystemFirmwareTable")
    said = {column: str(answer.get(name) or "").strip("\0 \t\r\n") for column, name in FIRMWARE.items()}
    return {column: None if PLACEHOLDER.match(value) else value for column, value in said.items()}


def logical_processors(machine: Machine) -> int:
    """How many there are, whatever the agent's own architecture."""
    answer = machine.api("GetNativeSystemInfo")
    return number(answer.get("processors") if isinstance(answer, dict) else None, "GetNativeSystemInfo")


def collect(machine: Machine) -> Table:
    """The one row; each fact fails by itself."""
    attempt = Attempts()
    brand = attempt("cpu_brand", lambda: registry_key.opened(machine, PROCESSOR).text("ProcessorNameString"))
    made = attempt(tuple(FIRMWARE), lambda: firmware(machine)) or {}
    row = SystemInfo(
        hostname=machine.uname().node or None,
        cpu_brand=(brand or "").strip() or None,
        cpu_physical_cores=attempt(
            "cpu_physical_cores",
            lambda: number(machine.api("GetLogicalProcessorInformation"), "GetLogicalProcessorInformation"),
        ),
        cpu_logical_cores=attempt("cpu_logical_cores", lambda: logical_processors(machine)),
        physical_memory=attempt(
            "physical_memory", lambda: number(machine.api("GlobalMemoryStatusEx"), "GlobalMemoryStatusEx")
        ),
        uuid=made.get("uuid"),
        hardware_vendor=made.get("hardware_vendor"),
        hardware_model=made.get("hardware_model"),
        hardware_serial=made.get("hardware_serial"),
    )
    return Table(rows=(row,), notes=tuple(attempt.notes))
