"""What a function of Windows answered, in the shape a collector needs; another shape is not understood."""

from __future__ import annotations

from typing import Any

from muster_agent.machine import Answer, CannotRead, Machine

STATES = "EnumServicesStatusEx"
RUNNING = "RUNNING"
# A service on its way from one state to another.
PENDING = ("START_PENDING", "STOP_PENDING", "CONTINUE_PENDING", "PAUSE_PENDING")


def record(machine: Machine, function: str, *arguments: str) -> dict[str, Any]:
    """An answer of names and values."""
    return _record(machine.api(function, *arguments), function)


def records(machine: Machine, function: str, *arguments: str) -> list[dict[str, Any]]:
    """An answer of rows."""
    answer = machine.api(function, *arguments)
    if not isinstance(answer, list):
        raise CannotRead("not_understood", function)
    return [_record(row, function) for row in answer]


def _record(answer: Answer, function: str) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise CannotRead("not_understood", function)
    return answer


def whole(answer: dict[str, Any], name: str, function: str) -> int:
    """The whole number ``name`` of an answer; Windows counts nothing below 0."""
    found = answer.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise CannotRead("not_understood", f"{function}: {name}")
    return found


def text(answer: dict[str, Any], name: str, function: str) -> str:
    """The text ``name`` of an answer, which is not empty."""
    found = answer.get(name)
    if not isinstance(found, str) or not found:
        raise CannotRead("not_understood", f"{function}: {name}")
    return found


def service_state(machine: Machine, service: str) -> str | None:
    """RUNNING, STOPPED and so on, None when there is no such service. Names of services know no case."""
    states = record(machine, STATES)
    found = next((state for name, state in states.items() if name.lower() == service.lower()), None)
    if found is not None and not isinstance(found, str):
        raise CannotRead("not_understood", f"{STATES}: {service}")
    return found


def runs(machine: Machine, service: str) -> bool:
    """Whether a service runs now; one that is not installed does not.

    Raises :class:`CannotRead` while it is starting or stopping: the next minute would say something else.
    """
    state = service_state(machine, service)
    if state in PENDING:
        raise CannotRead("service_changing", f"{service} {state}")
    return state == RUNNING
