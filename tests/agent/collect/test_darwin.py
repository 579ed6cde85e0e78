"""What macOS's files and programs say, where a plausible answer would be wrong."""

from __future__ import annotations

import plistlib
from datetime import datetime

import pytest

from muster_agent import directory_service, plist
from muster_agent.collect.disk_encryption import darwin as disk_encryption
from muster_agent.collect.firewall import darwin as firewall
from muster_agent.collect.routes import darwin as routes
from muster_agent.collect.settings import darwin_password, darwin_protection
from muster_agent.collect.shared_resources import darwin as shares
from muster_agent.collect.updates import darwin as updates
from muster_agent.facts import Route
from muster_agent.launchd import jobs, launchctl
from muster_agent.machine import CannotRead, Output, Uname
from muster_agent.recording import RecordedMachine, Recording


def mac(files: dict[str, bytes] | None = None, **more: object) -> RecordedMachine:
    """A Mac with these files and answers, and nothing else."""
    return RecordedMachine(
        Recording("darwin", Uname("Darwin", "mac", "24.6.0", "x86_64"), True, files=dict(files or {}), **more),  # type: ignore[arg-type]
        whole=True,
    )


# -- property lists --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [plistlib.FMT_XML, plistlib.FMT_BINARY])
def test_both_forms_of_a_property_list_are_read(form: plistlib.PlistFormat) -> None:
    data = plistlib.dumps({"yes": True, "one": 1, "text": "x", "when": datetime(2026, 11, 1, 2, 3, 4)}, fmt=form)
    found = plist.parse(data, "x")
    assert (plist.flag(found, "yes"), plist.flag(found, "one"), plist.text(found, "text")) == (True, True, "x")
    assert plist.moment(found, "when") == "2026-11-01T02:03:04Z"
    assert (plist.flag(found, "text"), plist.text(found, "one"), plist.moment(found, "one")) == (None, None, None)


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE plist [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    b"<plist><string>&b;</string></plist>"
)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"bplist00",
        b"<plist>",
        b"\x00\xff" * 50,
        b"<plist><array/></plist>",
        BOMB,
        b"bplist00" + b"\xff" * 40,
        b"<plist version='1.0'>" + b"<array>" * 100_000,
    ],
)
def test_what_is_no_dictionary_is_not_understood(data: bytes) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        plist.parse(data, "x")


# -- programs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("FileVault is On.\n", "encrypted"),
        ("FileVault is Off.\n", "not encrypted"),
        ("FileVault is On.\nEncryption in progress: Percent completed = 3\n", "encrypting"),
        ("FileVault is Off.\nDecryption in progress: Percent completed = 50\n", "decrypting"),
        ("FileVault is Off.\nDeferred enablement appears to be active for user 'user-1'.\n", "not encrypted"),
        ("FileVault is On, but needs to be restarted to finish.\n", "encrypted"),
    ],
)
def test_filevault_counts_as_encrypted_only_once_all_is(said: str, status: str) -> None:
    assert disk_encryption.parse(said) == status


@pytest.mark.parametrize("said", ["", "FileVault master keychain appears to be installed.", "Error: on."])
def test_anything_else_is_not_read_as_off(said: str) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        disk_encryption.parse(said)


@pytest.mark.parametrize(("said", "state"), [("Firewall is enabled. (State = 1)", 1), ("... disabled. (State = 0)", 0)])
def test_the_state_of_the_firewall_is_its_number(said: str, state: int) -> None:
    assert firewall.parse(said) == state
    with pytest.raises(CannotRead):
        firewall.parse(said.replace("State", "Stat"))


@pytest.mark.parametrize("state", [True, 3, -1, "1", None])
def test_a_state_nobody_defined_is_no_answer(state: object) -> None:
    settings = {} if state is None else {"globalstate": state}
    with pytest.raises(CannotRead, match="not_understood"):
        firewall.collect(mac({firewall.SETTINGS: plistlib.dumps(settings)}))


def test_an_abbreviated_network_of_netstat_is_written_out() -> None:
    said = (
        "Routing tables\n\nInternet:\nDestination Gateway Flags Refs Use Netif Expire\n"
        "default 10.1.1.1 UGSc 80 0 en0\n10.8/16 10.8.0.1 UGSc 0 0 utun2\n172.16.5 10.8.0.1 UGSc 0 0 utun2\n"
        "192.168.7.9/32 10.1.1.9 UGSc 0 0 en0\n10.1.1/24 link#4 UCS 0 0 en0\n"
        "10.1.1.7 0:11:22:33:44:55 UHLWIi 1 5 en0 900\n"
    )
    assert routes.parse(said) == [
        Route("0.0.0.0", 0, "10.1.1.1", "en0", None),
        Route("10.8.0.0", 16, "10.8.0.1", "utun2", None),
        Route("172.16.5.0", 24, "10.8.0.1", "utun2", None),
        Route("192.168.7.9", 32, "10.1.1.9", "en0", None),
    ]


