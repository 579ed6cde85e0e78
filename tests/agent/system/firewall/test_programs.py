"""What ufw, firewalld, the Kylin security centre and systemctl print and keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.collect.firewall import linux_units
from muster_agent.machine import CannotRead
from muster_agent.system.firewall import firewalld, ksc_defender, ufw

# -- ufw -------------------------------------------------------------------------------------------------------------

VERBOSE = """\
Status: active
Logging: on (low)
Default: {policy} (incoming), allow (outgoing), disabled (routed)
New profiles: skip

To                         Action      From
--                         ------      ----
22                         ALLOW IN    Anywhere
"""


@pytest.mark.parametrize(("policy", "inbound"), [("deny", "block"), ("reject", "block"), ("allow", "allow")])
def test_ufw_says_its_policy_when_it_is_verbose(policy: str, inbound: str) -> None:
    assert ufw.status(VERBOSE.format(policy=policy)) == ufw.Status(True, inbound)


@pytest.mark.parametrize(
    ("text", "active"),
    [
        ("Status: inactive\n", False),
        ("Status: active\n\n     To      Action      From\n[ 1] 22   ALLOW IN    Anywhere\n", True),
        ("状态：不活动\n", False),
        ("状态： 激活\n默认：deny (incoming), allow (outgoing)\n", True),
        ("Status: Aktiv\n", True),
    ],
)
def test_ufw_in_its_short_form_and_in_other_languages(text: str, active: bool) -> None:
    assert ufw.status(text).active is active


@pytest.mark.parametrize("text", ["", "ERROR: You need to be root to run this script\n", "Status: perhaps\n"])
def test_ufw_that_does_not_tell_is_refused(text: str) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        ufw.status(text)


def test_ufws_settings() -> None:
    assert ufw.enabled("# ENABLED=no\nENABLED=yes\nLOGLEVEL=low\n")
    assert not ufw.enabled("ENABLED=yes\nENABLED=no\n")
    assert ufw.inbound('DEFAULT_INPUT_POLICY="DROP"\n') == "block"
    assert ufw.inbound("DEFAULT_INPUT_POLICY='ACCEPT'\n") == "allow"
    for text in ("", "ENABLED=\n", "ENABLED=maybe\n"):
        with pytest.raises(CannotRead):
            ufw.enabled(text)
    with pytest.raises(CannotRead):
        ufw.inbound("DEFAULT_INPUT_POLICY=SOMETHING\n")


# -- firewalld -------------------------------------------------------------------------------------------------------

ALL_ZONES = """\
block
  target: %%REJECT%%
  icmp-block-inversion: no
  interfaces:
  sources:
  services:

public (active, default)
  target: default
  interfaces: eno1 wlan0
  sources: 10.0.0.0/8
  forward-ports: port=80:proto=tcp:toport=12345:toaddr=
\tport=81:proto=tcp:toport=1234:toaddr=
  rich rules:
\trule family="ipv4" source address="10.0.0.0/24" accept

trusted
  target: ACCEPT
  interfaces:
