"""Stage 1, collect: fill every table of the contract from a Machine, or say why not.

A collector is the function ``collect(machine) -> Table`` in ``collect/<table>/<platform>.py``. Nothing registers it:
the name of the table and of the platform find it.
"""

from __future__ import annotations

import importlib
from typing import Callable

from muster_agent.facts import ONLY_ON, TABLES, Problem, Table, Tables
from muster_agent.limits import within_limits
from muster_agent.machine import CannotRead, Machine

NOT_HERE = "not_of_this_system"  # there is nothing to read, so nothing is missing


def collector(table: str, platform: str) -> Callable[[Machine], Table] | None:
    """The collector of ``table`` on ``platform``, or None when there is none yet."""
    name = f"muster_agent.collect.{table}.{platform}"
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        # A missing import inside a collector must not read as "no collector here".
        if error.name not in (name, f"muster_agent.collect.{table}"):
            raise
        return None
    found: Callable[[Machine], Table] = module.collect
    return found


def collect_table(machine: Machine, table: str) -> Table:
    """Fill one table. A collector that fails reports its failure; it never raises."""
    try:
        collect = collector(table, machine.platform)
        if collect is None:
            elsewhere = machine.platform not in ONLY_ON.get(table, (machine.platform,))
            code = NOT_HERE if elsewhere else "no_collector"
            return Table(problem=Problem("unsupported", code, machine.platform))
        found = collect(machine)
    except CannotRead as error:
        found = Table(problem=error.problem())
    except Exception as error:  # the rest of the tables must still be collected, and the report must say what broke
        found = Table(problem=Problem("error", "collector_failed", f"{type(error).__name__}: {error}"[:200]))
    return within_limits(found)


def collect(machine: Machine) -> Tables:
    """Fill every table of the contract."""
    return {table: collect_table(machine, table) for table in TABLES}


def not_here(table: Table) -> bool:
    """Whether ``table`` is empty because its system has no such thing."""
    return table.problem is not None and table.problem.code == NOT_HERE
