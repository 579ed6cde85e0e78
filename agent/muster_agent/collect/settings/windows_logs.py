"""The security log of Windows: whether it is written, how large it may grow, how far back it reaches."""

from __future__ import annotations

from typing import Any

from muster_agent.collect.settings.weeks import next_monday
from muster_agent.machine import CannotRead, Machine
from muster_agent.system.filetime import EARLIEST
from muster_agent.system.registry_setting import DISABLED, SERVICES, first, number, place, required, start
from muster_agent.system.windows_answer import runs

LOG = SERVICES + r"\EventLog\Security"
POLICY = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\EventLog\Security"
OLDEST = "GetOldestEventLogRecord"
KIBIBYTE = 1024


def audit(machine: Machine) -> tuple[Any, ...]:
    """Whether events are recorded: the event log is set to run, and runs."""
    return (start(machine, "EventLog") not in (None, DISABLED) and runs(machine, "EventLog"),)


def max_size(machine: Machine) -> tuple[Any, ...]:
    """Bytes the log may take. The policy counts in kibibytes, the log's own setting in bytes."""
    policy = number(machine, POLICY, "MaxSize")
    return (policy * KIBIBYTE if policy is not None else required(machine, LOG, "MaxSize"),)


def retention(machine: Machine) -> tuple[Any, ...]:
    """Days; null, since on Windows size alone decides.

    A Retention other than 0 keeps every record: once the log is full it is saved aside (AutoBackupLogFiles), or no
    more is written. Neither is a number of days, and a note says which it is.
    """
    if not first(machine, ((POLICY, "Retention"), (LOG, "Retention"))):
        return (None,)
    aside = first(machine, ((POLICY, "AutoBackupLogFiles"), (LOG, "AutoBackupLogFiles")))
    code = "log_saved_aside" if aside == 1 else "log_stops_when_full"
    raise CannotRead(code, place(LOG, "Retention"), "unsupported")


def oldest(machine: Machine) -> tuple[Any, ...]:
    """The first Monday after the oldest record, for it moves with every record that is overwritten."""
    said = machine.api(OLDEST, "Security")
    if said is None:
        raise CannotRead("log_empty", "Security", "unsupported")
    if not isinstance(said, int) or isinstance(said, bool) or said < EARLIEST:
        raise CannotRead("not_understood", OLDEST)
    return (next_monday(said),)
