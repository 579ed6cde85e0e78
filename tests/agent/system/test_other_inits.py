"""OpenRC, chkconfig, the links of System V init, and Upstart."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.machine import CannotRead
from muster_agent.system import openrc, sysv


def test_runlevels_and_states_of_openrc() -> None:
    assert openrc.rc_update("   a | boot\n   b |      default nonetwork\n c |\n") == {
        "a": ("boot",),
        "b": ("default", "nonetwork"),
        "c": (),
    }
    text = "Runlevel: default\n a     [  started 3 day(s) 00:34:14 (0) ]\n\x1b[32m b [ crashed ]\x1b[0m\n"
    text += "Dynamic Runlevel: manual\n"
    assert openrc.rc_status(text) == {"a": "started", "b": "crashed"}
    assert [openrc.is_running(state) for state in ("started", "crashed", "stopped", "scheduled")] == [
        True,
        False,
        False,
        None,
    ]


@pytest.mark.parametrize("text", [" * rc-update: no such runlevel\n", "a b c\n"])
def test_what_rc_update_complains_of_is_refused(text: str) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        openrc.rc_update(text)


NOTE = "Note: This output shows SysV services only\n      systemd services.\n\n      If you want: x\n\n"


@pytest.mark.parametrize("heading", ["xinetd based services:", "基于 xinetd 的服务："])
def test_chkconfig_lists_services_and_those_of_xinetd(heading: str) -> None:
    on = "on" if heading.startswith("x") else "启用"
    text = f"{NOTE}net  0:off 1:off 2:{on} 3:{on} 4:off 5:off 6:off\n\n{heading}\n\ttelnet:  {on}\n\trsync:  off\n"
    said = sysv.chkconfig(text)
    assert said.levels == {"net": (False, False, True, True, False, False, False)}
    assert said.xinetd == {"telnet": True, "rsync": False}
    with pytest.raises(CannotRead, match="not_understood"):
        sysv.chkconfig("error reading information on service x: No such file\n")


def test_links_that_start_and_the_runlevel_they_are_of() -> None:
    assert sysv.started(["S10network", "K90sshd", "S55sshd", "README"]) == {"network", "sshd"}
    assert sysv.default_runlevel("#id:5:initdefault:\nid:3:initdefault:\n") == "3"
    assert sysv.default_runlevel("si::sysinit:/etc/rc\n") is None


def test_jobs_of_upstart() -> None:
    text = "ssh start/running, process 1291\nnetwork (lo) start/running\ntty stop/waiting\n\tpost-start process 9\n"
    assert [(job.name, job.instance, job.goal, job.state, job.process) for job in sysv.initctl(text)] == [
        ("ssh", None, "start", "running", 1291),
        ("network", "lo", "start", "running", None),
        ("tty", None, "stop", "waiting", None),
    ]
    with pytest.raises(CannotRead, match="not_understood"):
        sysv.initctl("initctl: Unable to connect to Upstart\n")


@given(st.text(max_size=300))
def test_no_text_breaks_them(text: str) -> None:
    sysv.default_runlevel(text)
    for parse in (openrc.rc_update, openrc.rc_status, sysv.chkconfig, sysv.initctl):
        with contextlib.suppress(CannotRead):
            parse(text)