"""


def test_firewalld_lists_its_zones() -> None:
    zones = {zone.name: zone for zone in firewalld.list_all_zones(ALL_ZONES)}
    assert {name: (zone.active, zone.default, zone.inbound) for name, zone in zones.items()} == {
        "block": (False, False, "block"),
        "public": (True, True, "block"),
        "trusted": (False, False, "allow"),
    }
    assert (zones["public"].interfaces, zones["public"].sources) == (["eno1", "wlan0"], ["10.0.0.0/8"])


def test_firewalld_names_the_zones_in_force() -> None:
    text = "public\n  interfaces: enp0s3 eno2\ndrop\n  sources: 10.9.0.0/16\n"
    assert firewalld.active_zones(text) == {"public": ["enp0s3", "eno2"], "drop": []}


@pytest.mark.parametrize(
    "text", ["", "FirewallD is not running\n", "-bash: firewall-cmd: command not found\n", "  target: DROP\n"]
)
def test_firewalld_that_does_not_run_has_no_zones(text: str) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        firewalld.list_all_zones(text)


def test_firewalld_says_whether_it_runs() -> None:
    assert firewalld.state("running\n")
    assert not firewalld.state("not running\n")
    with pytest.raises(CannotRead):
        firewalld.state("failed\n")


def test_the_default_zone_is_the_last_one_set() -> None:
    assert firewalld.default_zone("# DefaultZone=drop\nDefaultZone=work\n") == "work"
    assert firewalld.default_zone("DefaultZone=\n") == firewalld.default_zone("") == "public"
    with pytest.raises(CannotRead):
        firewalld.default_zone("DefaultZone=a b\u2028c\nDefaultZone=..;x\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('<?xml version="1.0"?>\n<zone>\n<short>Public</short>\n</zone>\n', ("block", False)),
        ("<zone target='ACCEPT'><interface name='eth0'/></zone>", ("allow", True)),
        ('<zone version="1" target="%%REJECT%%"><source address="10.0.0.0/8"/></zone>', ("block", True)),
        ('<!-- <zone target="ACCEPT"> --><zone target="DROP"></zone>', ("block", False)),
        ("<zone/>", ("block", False)),
    ],
)
def test_a_zone_lets_in_only_by_its_target(text: str, expected: tuple[str, bool]) -> None:
    assert firewalld.zone(text, "x.xml") == expected


@pytest.mark.parametrize("text", ["", "<zone target='PERHAPS'></zone>", "<zone target='DROP'>", "<!-- <zone/> -->"])
def test_a_zone_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        firewalld.zone(text, "x.xml")


# -- the others ------------------------------------------------------------------------------------------------------


def test_the_kylin_security_centre() -> None:
    assert ksc_defender.status("      firewall: on\n      policy:   custom\n") == (True, "custom")
    assert ksc_defender.status("      firewall: off\n") == (False, None)
    for text in ("", "Usage: ksc-defender --firewall [options]\n", "firewall: perhaps\n"):
        with pytest.raises(CannotRead):
            ksc_defender.status(text)


@pytest.mark.parametrize(
    ("line", "active"),
    [
        ("   Active: active (exited) since Mon 2026-11-23 08:00:00 CST; 1 day ago", True),
        ("     Active: active (running) since 一 2026-11-23 08:00:00 CST; 1 day ago", True),
        ("   Active: inactive (dead)", False),
        ("   Active: failed (Result: exit-code)", False),
        ("   Active: activating (start)", False),
    ],
)
def test_whether_a_unit_is_active(line: str, active: bool) -> None:
    text = (
        f"● x.service - x\n   Loaded: loaded (/usr/lib/systemd/system/x.service; enabled)\n{line}\n Main PID: 1 (x)\n"
    )
    assert linux_units.status(text) is active


@pytest.mark.parametrize(
    "text", ["", "System has not been booted with systemd as init system (PID 1). Can't operate.\n", "Active: so so\n"]
)
def test_a_systemctl_that_cannot_answer_says_nothing_of_the_unit(text: str) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        linux_units.status(text)


READERS: list[Callable[[str], Any]] = [
    ufw.status,
    ufw.enabled,
    ufw.inbound,
    firewalld.list_all_zones,
    firewalld.active_zones,
    firewalld.default_zone,
    lambda text: firewalld.zone(text, "x.xml"),
    ksc_defender.status,
    linux_units.status,
]


@given(st.sampled_from(READERS), st.sampled_from([VERBOSE, ALL_ZONES, "<zone target='DROP'></zone>"]), st.data())
def test_whatever_stands_there_is_read_or_refused(read: Callable[[str], Any], text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))
    try:
        read(text[:at] + data.draw(st.text(max_size=6)) + text[at + data.draw(st.integers(0, 30)) :])
    except CannotRead as error:
        assert error.code == "not_understood"
