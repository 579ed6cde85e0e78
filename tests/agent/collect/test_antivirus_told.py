"""What products tell of themselves: each parser on what its product prints, cut short, and on what is none of it."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.collect.antivirus import clamav, desktop_entries, vendors
from muster_agent.collect.antivirus.vendors import (
    Told,
    avast,
    bitdefender,
    cortex,
    crowdstrike,
    drweb,
    escan,
    eset,
    eset_darwin,
    fprot,
    kaspersky,
    mdatp,
    sangfor,
    sentinelone,
    sentinelone_darwin,
    sophos,
    withsecure,
    zoner,
)
from muster_agent.machine import CannotRead, Denied, Uname
from muster_agent.recording import RecordedMachine, of_files

PARSERS: list[Callable[[str], Any]] = [
    avast.parse_version,
    avast.parse_vps,
    bitdefender.parse,
    clamav.parse_version,
    cortex.parse_content,
    cortex.parse_info,
    cortex.parse_runtime,
    crowdstrike.parse,
    drweb.parse_bases,
    drweb.parse_version,
    escan.parse,
    eset.parse_modules,
    eset.parse_version,
    fprot.parse,
    kaspersky.parse,
    mdatp.parse,
    sentinelone.parse,
    sentinelone_darwin.parse_status,
    sentinelone_darwin.parse_version,
    sophos.parse,
    withsecure.parse,
    zoner.parse,
]


def health(**change: Any) -> str:
    """What ``mdatp health --output json`` prints."""
    said = {
        "appVersion": "101.25092.0004",
        "definitionsStatus": {"$type": "upToDate"},
        "definitionsUpdated": "1795420800000",
        "definitionsVersion": "1.441.233.0",
        "passiveModeEnabled": {"displayValue": True, "isManaged": False, "value": False},
        "realTimeProtectionAvailable": True,
        "realTimeProtectionEnabled": {"displayValue": True, "isManaged": False, "value": True},
    }
    return json.dumps({**said, **change})


STATUS = """Product version: 7.0.3.2239
Engines version: 7.95171
Last security content update: 2026-11-22 at 23:30:00 GMT-3
New security content available: no
Features:
  - Antimalware status: On
"""
KESL = """Name:                          Kaspersky Endpoint Security 12.1 for Linux
Version:                       12.1.0.1508
Last release date of databases: 2026-11-22 21:04:00
Application databases loaded:  Yes
File Threat Protection:        Available and running
"""
KESL_RU = """Название:                            Kaspersky Endpoint Security 12.1 для Linux
Версия:                              12.1.0.1508
Дата последнего выпуска баз приложения: 2026-11-22 21:04:00
Защита от файловых угроз:            Доступно и запущено
"""
TRAPS = """              Name       PID           User                Status               Command
        cortex xdr      1055          user1               Running               /opt/traps/bin/cortex xdr
               pmd      1092           root               Running               /opt/traps/bin/pmd
"""


# -- what each says --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "realtime"),
    [
        ({}, True),
        ({"realTimeProtectionEnabled": {"value": False}}, False),
        ({"realTimeProtectionEnabled": True}, True),
        ({"passiveModeEnabled": {"value": True}}, False),
        ({"realTimeProtectionAvailable": False}, False),
        ({"realTimeProtectionEnabled": None}, None),
        ({"realTimeProtectionEnabled": "yes"}, None),
    ],
    ids=str,
)
def test_when_defender_on_linux_checks_files(change: dict[str, Any], realtime: bool | None) -> None:
    assert mdatp.parse(health(**change)).realtime is realtime


@pytest.mark.parametrize(
    ("status", "current"),
    [({"$type": "upToDate"}, True), ({"$type": "outOfDate"}, False), ({"$type": "couldBeOlder"}, None), (7, None)],
    ids=str,
)
def test_what_defender_on_linux_calls_its_signatures(status: Any, current: bool | None) -> None:
    told = mdatp.parse(health(definitionsStatus=status))
    assert (told.signatures_current, told.signatures_date) == (current, "2026-11-23T08:00:00Z")


@pytest.mark.parametrize("said", ["0", "-5", "99999999999999", "now", 7, None, True])
def test_a_moment_that_is_none_is_no_date(said: Any) -> None:
    assert mdatp.parse(health(definitionsUpdated=said)).signatures_date is None


def test_the_list_defender_prints_to_people_says_the_same() -> None:
    text = """healthy                                     : true