@pytest.mark.parametrize(
    "said", ["", "netstat: sysctl: net.route.0.0.dump", "Internet:\nDestination G\ndefault x UGS en0"]
)
def test_a_routing_table_that_is_none_is_not_empty(said: str) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        routes.parse(said)


def test_values_of_several_lines_belong_to_their_attribute() -> None:
    said = "RecordName: root\n BUILTIN\\Local System\nUniqueID: 0\ndsAttrTypeNative:_x: 1\n-\nRecordName: a b\n"
    first, second = directory_service.parse(said)
    assert first["RecordName"] == ["root", "BUILTIN\\Local System"]
    assert directory_service.first(first, "UniqueID") == "0"
    assert second["RecordName"] == ["a", "b"]
    with pytest.raises(CannotRead, match="not_understood"):
        directory_service.parse("<dscl_cmd> DS Error: -14009 (eDSUnknownNodeName)")


@pytest.mark.parametrize("said", ["", "Could not find service", "PID Status Label\nx y z", "PID\tStatus\tLabel\n1 0"])
def test_a_list_of_jobs_that_is_none_is_not_empty(said: str) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        launchctl.listed(said)


def test_switches_of_jobs_are_read_in_the_words_of_old_and_new_systems() -> None:
    new = 'disabled services = {\n\t"com.openssh.sshd" => enabled\n\t"x" => disabled\n}\n'
    old = 'disabled services = {\n\t"com.openssh.sshd" => false\n\t"x" => true\n}\n'
    assert launchctl.overrides(new) == launchctl.overrides(old) == {"com.openssh.sshd": False, "x": True}
    with pytest.raises(CannotRead):
        launchctl.overrides('disabled services = {\n\t"x" => perhaps\n}\n')
    with pytest.raises(CannotRead):
        launchctl.overrides("Could not print")


def test_a_job_kept_alive_under_conditions_does_not_start_by_itself() -> None:
    assert jobs.job({"Label": "a", "KeepAlive": {"PathState": {}}}, "x").at_load is False
    assert jobs.job({"Label": "a", "KeepAlive": True}, "x").at_load is True
    with pytest.raises(CannotRead):
        jobs.job({"Program": "/x"}, "x")


def test_a_share_point_that_is_not_shared_is_none() -> None:
    assert shares.parse("List of Share Points\n") == []
    with pytest.raises(CannotRead, match="not_understood"):
        shares.parse("sharing: command needs rights")


# -- updates and settings --------------------------------------------------------------------------------------------


def test_no_pending_update_is_unknown_on_a_mac_that_never_searched() -> None:
    settings = plistlib.dumps({"RecommendedUpdates": [], "LastRecommendedUpdatesAvailable": 0})
    with pytest.raises(CannotRead, match="never_searched") as raised:
        updates.collect(mac({updates.SOFTWARE_UPDATE: settings}))
    assert raised.value.status == "stale"


@pytest.mark.parametrize("listed", ["x", [1], [{"Identifier": ""}], {"a": 1}])
def test_a_list_of_updates_in_another_form_is_not_read_as_empty(listed: object) -> None:
    settings = plistlib.dumps({"RecommendedUpdates": listed, "LastSuccessfulDate": datetime(2026, 11, 1)})
    with pytest.raises(CannotRead, match="not_understood"):
        updates.collect(mac({updates.SOFTWARE_UPDATE: settings}))


def test_a_condition_on_passwords_nobody_foresaw_is_not_left_out() -> None:
    policies = {"policyCategoryPasswordContent": [{"policyContent": "policyAttributePassword != 'secret'"}]}
    with pytest.raises(CannotRead, match="not_understood"):
        darwin_password.content(policies)
    assert darwin_password.content({}) == (0, False, 0, 0)
    with pytest.raises(CannotRead, match="not_understood"):
        darwin_password.parse("Error: pwpolicy failed")


@pytest.mark.parametrize(
    ("status", "stdout", "stderr", "said"),
    [(0, b"assessments enabled\n", b"", True), (1, b"", b"assessments disabled\n", False), (1, b"", b"denied", None)],
)
def test_gatekeeper_is_what_its_program_says(status: int, stdout: bytes, stderr: bytes, said: bool | None) -> None:
    machine = mac(programs={tuple(darwin_protection.SPCTL): Output(status, stdout, stderr)})
    if said is None:
        with pytest.raises(CannotRead, match="program_failed"):
            darwin_protection.gatekeeper(machine)
    else:
        assert darwin_protection.gatekeeper(machine) == (said,)
