"""The answers of Windows's functions in the shape collectors need, and the state of a service."""

from __future__ import annotations

from typing import Any

import pytest

from muster_agent.machine import CannotRead, Uname
from muster_agent.recording import RecordedMachine, Recording
from muster_agent.system import windows_answer as answer


def machine(said: Any) -> RecordedMachine:
    """A PC of which F and EnumServicesStatusEx answer this."""
    apis: dict[tuple[str, ...], Any] = {("F",): said, ("EnumServicesStatusEx",): said}
    return RecordedMachine(Recording("windows", Uname("Windows", "pc", "10", "AMD64"), True, apis=apis))


@pytest.mark.parametrize("said", [None, [], "x", 1])
def test_an_answer_that_is_no_record_is_not_understood(said: Any) -> None:
    with pytest.raises(CannotRead, match="not_understood: F"):
        answer.record(machine(said), "F")


@pytest.mark.parametrize("said", [None, {}, "x", [1], [[]]])
def test_an_answer_that_is_no_list_of_records_is_not_understood(said: Any) -> None:
    with pytest.raises(CannotRead, match="not_understood: F"):
        answer.records(machine(said), "F")


@pytest.mark.parametrize("said", [{}, {"n": None}, {"n": "1"}, {"n": True}, {"n": 1.0}])
def test_a_number_that_is_none_is_not_understood(said: dict[str, Any]) -> None:
    with pytest.raises(CannotRead, match="not_understood: F: n"):
        answer.whole(said, "n", "F")


@pytest.mark.parametrize(
    ("said", "runs"),
    [
        ({"MpsSvc": "RUNNING"}, True),
        ({"mpssvc": "RUNNING"}, True),
        ({"MpsSvc": "STOPPED"}, False),
        ({"MpsSvc": "PAUSED"}, False),
        ({"MpsSvc2": "RUNNING"}, False),
        ({}, False),
    ],
)
def test_a_service_runs_when_it_is_said_to_run(said: dict[str, Any], runs: bool) -> None:
    assert answer.runs(machine(said), "MpsSvc") is runs


@pytest.mark.parametrize("state", answer.PENDING)
def test_a_service_on_its_way_is_neither_running_nor_stopped(state: str) -> None:
    with pytest.raises(CannotRead, match="service_changing: MpsSvc"):
        answer.runs(machine({"MpsSvc": state}), "MpsSvc")