app_version                                 : "101.25092.0004"
passive_mode_enabled                        : false [managed]
real_time_protection_enabled                : true [managed]
definitions_updated                         : Nov 23, 2026 at 04:00:00 PM
definitions_version                         : "1.441.233.0"
definitions_status                          : "up_to_date"
"""
    told = mdatp.parse(text)
    assert (told.version, told.realtime, told.signatures_version, told.signatures_date, told.signatures_current) == (
        "101.25092.0004",
        True,
        "1.441.233.0",
        "2026-11-23",
        True,
    )


@pytest.mark.parametrize(
    "said", ["{}", "[]", "1", "null", "", '{"a": 1}', "[[[[", '{"appVersion": ', "ERROR: no daemon"]
)
def test_what_is_no_health_is_refused(said: str) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        mdatp.parse(said)


def test_bitdefender_states_its_moment_with_its_distance_from_greenwich() -> None:
    told = bitdefender.parse(STATUS)
    assert (told.realtime, told.signatures_date, told.signatures_current) == (True, "2026-11-23T02:30:00Z", True)
    off = bitdefender.parse(STATUS.replace("status: On", "status: Off").replace("available: no", "available: yes"))
    assert (off.realtime, off.signatures_current) == (False, False)


@pytest.mark.parametrize(
    "said", ["2026-13-01 at 00:00:00 GMT", "2026-11-22", "yesterday", "2026-11-22 at 25:00:00 GMT+1"]
)
def test_a_moment_bitdefender_never_printed_is_none(said: str) -> None:
    assert bitdefender.moment(said) is None


@pytest.mark.parametrize("text", [KESL, KESL_RU], ids=("en", "ru"))
def test_kaspersky_speaks_the_language_it_is_set_to(text: str) -> None:
    told = kaspersky.parse(text)
    assert (told.version, told.realtime, told.signatures_date) == ("12.1.0.1508", True, "2026-11-22")


@pytest.mark.parametrize(
    ("said", "realtime"),
    [("Available and stopped", False), ("Unavailable due to license limitation", False), ("Starting", None)],
)
def test_a_task_of_kaspersky_that_is_listed_need_not_run(said: str, realtime: bool | None) -> None:
    assert kaspersky.parse(KESL.replace("Available and running", said)).realtime is realtime


def test_kaspersky_without_databases_protects_nothing() -> None:
    text = KESL.replace("loaded:  Yes", "loaded:  No").replace("2026-11-22 21:04:00", "1970-01-01 00:00:00")
    assert (kaspersky.parse(text).realtime, kaspersky.parse(text).signatures_date) == (False, None)


@pytest.mark.parametrize(
    ("state", "engine", "running", "realtime"),
    [
        ("Enabled", "Enabled", True, True),
        ("Enabled", "Disabled", True, False),
        ("Disabled", "Enabled", False, False),
    ],
)
def test_sentinelone_checks_files_with_one_engine_of_several(
    state: str, engine: str, running: bool, realtime: bool
) -> None:
    text = f"Agent version: 30.1.1.10\nDFI engine                          {engine}\nAgent state      {state}\n"
    told = sentinelone.parse(text)
    assert (told.version, told.running, told.realtime) == ("30.1.1.10", running, realtime)


def test_the_signatures_of_sentinelone_are_as_old_as_they_were_made_and_not_put_in() -> None:
    text = (
        "Agent\n   Version:             24.1.2\n   Protection:          enabled\n"
        "   staticSignatures:    signed - versioned (120260430133940) - Applied at: 2026-11-18T04:34:32Z\n"
    )
    told = sentinelone_darwin.parse_status(text)
    assert (told.realtime, told.signatures_date) == (True, "2026-04-30")


@pytest.mark.parametrize(
    ("text", "version", "realtime"),
    [
        ('cid="ab", aid="0f", rfm-state=false, version = 7.30.18306.0\n', "7.30.18306.0", None),
        ("rfm-state=true, rfm-reason=Modules not found., code=0x1\n", None, "refused"),
        ("version=7.29.18202.0\nrfm-state=true,", "7.29.18202.0", False),
        ("rfm-state=true.", None, False),
        ("version is not set.", None, None),
    ],
)
def test_what_falconctl_says(text: str, version: str | None, realtime: Any) -> None:
    if realtime == "refused":
        with pytest.raises(CannotRead):
            crowdstrike.parse(text)
        return
    assert (crowdstrike.parse(text).version, crowdstrike.parse(text).realtime) == (version, realtime)


def test_cortex_is_known_by_the_process_the_others_are_started_by() -> None:
    assert cortex.parse_runtime(TRAPS).running is True
    assert cortex.parse_runtime("  pmd   N/A   N/A   STOPPED   N/A\n").running is False
    assert (
        cortex.parse_content("Content Type: 1270\nContent Version: 1270-120305\n").signatures_version == "1270-120305"
    )
    assert cortex.parse_info("Cortex XDR (R) supervisor tool 8.2.1.120305\n(c) Palo Alto\n").version == "8.2.1.120305"
    with pytest.raises(CannotRead):
        cortex.parse_runtime("   clad   1   x   Running   /opt/traps/analyzerd/clad\n")


def test_eset_counts_its_detection_engine_only() -> None:
    text = "EM001\t  1629 (20261120)\tAntivirus\nEM002\t 33610 (20261119)\tDetection engine\n"
    told = eset.parse_modules(text)
    assert (told.signatures_version, told.signatures_date) == ("33610 (20261119)", "2026-11-19")
    with pytest.raises(CannotRead):
        eset.parse_modules("EM001\t  1629 (20261120)\tAntivirus\n")


@pytest.mark.parametrize(
    ("enabled", "working", "realtime"), [(1, 1, True), (1, 0, False), (0, 1, False), (1, None, True)]
)
def test_eset_on_macos_checks_files_when_it_is_on_and_works(enabled: int, working: int | None, realtime: bool) -> None:
    status: dict[str, Any] = {"RTFSEnabled": {"Active": {"ce_val": enabled}}}
    if working is not None:
        status["RTFSWorking"] = {"Active": {"ce_val": working}}
    data = json.dumps({"State": {"ProtectionStatus": status}}).encode()
    assert eset_darwin.parse_settings(data).realtime is realtime


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"State": 7}', b"\xff\xfe", b"[" * 100000])
def test_settings_that_are_none_are_refused(data: bytes) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        eset_darwin.parse_settings(data)


def test_dates_of_signatures_are_days_of_the_calendar() -> None:
    assert avast.parse_vps("26112004\n").signatures_date == "2026-11-20"
    assert fprot.parse("Virus signatures: 202102092248\n").signatures_date == "2021-02-09"
    assert withsecure.parse("Database version: 2026-11-20_01\n").signatures_date == "2026-11-20"
    assert withsecure.parse("Database version: 2026-13-40_01\n").signatures_date is None
    assert drweb.parse_bases("Virus database timestamp: 2026-Nov-20 18:40:16\n").signatures_date == "2026-11-20"
    with pytest.raises(CannotRead):
        avast.parse_vps("26139904\n")


def test_a_relative_age_is_no_date() -> None:
    """It is another one with every look."""
    told = zoner.parse("ZAVd version:    1.3.0\nZAVDB version:   3037234\nZAVDB age:       1d 11h 5m\n")
    assert (told.version, told.signatures_version, told.signatures_date) == ("1.3.0", "3037234", None)


def test_the_day_of_a_release_is_not_that_of_the_signatures() -> None:
    text = "Product version    : 5.53.0\nVirus data version : 5.55\nReleased           : 18 September 2026\n"
    assert (sophos.parse(text).signatures_version, sophos.parse(text).signatures_date) == ("5.55", None)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("ClamAV 1.4.3/28046/Mon Jun 29 03:27:20 2026\n", ("1.4.3", "28046")),
        ("ClamAV 1.0.7\n", ("1.0.7", None)),
        ("LibClamAV Warning: old engine\nClamAV 0.103.12/27000/Tue Jan  2 03:04:05 2024\n", ("0.103.12", "27000")),
    ],
)
def test_what_clamav_calls_its_version(text: str, version: tuple[str, str | None]) -> None:
    assert clamav.parse_version(text) == version


def test_sangfor_states_its_version_in_its_settings() -> None:
    assert sangfor.parse(b'{"ip": "10.1.2.3", "version": "EDR3.7.10R1_B"}') == "3.7.10"


# -- what is none of it ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parse", PARSERS, ids=lambda p: f"{p.__module__.rpartition('.')[2]}.{p.__name__}")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "\0\0\0",
        "command not found",
        "Version: ",
        "x" * 100_000,
        "a: b\n" * 5000,
        "{" * 5000,
        "\ufffd: \ufffd",
    ],
    ids=range(9),
)
def test_what_a_product_never_printed_is_refused(parse: Callable[[str], Any], text: str) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        parse(text)


SAMPLES = [health(), STATUS, KESL, KESL_RU, TRAPS, 'aid="0f", version = 7.1.', "EM002\t 33610 (20261119)\tx\n"]
TEXTS = st.one_of(
    st.text(max_size=300),
    st.binary(max_size=300).map(lambda data: data.decode("utf-8", "replace")),
    st.tuples(st.sampled_from(SAMPLES), st.integers(0, 400)).map(lambda cut: cut[0][: cut[1]]),
    st.tuples(st.sampled_from(SAMPLES), st.integers(0, 400), st.text(max_size=5)).map(
        lambda put: put[0][: put[1]] + put[2] + put[0][put[1] :]
    ),
)


@given(TEXTS)
def test_a_parser_reads_or_refuses_and_never_breaks(text: str) -> None:
    for parse in PARSERS:
        try:
            told = parse(text)
        except CannotRead:
            continue
        assert isinstance(told, (Told, tuple))


@given(st.binary(max_size=400))
def test_any_bytes_are_an_entry_of_the_menu_or_none(data: bytes) -> None:
    found = desktop_entries.parse(data, "x.desktop")
    assert found is None or desktop_entries.WORDS.search(found.name)


# -- asking ----------------------------------------------------------------------------------------------------------


def test_every_module_says_which_columns_it_answers() -> None:
    columns = {name for name in Told.__dataclass_fields__ if name not in ("basis", "notes")}
    named = {*vendors.LINUX.values(), *vendors.DARWIN.values()}
    assert named == {module.name for module in pkgutil.iter_modules(vendors.__path__)}
    for name in named:
        module = importlib.import_module(f"{vendors.__name__}.{name}")
        assert module.ANSWERS and set(module.ANSWERS) <= columns
        programs = getattr(module, "PROGRAMS", ())
        assert all(program.startswith("/") for program in programs), "never along PATH"


@pytest.mark.parametrize("name", sorted({*vendors.LINUX.values(), *vendors.DARWIN.values()}))
def test_a_product_that_cannot_be_asked_leaves_its_columns_open_and_says_so(name: str) -> None:
    machine = RecordedMachine(of_files(Uname("Linux", "pc", "6.1", "x86_64"), {"/etc/x": b""}, 0), whole=True)
    told, answers = vendors.ask("x", {"x": name}, machine)
    assert told is not None
    open_columns = {column for column in answers if getattr(told, column) is None}
    noted = {note.column for note in told.notes}
    # What a product merely does not mention (no mark that it was switched off) is no failure.
    assert noted and noted <= open_columns


def test_falconctl_is_not_asked_without_root() -> None:
    said = of_files(Uname("Linux", "pc", "6.1", "x86_64"), {"/etc/x": b""}, 0)
    said.privileged = False
    with pytest.raises(Denied):
        crowdstrike.ask(RecordedMachine(said, whole=True))


def test_one_question_that_fails_leaves_the_others() -> None:
    def fails() -> Told:
        raise CannotRead("timed_out", "x")

    told = vendors.together((lambda: Told(version="1.0", basis=("asked:x",)), ("version",)), (fails, ("realtime",)))
    assert (told.version, told.basis, [(n.code, n.column) for n in told.notes]) == (
        "1.0",
        ("asked:x",),
        [("timed_out", "realtime")],
    )
