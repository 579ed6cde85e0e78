"""What macOS's files and programs say, where a plausible answer would be wrong."""

from __future__ import annotations

import plistlib
from datetime import datetime

import pytest

from muster_agent.collect.disk_encryption import darwin as disk_encryption
from muster_agent.collect.firewall import darwin as firewall
from muster_agent.collect.os_version import darwin as os_version
from muster_agent.collect.routes import darwin as routes
from muster_agent.collect.shared_resources import darwin as shares
from muster_agent.collect.update_status import darwin as update_status
from muster_agent.collect.updates import darwin as updates
from muster_agent.facts import Route
from muster_agent.machine import CannotRead, Output, Uname
from muster_agent.recording import RecordedMachine, Recording
from muster_agent.system import directory_service, plist
from muster_agent.system.launchd import jobs, launchctl


def mac(files: dict[str, bytes] | None = None, **more: object) -> RecordedMachine:
    """A Mac with these files and answers, and nothing else."""
    return RecordedMachine(
        Recording("darwin", Uname("Darwin", "mac", "24.6.0", "x86_64"), True, files=dict(files or {}), **more),  # type: ignore[arg-type]
        whole=True,
    )


def release(version: str) -> dict[str, bytes]:
    """The file by which a Mac tells its version."""
    return {os_version.PATH: plistlib.dumps({"ProductName": "macOS", "ProductVersion": version})}


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
        ("FileVault is On.\nFileVault master keychain appears to be installed.\n", "encrypted"),
        ("FileVault is Off, but needs to be restarted to finish.\n", "not encrypted"),
        ("FileVault is On, but needs to be restarted to finish.\n", "undefined"),
        ("FileVault is On.\nEncryption paused\n", "undefined"),
        ("FileVault is Off.\nSomething is under way.\n", "undefined"),
    ],
)
def test_filevault_counts_as_encrypted_only_once_all_is(said: str, status: str) -> None:
    assert disk_encryption.parse(said)[0] == status


def test_a_line_of_filevault_nobody_foresaw_leaves_the_volume_unknown_and_is_shown() -> None:
    said = Output(0, b"FileVault is On.\nConversion stopped.\n", b"")
    table = disk_encryption.collect(mac(programs={tuple(disk_encryption.STATUS): said}))
    (row,) = table.rows or ()
    assert (row.encrypted, row.encryption_status) == (None, "undefined")
    assert [(note.code, note.column, note.detail) for note in table.notes] == [
        ("not_understood", "encrypted", "/usr/bin/fdesetup status: Conversion stopped.")
    ]


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
        firewall.collect(mac({firewall.SETTINGS: plistlib.dumps(settings), **release("14.8")}))


@pytest.mark.parametrize(
    ("version", "enabled"), [("10.15.7", False), ("14.8.2", False), ("15.0", True), ("26.1", True), ("10.16", True)]
)
def test_the_old_list_of_the_firewall_is_believed_only_where_macos_still_keeps_it(version: str, enabled: bool) -> None:
    files = {firewall.SETTINGS: plistlib.dumps({"globalstate": 0}), **release(version)}
    said = Output(0, b"Firewall is enabled. (State = 1)\n", b"")
    (row,) = firewall.collect(mac(files, programs={tuple(firewall.PROGRAM): said})).rows or ()
    assert row.enabled is enabled


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


# -- updates ---------------------------------------------------------------------------------------------------------


def test_no_pending_update_is_unknown_on_a_mac_that_never_searched() -> None:
    settings = plistlib.dumps({"RecommendedUpdates": [], "LastRecommendedUpdatesAvailable": 0})
    with pytest.raises(CannotRead, match="never_searched_software_update") as raised:
        updates.collect(mac({updates.SOFTWARE_UPDATE: settings}))
    assert raised.value.status == "stale"


@pytest.mark.parametrize("listed", ["x", [1], [{"Identifier": ""}], {"a": 1}])
def test_a_list_of_updates_in_another_form_is_not_read_as_empty(listed: object) -> None:
    settings = plistlib.dumps({"RecommendedUpdates": listed, "LastSuccessfulDate": datetime(2026, 11, 1)})
    with pytest.raises(CannotRead, match="not_understood"):
        updates.collect(mac({updates.SOFTWARE_UPDATE: settings}))


def searched(installed: datetime, **more: object) -> RecordedMachine:
    """A Mac that runs 14.8.2, searched on 10 November, and installed an update of macOS then."""
    offered = [
        {"Display Name": "macOS Sonoma 14.8.2", "Display Version": "14.8.2"},
        {"Display Name": "macOS Tahoe 26.1", "Display Version": "26.1"},
        {"Display Name": "Security Update 2026-009", "Display Version": "14.8.2"},
    ]
    settings = {"LastSuccessfulDate": datetime(2026, 11, 10), "RecommendedUpdates": offered, **more}
    done = [{"date": installed, "displayName": "macOS Sonoma 14.8.2"}]
    files = {
        updates.SOFTWARE_UPDATE: plistlib.dumps(settings),
        update_status.HISTORY: plistlib.dumps(done),
        **release("14.8.2"),
    }
    return mac(files)


@pytest.mark.parametrize(
    ("installed", "offered", "stale"), [(datetime(2026, 11, 12), 2, True), (datetime(2026, 11, 8), 3, False)]
)
def test_what_was_installed_since_the_search_is_not_pending(installed: datetime, offered: int, stale: bool) -> None:
    table = updates.collect(searched(installed))
    assert len(table.rows or ()) == offered
    assert {row.name for row in table.rows or ()} >= {"macOS Tahoe 26.1", "Security Update 2026-009"}
    notes = [(note.status, note.column) for note in table.notes if note.code == "installed_since_search"]
    assert notes == ([("stale", None)] if stale else [])


def test_an_update_without_a_version_stays_when_the_version_that_runs_is_not_known() -> None:
    offered = [{"Display Name": "macOS Sonoma"}]
    settings = {"LastSuccessfulDate": datetime(2026, 11, 10), "RecommendedUpdates": offered}
    done = [{"date": datetime(2026, 11, 12), "displayName": "macOS Sonoma"}]
    files = {updates.SOFTWARE_UPDATE: plistlib.dumps(settings), update_status.HISTORY: plistlib.dumps(done)}
    table = updates.collect(mac({**files, os_version.PATH: plistlib.dumps({})}))
    assert len(table.rows or ()) == 1
    assert "not_understood" in [note.code for note in table.notes]


def test_a_search_whose_installations_cannot_be_read_does_not_pass_for_a_fresh_one() -> None:
    settings = plistlib.dumps({"RecommendedUpdates": [], "LastSuccessfulDate": datetime(2026, 11, 1)})
    files = {updates.SOFTWARE_UPDATE: settings, update_status.HISTORY: b"x"}
    table = updates.collect(mac(files))
    assert [(note.code, note.column) for note in table.notes] == [("not_understood", None)]


@pytest.mark.parametrize("name", ["LastUpdatesAvailable", "LastRecommendedUpdatesAvailable"])
def test_a_list_shorter_than_either_count_is_said_to_be(name: str) -> None:
    for count, short in [(3, False), (4, True)]:
        table = updates.collect(searched(datetime(2026, 11, 8), **{name: count}))
        assert ("fewer_updates_than_counted" in [note.code for note in table.notes]) is short
