"""The machine on Linux: /proc and the firmware's tables in /sys."""

from __future__ import annotations

import re

from muster_agent.facts import Problem, SystemInfo, Table
from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system.placeholder import PLACEHOLDER

# Where the firmware states it: SMBIOS on PCs, the device tree on most ARM machines.
FIRMWARE = {
    "uuid": ("/sys/class/dmi/id/product_uuid",),
    "hardware_vendor": ("/sys/class/dmi/id/sys_vendor",),
    "hardware_model": ("/sys/class/dmi/id/product_name", "/proc/device-tree/model"),
    "hardware_serial": ("/sys/class/dmi/id/product_serial", "/proc/device-tree/serial-number"),
}
# x86; 龙芯 (LoongArch, then MIPS); 32-bit ARM. 64-bit ARM kernels name only the maker's number of the core.
BRAND = re.compile(r"^(?:model name|Model Name|cpu model|Hardware)\s*:\s*(.+)$", re.MULTILINE)


def firmware(machine: Machine, column: str, notes: list[Problem]) -> str | None:
    """One fact of the firmware; null when there is none, when it is a placeholder, or denied (which a note says)."""
    for path in FIRMWARE[column]:
        try:
            value = machine.text(path, 4096).strip("\0 \t\r\n")
        except NotFound:
            continue
        except CannotRead as error:
            notes.append(error.problem(column))
            return None
        return None if PLACEHOLDER.match(value) else value
    return None


def cores(text: str) -> tuple[int | None, int]:
    """(physical cores, logical processors) in the text of /proc/cpuinfo."""
    logical = len(re.findall(r"^processor\s*:", text, re.MULTILINE))
    sockets = re.findall(r"^physical id\s*:\s*([0-9]+)$", text, re.MULTILINE)
    core_ids = re.findall(r"^core id\s*:\s*([0-9]+)$", text, re.MULTILINE)
    return len(set(zip(sockets, core_ids))) or None, logical


def collect(machine: Machine) -> Table:
    """The one row."""
    notes: list[Problem] = []
    cpuinfo = machine.text("/proc/cpuinfo")
    physical, logical = cores(cpuinfo)
    brand = BRAND.search(cpuinfo)
    memory = re.search(r"^MemTotal:\s+([0-9]{1,12}) kB$", machine.text("/proc/meminfo"), re.MULTILINE)
    if memory is None:
        notes.append(Problem("error", "not_understood", "/proc/meminfo", "physical_memory"))
    row = SystemInfo(
        hostname=machine.uname().node or None,
        cpu_brand=brand.group(1).strip() if brand else None,
        cpu_physical_cores=physical,
        cpu_logical_cores=logical or None,
        physical_memory=int(memory.group(1)) * 1024 if memory else None,
        uuid=firmware(machine, "uuid", notes),
        hardware_vendor=firmware(machine, "hardware_vendor", notes),
        hardware_model=firmware(machine, "hardware_model", notes),
        hardware_serial=firmware(machine, "hardware_serial", notes),
    )
    return Table(rows=(row,), notes=tuple(notes))
