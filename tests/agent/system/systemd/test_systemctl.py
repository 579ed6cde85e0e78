"""What systemctl prints, in the forms it has had."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.machine import CannotRead
from muster_agent.system.systemd import systemctl

LEGEND = "\nLOAD   = Reflects whether the unit definition was properly loaded.\nSUB    = x\n\n2 loaded units listed.\n"


def test_unit_files_with_and_without_headings_and_presets() -> None:
    wanted = {"a.service": "enabled", "b@.service": "static"}
    assert (
        systemctl.list_unit_files(
            "UNIT FILE   STATE\na.service   enabled\nb@.service  static\n\n2 unit files listed.\n"
        )
        == wanted
    )
    assert systemctl.list_unit_files("a.service enabled disabled\nb@.service static -\n") == wanted
    assert (
        systemctl.list_unit_files("UNIT FILE STATE\na.service enabled\nb@.service static\n2 unit files listed.\n")
        == wanted
    )
    assert systemctl.list_unit_files("0 unit files listed.\n") == {}


def test_units_with_marks_headings_and_descriptions() -> None:
    text = (
        "  UNIT          LOAD   ACTIVE SUB     DESCRIPTION\n"
        "● a.service     loaded failed failed  What  it is\n"
        "* b.service     not-found inactive dead b.service\n"
        "  dev-sda.device loaded active plugged\n" + LEGEND
    )
    found = systemctl.list_units("\x1b[0;1m" + text)
    assert [(one.unit, one.load, one.active, one.sub, one.description) for one in found] == [
        ("a.service", "loaded", "failed", "failed", "What  it is"),
        ("b.service", "not-found", "inactive", "dead", "b.service"),
        ("dev-sda.device", "loaded", "active", "plugged", ""),
    ]


@pytest.mark.parametrize(
    "text", ["Failed to list units: Connection timed out\n", "a.service loaded active running x\nwhat\n"]
)
def test_a_complaint_and_a_line_that_is_no_unit_are_refused(text: str) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        systemctl.list_units(text)


def test_a_name_that_was_cut_to_fit_the_screen_is_refused() -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        systemctl.list_units("systemd-very-long…me.service loaded active running x\n")


def test_properties_are_those_of_the_unit_they_stand_with() -> None:
    text = "Type=simple\nId=a.service\nUser=x\n\n\nId=b.service\nnoise\nSubState=dead\n"
    text += "Id=c.service\nSubState=running\n-=1\n"
    assert systemctl.show(text) == {
        "a.service": {"Type": "simple", "Id": "a.service", "User": "x"},
        "b.service": {"Id": "b.service", "SubState": "dead"},
        "c.service": {"Id": "c.service", "SubState": "running"},
    }


def test_a_service_that_has_done_its_work_neither_runs_nor_stands_still() -> None:
    assert systemctl.is_running("active", "running") is True
    assert systemctl.is_running("active", "exited") is None
    assert systemctl.is_running("activating", "start-pre") is None
    assert systemctl.is_running("failed", "failed") is False
    assert systemctl.is_running("inactive", "dead") is False


@given(st.text(max_size=300))
def test_no_text_breaks_them(text: str) -> None:
    systemctl.show(text)
    for parse in (systemctl.list_units, systemctl.list_unit_files):
        with contextlib.suppress(CannotRead):
            parse(text)
