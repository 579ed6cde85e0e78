"""Antivirus on Windows: registered, running and fresh are three facts, and none is taken for another.

Whole PCs are in antivirus/windows-*; these are the single rules.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.collect.antivirus import defender, signature_registry, windows
from muster_agent.collect.antivirus.security_center import KEY, Registration
from muster_agent.evidence.service_keys import KEY as SERVICES
from muster_agent.facts import Antivirus, Table
from muster_agent.machine import Answer, CannotRead, Denied, Listing, Process, RegistryValue, Stat, Uname
from muster_agent.recording import RecordedMachine, Recording

VERSION = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
UNINSTALL = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"
OWN, POLICY = defender.KEYS["ms-defender"]
ENGINE = r"C:\ProgramData\Microsoft\Windows Defender\Platform\4.18.25100.9008-0\MsMpEng.exe"
NORMAL = {
    "AMRunningMode": "Normal",
    "AntivirusEnabled": True,
    "RealTimeProtectionEnabled": True,
    "AMProductVersion": "4.18.25100.9008",
    "AntivirusSignatureVersion": "1.441.233.0",
    "AntivirusSignatureLastUpdated": "2026-11-23T02:41:00Z",
    "DefenderSignaturesOutOfDate": False,
}
# FILETIME of 2026-11-23 13:13:52: 100 nanoseconds since 1601, the lowest byte first.
APPLIED = ((1795439632 + 11644473600) * 10**7).to_bytes(8, "little")
KINGSOFT = r"C:\Program Files (x86)\kingsoft\kingsoft antivirus\kxescore.exe"


def recording(
    registered: dict[str, int] | None,
    *,
    services: dict[str, tuple[str, str]] | None = None,
    values: dict[str, dict[str, RegistryValue]] | None = None,
    detail: Any = None,
    health: Answer | CannotRead = 0,
    center: str = "RUNNING",
    processes: tuple[tuple[str, str | None], ...] = (),
    gone: bool = False,
    server: bool = False,
) -> Recording:
    """A PC: names with their STATE, services with (program, state), more registry, and what PowerShell says."""
    services = services or {}
    said: dict[str, Any] = {
        VERSION: {
            "CurrentBuild": "19045",
            "CurrentMajorVersionNumber": 10,
            "CurrentMinorVersionNumber": 0,
            "InstallationType": "Server" if server else "Client",
            "SystemRoot": "C:\\Windows",
        }
    }
    said.update(values or {})
    said.update({f"{SERVICES}\\{name}": {"ImagePath": f'"{path}"'} for name, (path, _) in services.items()})
    keys: dict[str, Any] = {SERVICES: tuple(services), UNINSTALL: (), "HKU": ()}
    stats = {path: Stat(1, 0) for path, _ in services.values()}
    if registered is not None:
        keys[KEY] = tuple(f"{{{number}}}" for number in range(len(registered)))
        for number, (name, state) in enumerate(registered.items()):
            program = rf"C:\Program Files\P{number}\report.exe"
            said[f"{KEY}\\{{{number}}}"] = {"DISPLAYNAME": name, "STATE": state, "REPORTINGEXE": program}
            if not gone:
                stats[program] = Stat(1, 0)
    powershell: Any = detail if isinstance(detail, CannotRead) else {"defender": detail}
    return Recording(
        "windows",
        Uname("Windows", "pc", "10", "AMD64"),
        True,
        stats=stats,
        values=said,
        keys=keys,
        apis={
            ("SystemDrive",): "C:",
            ("EnumServicesStatusEx",): {"wscsvc": center, **{name: state for name, (_, state) in services.items()}},
            ("WscGetSecurityProviderHealth", "4"): health,
            ("PowerShell",): powershell,
        },
        processes=Listing(tuple(Process(4 + n, *each) for n, each in enumerate(processes)), True),
    )


def collect(said: Recording) -> Table:
    """The table of that PC."""
    return windows.collect(RecordedMachine(said, whole=True))


def only(table: Table) -> Antivirus:
    """The one row of a table."""
    assert table.rows is not None
    [row] = table.rows
    assert isinstance(row, Antivirus)
    return row


def noted(table: Table) -> set[tuple[str, str | None]]:
    """(code, column) of the notes."""
    return {(note.code, note.column) for note in table.notes}


def entry(state: int) -> Registration:
    """An entry with this state."""
    return Registration("X", state, None, False)


# -- STATE -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "on", "current", "microsoft"),
    [
        (266240, True, True, False),
        (266256, True, False, False),
        (397312, True, True, False),
        (397568, True, True, True),
        (393472, False, None, True),
        (262144, False, None, False),
        (262160, False, False, False),
        (0x042000, False, None, False),
        (0x043000, False, None, False),
        (0x043010, False, False, False),
        (0x044000, None, None, False),
        (0x0410F0, True, None, False),
    ],
    ids=str,
)
def test_what_a_state_says(state: int, on: bool | None, current: bool | None, microsoft: bool) -> None:
    assert (entry(state).on, entry(state).current, entry(state).of_microsoft) == (on, current, microsoft)


@given(st.integers(0, 2**32 - 1))
def test_only_one_of_the_states_is_on(state: int) -> None:
    """EXPIRED (0x3000) holds the bit of ON (0x1000)."""
    assert (entry(state).on is True) == (state & 0xF000 == 0x1000)
    assert entry(state).current is not True or entry(state).on is True


# -- registered ------------------------------------------------------------------------------------------------------

DUBA = {"kxescore": (KINGSOFT, "RUNNING")}


def test_a_product_that_is_on_and_runs_checks_files() -> None:
    row = only(collect(recording({"金山毒霸": 266240}, services=DUBA)))
    assert (row.id, row.registered, row.running, row.realtime, row.signatures_current) == (
        "kingsoft-duba",
        True,
        True,
        True,
        True,
    )


def test_on_without_a_running_service_checks_nothing() -> None:
    row = only(collect(recording({"金山毒霸": 266240}, services={"kxescore": (KINGSOFT, "STOPPED")}, health=2)))
    assert (row.registered, row.running, row.realtime) == (True, False, False)


@pytest.mark.parametrize("state", [0x040000, 0x042000, 0x043000])
def test_what_is_not_on_checks_nothing_though_it_runs(state: int) -> None:
    row = only(collect(recording({"金山毒霸": state}, services=DUBA, health=2)))
    assert (row.registered, row.running, row.realtime) == (True, True, False)


def test_a_product_that_never_registered_is_not_registered_and_its_check_is_unknown() -> None:
    table = collect(recording({}, services=DUBA, health=2))
    row = only(table)
    assert (row.registered, row.running, row.realtime) == (False, True, None)
    assert ("product_not_asked", "realtime") in noted(table)


def test_a_registration_without_its_program_is_a_remnant_and_no_protection() -> None:
    """One PC had 14 of them. Without a type no rule about protection takes it for one."""
    table = collect(recording({"金山毒霸": 266240, "Surfshark Antivirus": 266240}, gone=True, health=2))
    rows = {row.name: (row.type, row.registered, row.running, row.realtime) for row in table.rows or ()}
    assert rows == dict.fromkeys(("金山毒霸", "Surfshark Antivirus"), (None, True, False, False))
    assert ("stale_registration", "type") in noted(table)


def test_a_remnant_of_a_product_that_is_there_says_nothing_of_it() -> None:
    table = collect(recording({"金山毒霸": 266240}, services=DUBA, gone=True, health=2))
    row = only(table)
    assert (row.type, row.registered, row.running, row.realtime) == ("av", True, True, None)
    assert {("stale_registration", "registered"), ("product_not_asked", "realtime")} <= noted(table)


def test_of_two_entries_of_one_product_the_one_that_is_there_speaks() -> None:
    said = recording({"金山毒霸": 266240, "新毒霸": 262160}, services=DUBA)
    del said.stats[r"C:\Program Files\P1\report.exe"]
    assert (only(collect(said)).realtime, only(collect(said)).signatures_current) == (True, True)


def test_a_registered_product_nobody_knows_is_a_row_without_id() -> None:
    inside = (("x.exe", r"C:\Program Files\P0\x.exe"),)
    row = only(collect(recording({"无名卫士": 266256}, processes=inside)))
    assert (row.id, row.name, row.type, row.registered, row.running, row.realtime, row.signatures_current) == (
        None,
        "无名卫士",
        "av",
        True,
        True,
        True,
        False,
    )


def test_a_registration_is_gone_only_when_every_program_it_names_is_gone() -> None:
    said = recording({"无名卫士": 266240}, processes=(("x.exe", r"C:\Program Files\P0\x.exe"),))
    key = KEY + r"\{0}"
    said.values[key] = {
        "DISPLAYNAME": "无名卫士",
        "STATE": 266240,
        "REPORTINGEXE": r"C:\Program Files\P0\old\report.exe",
        "PRODUCTEXE": r"C:\Program Files\P0\report.exe",
    }
    row = only(collect(said))
    assert (row.type, row.running, row.realtime) == ("av", True, True)
    del said.stats[r"C:\Program Files\P0\report.exe"]
    row = only(collect(said))
    assert (row.type, row.running, row.realtime) == (None, False, False)


@pytest.mark.parametrize("name", ["McAfee VirusScan", "无名卫士"])
@pytest.mark.parametrize("program", ["", "mcui.exe", r"\\server\share\mcui.exe"])
def test_a_registration_that_names_no_program_proves_no_protection(name: str, program: str) -> None:
    said = recording({name: 266240})
    said.values[KEY + r"\{0}"] = {
        "DISPLAYNAME": name,
        "STATE": 266240,
        "PRODUCTEXE": program,
        "REPORTINGEXE": program,
    }
    table = collect(said)
    row = only(table)
    assert (row.type, row.registered, row.running, row.realtime, row.signatures_current) == (
        None,
        True,
        None,
        None,
        None,
    )
    assert {("program_not_named", column) for column in ("type", "running", "realtime")} <= noted(table)


def test_a_registration_that_names_no_program_still_speaks_for_a_product_that_is_there() -> None:
    said = recording({"金山毒霸": 266240}, services=DUBA)
    said.values[KEY + r"\{0}"] = {"DISPLAYNAME": "金山毒霸", "STATE": 266240, "PRODUCTEXE": "kxetray.exe"}
    row = only(collect(said))
    assert (row.type, row.registered, row.running, row.realtime) == ("av", True, True, True)


@pytest.mark.parametrize("states", [(266240, 262144), (262144, 266240), (266240, 0x042000)])
def test_two_entries_of_one_product_with_different_states_leave_its_check_unknown(states: tuple[int, int]) -> None:
    said = recording(dict(zip(("金山毒霸", "新毒霸"), states, strict=True)), services=DUBA)
    table = collect(said)
    row = only(table)
    assert (row.registered, row.running, row.realtime, row.signatures_current) == (True, True, None, None)
    assert {("registered_twice", "realtime"), ("registered_twice", "signatures_current")} <= noted(table)


def test_two_entries_that_say_the_same_are_one() -> None:
    table = collect(recording({"金山毒霸": 266240, "新毒霸": 266240}, services=DUBA))
    assert (only(table).realtime, only(table).signatures_current) == (True, True)
    assert "registered_twice" not in {note.code for note in table.notes}


def test_two_entries_that_differ_do_not_make_a_stopped_product_unknown() -> None:
    said = recording({"金山毒霸": 266240, "新毒霸": 262144}, services={"kxescore": (KINGSOFT, "STOPPED")}, health=2)
    assert (only(collect(said)).running, only(collect(said)).realtime) == (False, False)


def test_two_entries_of_a_product_nobody_knows_that_differ_leave_it_unknown_too() -> None:
    inside = tuple(("x.exe", rf"C:\Program Files\P{n}\x.exe") for n in range(2))
    said = recording({"无名卫士": 266240, "另一个": 262144}, processes=inside)
    said.values[KEY + r"\{1}"] = {**said.values[KEY + r"\{1}"], "DISPLAYNAME": "无名卫士"}  # type: ignore[dict-item]
    table = collect(said)
    rows = [row for row in table.rows or () if isinstance(row, Antivirus)]
    assert {row.realtime for row in rows} == {None}
    assert ("registered_twice", "realtime") in noted(table)


def test_an_entry_of_unknown_name_is_of_the_product_in_whose_folder_its_program_lies() -> None:
    said = recording({"Kingsoft Неизвестный": 266240}, services=DUBA)
    program = KINGSOFT.rpartition("\\")[0] + r"\report.exe"
    said.values[KEY + r"\{0}"] = {"DISPLAYNAME": "Kingsoft X", "STATE": 266240, "REPORTINGEXE": program}
    said.stats[program] = Stat(1, 0)
    row = only(collect(said))
    assert (row.id, row.registered, row.running, row.realtime) == ("kingsoft-duba", True, True, True)


@pytest.mark.parametrize(
    "name",
    ["Sophos Endpoint Agent", "FortiClient", "金山毒霸", "绿盟终端安全", "Bitdefender Endpoint Security Tools"],
)
def test_a_line_in_the_list_of_programs_alone_proves_no_protection(name: str) -> None:
    said = recording({}, health=2)
    said.keys[UNINSTALL] = ("X",)
    said.values[UNINSTALL + r"\X"] = {"DisplayName": name}
    table = collect(said)
    row = only(table)
    assert (row.type, row.running, row.realtime) == (None, None, None)
    assert {("only_listed", column) for column in ("type", "running", "realtime")} <= noted(table)
    said.keys[KEY] = ("{0}",)  # neither does an entry of the centre that names no program make it more
    said.values[KEY + r"\{0}"] = {"DISPLAYNAME": name, "STATE": 266240}
    row = only(collect(said))
    assert (row.type, row.registered, row.running, row.realtime) == (None, True, None, None)
    said.keys[KEY] = ()
    said.values[UNINSTALL + r"\X"] = {"DisplayName": name, "InstallLocation": r"C:\Program Files\X"}
    assert collect(said).rows == ()  # its folder is gone
    said.stats[r"C:\Program Files\X"] = Stat(1, 0)
    assert only(collect(said)).type is not None


def test_while_the_centre_does_not_run_its_states_are_of_the_past() -> None:
    said = recording({"金山毒霸": 266240}, services=DUBA, center="STOPPED", health=CannotRead("api_failed", "1"))
    table = collect(said)
    row = only(table)
    assert (row.registered, row.running, row.realtime, row.signatures_current) == (True, True, None, None)
    assert {("security_center_off", "realtime"), ("security_center_off", "signatures_current")} <= noted(table)


def test_a_server_has_no_security_centre() -> None:
    health = CannotRead("not_on_this_system", "WscGetSecurityProviderHealth", "unsupported")
    table = collect(recording(None, services=DUBA, server=True, health=health))
    assert (only(table).registered, only(table).running) == (None, True)
    assert noted(table) == {("product_not_asked", "realtime"), ("product_not_asked", "signatures_date")}


def test_a_windows_without_the_list_says_so() -> None:
    table = collect(recording(None, services=DUBA))
    assert only(table).registered is None
    assert ("no_security_center_list", "registered") in noted(table)


def test_a_list_that_may_not_be_read_means_rows_may_be_missing() -> None:
    said = recording({"无名卫士": 266240})
    said.keys[KEY] = Denied(KEY)
    table = collect(said)
    assert table.rows == ()
    assert ("denied", None) in noted(table)


# -- the centre as a whole -------------------------------------------------------------------------------------------


def test_good_without_anything_that_protects_means_rows_are_missing() -> None:
    assert ("security_center_disagrees", None) in noted(collect(recording({}, health=0)))


def test_good_beside_a_product_that_does_not_tell_is_no_contradiction() -> None:
    table = collect(recording({}, services=DUBA, health=0))
    assert "security_center_disagrees" not in {note.code for note in table.notes}


@pytest.mark.parametrize(("state", "noted_"), [(266240, True), (266256, False)])
def test_poor_beside_a_product_that_claims_to_be_well_is_noted(state: int, noted_: bool) -> None:
    """It calls outdated signatures poor as well: then the rows agree."""
    table = collect(recording({"金山毒霸": state}, services=DUBA, health=2))
    assert (("security_center_disagrees", "realtime") in noted(table)) is noted_


@pytest.mark.parametrize("answer", [7, -1, "good", None, True])
def test_an_answer_that_is_none_is_not_understood(answer: Any) -> None:
    found = noted(collect(recording({}, services=DUBA, health=answer)))
    assert ("not_understood", "registered") in found


# -- Defender --------------------------------------------------------------------------------------------------------

RUNNING = {"WinDefend": (ENGINE, "RUNNING")}
SIGNATURES: dict[str, dict[str, RegistryValue]] = {
    OWN + r"\Signature Updates": {"AVSignatureVersion": "1.441.233.0", "AVSignatureApplied": APPLIED}
}


def of_defender(state: int | None = 397568, **more: Any) -> Table:
    """The table of a PC with Defender, whose service runs unless said otherwise."""
    registered = {} if state is None else {"Windows Defender": state}
    return collect(recording(registered, **{"services": RUNNING, "values": SIGNATURES, **more}))


def test_what_defender_says_of_now_stands_before_the_settings() -> None:
    off = {**SIGNATURES, POLICY: {"DisableAntiSpyware": 1}}
    row = only(of_defender(values=off, detail=NORMAL))
    assert (row.id, row.running, row.realtime, row.version) == ("ms-defender", True, True, "4.18.25100.9008")
    assert row.signatures_date == "2026-11-23T13:13:52Z"


@pytest.mark.parametrize(
    "change",
    [
        {"RealTimeProtectionEnabled": False},
        {"AntivirusEnabled": False},
        {"AMRunningMode": "Passive Mode"},
        {"AMRunningMode": "SxS Passive Mode"},
        {"AMRunningMode": "EDR Block Mode"},
        {"AMRunningMode": "Not running"},
    ],
    ids=str,
)
def test_defender_that_only_looks_on_checks_nothing(change: dict[str, Any]) -> None:
    row = only(of_defender(detail={**NORMAL, **change}, health=2))
    assert (row.running, row.realtime) == (True, False)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (POLICY, "DisableAntiSpyware"),
        (POLICY + r"\Real-Time Protection", "DisableRealtimeMonitoring"),
        (OWN + r"\Real-Time Protection", "DisableRealtimeMonitoring"),
        (OWN, "PassiveMode"),
        (defender.PASSIVE_POLICY, "ForceDefenderPassiveMode"),
    ],
)
def test_without_powershell_the_settings_switch_it_off(key: str, name: str) -> None:
    off, silent = {**SIGNATURES, key: {name: 1}}, CannotRead("powershell_off", "")
    for state in (393472, None):  # the centre says off, or has no entry
        row = only(of_defender(state, values=off, detail=silent, health=2))
        assert (row.running, row.realtime) == (True, False)
        assert name in (row.basis or "")
    stopped = {"WinDefend": (ENGINE, "STOPPED")}
    assert only(of_defender(values=off, detail=silent, services=stopped, health=2)).realtime is False


@pytest.mark.parametrize(
    ("key", "name"),
    [(POLICY, "DisableAntiSpyware"), (POLICY + r"\Real-Time Protection", "DisableRealtimeMonitoring")],
)
def test_a_setting_that_switches_off_what_the_centre_calls_on_leaves_it_unknown(key: str, name: str) -> None:
    """Defender ignores these settings in many versions of Windows 10 and 11, and wherever they were tampered with."""
    off, silent = {**SIGNATURES, key: {name: 1}}, CannotRead("powershell_off", "")
    table = of_defender(397568, values=off, detail=silent)
    assert (only(table).running, only(table).realtime) == (True, None)
    assert ("settings_contradict_center", "realtime") in noted(table)


def test_without_powershell_the_centre_tells() -> None:
    silent = CannotRead("no_powershell", "", "unsupported")
    assert only(of_defender(397568, detail=silent)).realtime is True
    assert only(of_defender(393472, detail=silent, health=2)).realtime is False


def test_without_powershell_and_centre_nothing_is_known() -> None:
    table = collect(recording(None, services=RUNNING, values=SIGNATURES, server=True, detail={"error": "0x80041010"}))
    assert (only(table).running, only(table).realtime) == (True, None)
    assert ("powershell_failed", "realtime") in noted(table)


def test_powershell_is_not_asked_while_the_service_is_stopped() -> None:
    """The question can hang."""
    said = recording({}, services={"WinDefend": (ENGINE, "STOPPED")}, values=SIGNATURES, detail=NORMAL, health=2)
    machine = RecordedMachine(said, whole=True)
    row = only(windows.collect(machine))
    assert (row.running, row.realtime) == (False, False)
    assert ("apis", ("PowerShell",)) not in machine.asked


def test_defender_is_known_in_every_language() -> None:
    """WMI and the registry give its name in the language of Windows."""
    row = only(collect(recording({"Защитник Windows": 397568}, services=RUNNING, values=SIGNATURES, detail=NORMAL)))
    assert (row.id, row.registered) == ("ms-defender", True)


def test_the_defender_of_windows_7_is_no_antivirus() -> None:
    svchost = r"C:\Windows\System32\svchost.exe"
    assert collect(recording(None, services={"WinDefend": (svchost, "RUNNING")}, health=2)).rows == ()


@pytest.mark.parametrize("applied", [b"", b"\x00" * 7, "2026", 5, b"\xff" * 8])
def test_a_damaged_date_is_unknown_and_never_a_date(applied: RegistryValue) -> None:
    values: dict[str, dict[str, RegistryValue]] = {OWN + r"\Signature Updates": {"AVSignatureApplied": applied}}
    table = of_defender(values=values, detail=CannotRead("powershell_off", ""))
    assert only(table).signatures_date is None
    assert any(column == "signatures_date" for _, column in noted(table))


def test_without_the_registry_powershell_tells_the_age_of_the_signatures() -> None:
    row = only(of_defender(values={}, detail=NORMAL))
    assert (row.signatures_version, row.signatures_date) == ("1.441.233.0", "2026-11-23T02:41:00Z")


@pytest.mark.parametrize("detail", [None, 7, [], {}, {"AMRunningMode": 7}, {"AMRunningMode": None}])
def test_what_is_no_answer_of_defender_is_refused(detail: Any) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        defender.parse(detail)


@pytest.mark.parametrize(("state", "rows"), [(0, 0), (1, 1)])
def test_defender_for_endpoint_counts_where_the_pc_reports_to_it(state: int, rows: int) -> None:
    sense = {"Sense": (r"C:\Program Files\Windows Defender Advanced Threat Protection\MsSense.exe", "STOPPED")}
    table = collect(recording({}, services=sense, values={defender.ONBOARDING: {"OnboardingState": state}}, health=2))
    assert len(table.rows or ()) == rows


# -- how old the signatures of others are ----------------------------------------------------------------------------


def machine(values: dict[str, dict[str, RegistryValue]], files: dict[str, bytes] | None = None) -> RecordedMachine:
    """A PC with these values and files."""
    keys: dict[str, Any] = {}
    for key in values:
        parts = key.split("\\")
        for count in range(1, len(parts)):
            parent = "\\".join(parts[:count])
            keys[parent] = tuple(sorted({*keys.get(parent, ()), parts[count]}))
    said = replace(recording(None), values=dict(values), keys=keys, files=dict(files or {}))
    return RecordedMachine(said, whole=True)


WOW = "HKLM\\SOFTWARE\\WOW6432Node\\"
PLAIN = "HKLM\\SOFTWARE\\"


@pytest.mark.parametrize(
    ("product", "values", "version", "date"),
    [
        (
            "eset",
            {PLAIN + r"ESET\ESET Security\CurrentVersion\Info": {"ScannerVersion": "31832 (20250909)"}},
            "31832 (20250909)",
            "2025-09-09",
        ),
        ("eset", {PLAIN + r"ESET\ESET Security\CurrentVersion\Info": {"ScannerVersion": "31832"}}, "31832", None),
        (
            "kaspersky",
            {WOW + r"KasperskyLab\protected\KES.21.18\Data": {"LastSuccessfulUpdate": 1795240000}},
            None,
            "2026-11-21T05:46:40Z",
        ),
        (
            "trellix-ens",
            {WOW + r"McAfee\AVEngine": {"AVDatVersion": 5432, "AVDatVersionMinor": 0, "AVDatDate": "2026/11/20"}},
            "5432.0",
            "2026-11-20",
        ),
        ("avira", {WOW + r"Avira\Antivirus": {"VdfVersion": "8.20.46.12"}}, "8.20.46.12", None),
        (
            "withsecure",
            {
                WOW + r"F-Secure\Ultralight\Updates\aquarius\1": {"file_set_visible_version": "2026-11-20_01"},
                WOW + r"F-Secure\Ultralight\Updates\aquarius\2": {"file_set_visible_version": "2026-11-21_03"},
            },
            "2026-11-21_03",
            "2026-11-21",
        ),
        (
            "trend-apexone",
            {WOW + r"TrendMicro\PC-cillinNTCorp\CurrentVersion\Misc.": {"InternalNonCrcPatternVer": 1987100}},
            "1987100",
            None,
        ),
    ],
)
def test_where_other_products_leave_the_age_of_their_signatures(
    product: str, values: dict[str, dict[str, RegistryValue]], version: str | None, date: str | None
) -> None:
    told = signature_registry.ASK[product](machine(values))
    assert (told.signatures_version, told.signatures_date) == (version, date)


def test_what_a_32_bit_program_wrote_is_read_first() -> None:
    path = r"Avira\Antivirus"
    both: dict[str, dict[str, RegistryValue]] = {WOW + path: {"VdfVersion": "2.0"}, PLAIN + path: {"VdfVersion": "1.0"}}
    assert signature_registry.ASK["avira"](machine(both)).signatures_version == "2.0"


@pytest.mark.parametrize("seconds", [0, 0xFFFFFFFF])
def test_never_updated_is_no_date(seconds: int) -> None:
    values: dict[str, dict[str, RegistryValue]] = {
        WOW + r"KasperskyLab\protected\K\Data": {"LastSuccessfulUpdate": seconds}
    }
    with pytest.raises(CannotRead, match="not_found"):
        signature_registry.kaspersky(machine(values))


def test_symantec_keeps_its_day_in_a_file() -> None:
    data = b"[DefDates]\r\nCurDefs=20261120.002\r\nLastDefs=20261118.021\r\n"
    told = signature_registry.symantec(machine({}, {signature_registry.DEFINITIONS: data}))
    assert (told.signatures_version, told.signatures_date) == ("20261120.002", "2026-11-20")
    with pytest.raises(CannotRead, match="not_understood"):
        signature_registry.definitions(b"\x00\xff")


@pytest.mark.parametrize("product", sorted(signature_registry.ASK))
def test_a_product_that_left_nothing_is_unknown(product: str) -> None:
    with pytest.raises(CannotRead):
        signature_registry.ASK[product](machine({}))
