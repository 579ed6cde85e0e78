"""Whether Windows installs security updates by itself: one setting at a time."""

from __future__ import annotations

from typing import Any

import pytest

from muster_agent.machine import CannotRead, NotFound, Uname
from muster_agent.recording import RecordedMachine, Recording
from muster_agent.system.current_version import CurrentVersion
from muster_agent.system.wua import automatic

AU = automatic.POLICY + r"\AU"
ON = {automatic.SERVICES + r"\wuauserv": {"Start": 3}, automatic.SERVICES + r"\UsoSvc": {"Start": 2}}
STARTED = 1795000000  # 2026-11-18T11:06:40Z


def version(build: int, kind: str = "Client") -> CurrentVersion:
    """A Windows of that build."""
    return CurrentVersion(build, 1, 10, 0, None, None, None, None, kind, None)


def says(keys: dict[str, dict[str, Any]], build: int = 26100, kind: str = "Client", search: str | None = None) -> bool:
    """The answer for a PC with these keys besides its services, last started at STARTED."""
    powershell: Any = {"updates": {"last_search": search}} if search else CannotRead("powershell_off", "")
    recording = Recording(
        "windows",
        Uname("Windows", "pc", "10", "AMD64"),
        True,
        values={**ON, **keys},
        apis={("BootTime",): STARTED, ("PowerShell",): powershell},
    )
    return automatic.installs_itself(RecordedMachine(recording, whole=True), version(build, kind))


def test_windows_10_and_11_install_unless_something_says_otherwise() -> None:
    assert says({})


@pytest.mark.parametrize(
    "keys",
    [
        {automatic.SERVICES + r"\wuauserv": {"Start": 4}},
        {automatic.SERVICES + r"\UsoSvc": {"Start": 4}},
        {automatic.POLICY: {"DisableWindowsUpdateAccess": 1}},
        {AU: {"NoAutoUpdate": 1}},
        {AU: {"AUOptions": 2}},
        {AU: {"AUOptions": 3, "NoAutoUpdate": 0}},
        {AU: {"UseWUServer": 1}},
        {AU: {"UseWUServer": 1}, automatic.POLICY: {"WUServer": " "}},
        {AU: {"UseWUServer": 1, "AUOptions": 4}, automatic.POLICY: {"WUServer": "https://localhost:8531"}},
        {AU: {"UseWUServer": 1}, automatic.POLICY: {"WUServer": "http://[::1]"}},
        {automatic.MDM: {"AllowAutoUpdate": 5}},
        {automatic.PAUSE_STATE: {"PausedQualityStatus": 1}},
        {automatic.PAUSE: {"PauseUpdatesExpiryTime": "2099-01-01T00:00:00Z"}},
        {automatic.PAUSE: {"PauseQualityUpdatesEndTime": "2026-11-18T11:06:41Z"}},
    ],
)
def test_each_of_these_turns_it_off(keys: dict[str, dict[str, Any]]) -> None:
    assert says(keys, search="2026-11-18T11:06:40Z") is False


@pytest.mark.parametrize(
    "keys",
    [
        {AU: {"AUOptions": 4}},
        {AU: {"UseWUServer": 1}, automatic.POLICY: {"WUServer": "http://127wsus.office.example:8530"}},
        {AU: {"UseWUServer": 0}, automatic.POLICY: {"WUServer": "http://127.0.0.1"}},
        {automatic.MDM: {"AllowAutoUpdate": 2}},
        {automatic.PAUSE_STATE: {"PausedQualityStatus": 2}},
        {automatic.PAUSE: {"PauseUpdatesExpiryTime": "2026-11-18T11:06:39Z"}},
        {automatic.PAUSE: {"PauseUpdatesExpiryTime": ""}},
    ],
)
def test_none_of_these_does(keys: dict[str, dict[str, Any]]) -> None:
    assert says(keys) is True


def test_a_search_after_the_end_of_a_pause_proves_it_over() -> None:
    pause = {automatic.PAUSE: {"PauseUpdatesExpiryTime": "2026-11-20T00:00:00Z"}}
    assert says(pause, search="2026-11-19T23:00:00Z") is False
    assert says(pause, search="2026-11-20T00:00:01Z") is True


def test_a_service_taken_out_of_the_system_is_off() -> None:
    recording = Recording("windows", Uname("Windows", "pc", "10", "AMD64"), True, values={})
    assert automatic.installs_itself(RecordedMachine(recording, whole=True), version(26100)) is False


@pytest.mark.parametrize(
    ("keys", "build", "kind", "code"),
    [
        ({AU: {"AUOptions": 9}}, 26100, "Client", "not_understood"),
        ({AU: {"AUOptions": 5}}, 26100, "Client", "not_understood"),
        ({AU: {"NoAutoUpdate": "1"}}, 26100, "Client", "not_understood"),
        ({automatic.MDM: {"AllowAutoUpdate": 6}}, 26100, "Client", "not_understood"),
        ({automatic.PAUSE: {"PauseUpdatesExpiryTime": "tomorrow"}}, 26100, "Client", "not_understood"),
        # Nobody can say whether a search has seen its end.
        ({automatic.PAUSE: {"PauseUpdatesExpiryTime": "2026-11-20T00:00:00Z"}}, 26100, "Client", "powershell_off"),
        ({}, 26100, "Server", "automatic_not_set"),
        ({}, 7601, "Client", "automatic_not_set"),
    ],
)
def test_what_cannot_be_told_is_not_told(keys: dict[str, dict[str, Any]], build: int, kind: str, code: str) -> None:
    with pytest.raises(CannotRead, match=code):
        says(keys, build, kind)


@pytest.mark.parametrize(("option", "expected"), [(1, False), (2, False), (3, False), (4, True)])
def test_before_windows_10_the_local_setting_decides(option: int, expected: bool) -> None:
    assert says({automatic.LOCAL: {"AUOptions": option}}, 9600) is expected
    assert says({AU: {"AUOptions": 5}, automatic.LOCAL: {"AUOptions": option}}, 7601) is expected


def test_a_pause_is_not_judged_without_a_moment_that_is_certainly_past() -> None:
    recording = Recording(
        "windows",
        Uname("Windows", "pc", "10", "AMD64"),
        True,
        values={**ON, automatic.PAUSE: {"PauseUpdatesExpiryTime": "2026-11-20T00:00:00Z"}},  # type: ignore[dict-item]
        apis={("BootTime",): NotFound("BootTime")},
    )
    with pytest.raises(CannotRead):
        automatic.installs_itself(RecordedMachine(recording, whole=True), version(26100))
