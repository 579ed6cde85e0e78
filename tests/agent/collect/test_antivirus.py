"""Protection products: what counts as there, as running and as fresh, and what is unknown rather than no.

ClamAV in all its states on a real PC is in antivirus/linux-*; these are the products and faults we do not have here.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from muster_agent.collect.antivirus import clamav, desktop_entries, linux
from muster_agent.facts import Antivirus, Problem, Table
from muster_agent.machine import CannotRead, Denied, Listing, Output, Process, Stat, Uname
from muster_agent.recording import RecordedMachine, Recording, of_files
from muster_agent.recording.reduction import reduced

HIDDEN = Problem("denied", "processes_hidden", "/proc")
DPKG = "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21\n"


def package(name: str, version: str = "1.0", status: str = "install ok installed") -> str:
    """A paragraph of dpkg's database."""
    return f"Package: {name}\nStatus: {status}\nArchitecture: amd64\nVersion: {version}\n"


def recording(
    *packages: str,
    files: dict[str, bytes] | None = None,
    processes: tuple[Process, ...] = (),
    hidden: Problem | None = None,
    privileged: bool = True,
) -> Recording:
    """A PC with these packages, files and processes."""
    status = "\n".join([DPKG, *packages]).encode()
    found = of_files(
        Uname("Linux", "pc", "6.1.0-37-amd64", "x86_64"),
        {"/var/lib/dpkg/status": status, "/opt/.keep": b"", **(files or {})},
        0,
        processes=Listing(processes, hidden is None, hidden),
        sockets=Listing((), True),
    )
    return replace(found, privileged=privileged)


def collect(said: Recording) -> Table:
    """The table of that PC."""
    return linux.collect(RecordedMachine(said, whole=True))


def only(table: Table) -> Antivirus:
    """The one row of a table."""
    assert table.rows is not None
    [row] = table.rows
    assert isinstance(row, Antivirus)
    return row


def noted(table: Table) -> set[tuple[str, str | None]]:
    """(code, column) of the notes."""
    return {(note.code, note.column) for note in table.notes}


CLAMD = Process(7, "clamd", "/usr/sbin/clamd")
CLAMAV = package("clamav-daemon", "1.4.3+dfsg-1~deb12u1")


@pytest.mark.parametrize("name", ["clamd", "pmd", "cma", "avast", "edr_agent"])
def test_the_name_of_a_process_alone_is_no_product(name: str) -> None:
    table = collect(recording(processes=(Process(9, name, f"/usr/bin/{name}"),)))
    assert table.rows == ()
    assert table.notes == ()


@pytest.mark.parametrize("folder", ["/tmp", "/home/someone", "/dev/shm", "/var/tmp"])
def test_a_program_of_the_right_name_in_a_users_folder_is_not_the_product(folder: str) -> None:
    row = only(collect(recording(CLAMAV, processes=(Process(9, "clamd", f"{folder}/clamd"),))))
    assert (row.running, row.realtime) == (False, False)


def test_a_process_of_another_user_counts_by_its_name() -> None:
    """Who is not root sees its name and not its file."""
    row = only(collect(recording(CLAMAV, processes=(replace(CLAMD, path=None),), privileged=False)))
    assert row.running is True


def test_a_scan_started_by_hand_is_no_running_protection() -> None:
    scanning = Process(9, "clamscan", "/usr/bin/clamscan")
    files = {"/usr/bin/clamscan": b""}
    row = only(collect(recording(package("clamav"), files=files, processes=(scanning,))))
    assert (row.running, row.realtime) == (False, False)


def test_on_access_without_the_daemon_checks_nothing() -> None:
    row = only(collect(recording(CLAMAV, processes=(Process(8, "clamonacc", "/usr/sbin/clamonacc"),))))
    assert (row.running, row.realtime) == (False, False)


def test_hidden_processes_leave_running_unknown() -> None:
    """Mount option hidepid: absence is not seen, so it is not claimed."""
    table = collect(recording(CLAMAV, hidden=HIDDEN))
    row = only(table)
    assert (row.running, row.realtime) == (None, None)
    assert {("processes_hidden", "running"), ("processes_hidden", "realtime")} <= noted(table)


def test_what_is_seen_among_hidden_processes_is_seen() -> None:
    table = collect(recording(CLAMAV, processes=(CLAMD,), hidden=HIDDEN))
    assert (only(table).running, only(table).realtime) == (True, None)


HUORONG = {"/opt/apps/cn.huorong.esm/files/bin/hrd": b""}


@pytest.mark.parametrize(
    ("processes", "privileged", "running"),
    [
        ((Process(5, "hrd", "/opt/apps/cn.huorong.esm/files/bin/hrd"),), False, True),
        ((Process(5, "hrd", None),), False, None),
        ((), True, False),
    ],
    ids=["seen", "files-of-processes-not-shown", "not-there"],
)
def test_a_product_without_known_process_names_is_known_by_its_folder(
    processes: tuple[Process, ...], privileged: bool, running: bool | None
) -> None:
    table = collect(recording(files=HUORONG, processes=processes, privileged=privileged))
    row = only(table)
    assert (row.id, row.type, row.running) == ("huorong-esm", "av", running)
    assert (("owner_hidden", "running") in noted(table)) is (running is None)


def test_a_neighbouring_folder_is_not_the_products() -> None:
    processes = (Process(5, "x", "/opt/apps/cn.huorong.esm.old/bin/x"),)
    assert only(collect(recording(files=HUORONG, processes=processes))).running is False


def test_an_active_service_runs_whatever_its_processes_are_called() -> None:
    files = {
        "/lib/systemd/system/cybereason-sensor.service": b"[Unit]\n",
        "/sys/fs/cgroup/system.slice/cybereason-sensor.service/cgroup.procs": b"88\n",
    }
    row = only(collect(recording(files=files, privileged=False)))
    assert (row.id, row.type, row.running) == ("cybereason", "edr", True)
    assert row.basis == "service:cybereason-sensor active:cybereason-sensor"


def test_what_a_product_does_not_tell_is_unknown_and_said() -> None:
    table = collect(recording(files={"/opt/COMODO/.keep": b""}, processes=(Process(3, "cmgdaemon", "/opt/COMODO/x"),)))
    row = only(table)
    assert (row.id, row.type, row.running) == ("comodo", "av", True)
    assert (row.realtime, row.signatures_date, row.registered) == (None, None, None)
    assert noted(table) == {("product_not_asked", "realtime"), ("product_not_asked", "signatures_date")}


def test_a_program_that_does_not_answer_leaves_its_columns_unknown_and_says_why() -> None:
    said = recording(files={"/opt/CrowdStrike/falconctl": b""}, processes=(Process(3, "falcon-sensor", None),))
    said.programs["/opt/CrowdStrike/falconctl", "-g", "--rfm-state", "--version"] = CannotRead("timed_out", "falconctl")
    table = collect(said)
    assert (only(table).running, only(table).realtime, only(table).version) == (True, None, None)
    assert {("timed_out", "realtime"), ("timed_out", "version")} <= noted(table)
    assert ("product_does_not_tell", "signatures_date") in noted(table)


def test_what_is_told_does_not_stand_against_what_is_seen() -> None:
    """Every process of the PC could be looked at and none is the product's: its settings may say what they like."""
    files = {"/opt/bitdefender-security-tools/bin/bduitool": b""}
    said = recording(files=files)
    answer = b"Product version: 7.0.3\nEngines version: 7.9\nFeatures:\n  - Antimalware status: On\n"
    said.programs["/opt/bitdefender-security-tools/bin/bduitool", "get", "ps"] = Output(0, answer, b"")
    row = only(collect(said))
    assert (row.running, row.realtime, row.version, row.signatures_version) == (False, False, "7.0.3", "7.9")


# -- ClamAV without a package ----------------------------------------------------------------------------------------


def test_clamav_from_source_tells_its_own_version() -> None:
    said = recording(files={"/usr/local/bin/clamscan": b""})
    said.programs["/usr/local/bin/clamscan", "--version"] = Output(
        0, b"ClamAV 1.4.3/28046/Mon Jun 29 03:27:20 2026\n", b""
    )
    assert only(collect(said)).version == "1.4.3"


def test_clamav_that_does_not_answer_has_no_version() -> None:
    table = collect(recording(files={"/usr/local/bin/clamscan": b""}))
    assert only(table).version is None
    assert ("not_found", "version") in noted(table)


# -- the age of signatures by files ----------------------------------------------------------------------------------

QAXSAFE = package("qaxsafe", "8.0.5")


def qaxsafe(files: dict[str, int]) -> Table:
    """The table of a PC with 网神 and these files of these ages."""
    said = recording(QAXSAFE, files={"/opt/qaxsafe/qaxsafed": b"", **dict.fromkeys(files, b"")})
    for path, age in files.items():
        said.stats[path] = Stat(0, age)
    return collect(said)


def test_logs_and_settings_do_not_make_signatures_fresh() -> None:
    """They are of today on every running PC."""
    row = only(
        qaxsafe(
            {
                "/opt/qaxsafe/data/virusdb/main.vdb": 1790000000,
                "/opt/qaxsafe/data/virusdb/update.log": 1795400000,
                "/opt/qaxsafe/data/virusdb/conf.ini": 1795400000,
                "/opt/qaxsafe/log/today": 1795400000,
                "/opt/qaxsafe/bin/engine.so": 1795400000,
            }
        )
    )
    assert row.signatures_date == "2026-09-21T14:13:20Z"
    assert "estimated:/opt/qaxsafe/data/virusdb/main.vdb" in (row.basis or "")


def test_without_a_folder_of_signatures_their_age_is_unknown() -> None:
    table = qaxsafe({"/opt/qaxsafe/log/today": 1795400000})
    assert only(table).signatures_date is None
    assert ("not_found", "signatures_date") in noted(table)


# -- the menu of the desktop -----------------------------------------------------------------------------------------


def entry(name: str, program: str = "/opt/apps/x/files/x") -> bytes:
    """A .desktop file."""
    return f"[Desktop Entry]\nType=Application\nName=X\nName[zh_CN]={name}\nExec={program} %U\n".encode()


@pytest.mark.parametrize("name", ["江民杀毒软件", "景云网络防病毒系统", "某某终端安全管理系统", "某某安全卫士"])
def test_a_product_nobody_knows_is_seen_in_the_menu(name: str) -> None:
    table = collect(recording(files={"/usr/share/applications/x.desktop": entry(name)}))
    row = only(table)
    assert (row.id, row.name, row.type, row.running) == (None, name, None, None)
    assert noted(table) == {("product_not_in_catalogue", "type")}


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/usr/share/applications/x.desktop", entry("计算器")),
        ("/usr/share/applications/x.txt", entry("江民杀毒软件")),
        ("/usr/share/applications/x.desktop", b"[Desktop Entry]\nName=X\nComment[zh_CN]=\xe6\x9d\x80\xe6\xaf\x92\n"),
        ("/usr/share/applications/x.desktop", "[Desktop Action Scan]\nName[zh_CN]=全盘杀毒\n".encode()),
        ("/usr/share/applications/x.desktop", "[Desktop Entry]\nName=杀毒软件\n".encode("gbk")),
    ],
)
def test_what_only_speaks_of_protection_is_no_product(path: str, data: bytes) -> None:
    assert collect(recording(files={path: data})).rows == ()


def test_a_product_the_catalogue_knows_is_not_seen_twice() -> None:
    files = {
        **HUORONG,
        "/usr/share/applications/a.desktop": entry("火绒终端安全管理系统", "/usr/bin/hr"),
        "/opt/apps/cn.huorong.esm/entries/applications/b.desktop": entry("终端安全"),
        "/usr/share/applications/c.desktop": entry("终端安全", "/opt/apps/cn.huorong.esm/files/bin/c"),
    }
    assert only(collect(recording(files=files))).id == "huorong-esm"


def test_other_kinds_of_products_stand_with_their_kind() -> None:
    files = {"/var/ossec/bin/x": b"", "/usr/sbin/ksc-defender": b""}
    table = collect(recording(files=files))
    assert {(row.id, row.type) for row in table.rows or ()} == {("wazuh", "hids"), ("kylin-ksc", "os")}


def test_two_products_are_two_rows() -> None:
    table = collect(recording(CLAMAV, files=HUORONG))
    assert [row.id for row in table.rows or ()] == ["clamav", "huorong-esm"]


def test_a_folder_that_may_not_be_searched_means_rows_may_be_missing() -> None:
    said = recording(CLAMAV)
    said.stats["/opt/traps"] = Denied("/opt/traps")
    table = collect(said)
    assert only(table).id == "clamav"
    assert ("denied", None) in noted(table)


def test_without_a_package_database_the_search_is_incomplete_and_goes_on() -> None:
    said = recording(files=HUORONG)
    said.files["/var/lib/dpkg/status"] = Denied("/var/lib/dpkg/status")
    table = collect(said)
    assert only(table).id == "huorong-esm"
    assert ("denied", None) in noted(table)


def test_processes_that_cannot_be_listed_are_a_problem_of_the_table() -> None:
    said = recording(CLAMAV)
    said.processes = CannotRead("not_built", "processes", "unsupported")
    with pytest.raises(CannotRead, match="not_built"):
        collect(said)


# -- signatures ------------------------------------------------------------------------------------------------------


def header(version: int, stime: int, built: str = "21 Nov 2026 09-26 -0500") -> bytes:
    """The head of a signature file."""
    return f"ClamAV-VDB:{built}:{version}:2078123:90:{'0' * 32}:sig:builder:{stime}".encode().ljust(512) + b"\x1f\x8b"


def with_signatures(files: dict[str, bytes]) -> Table:
    """The table of a PC with ClamAV and these signature files."""
    return collect(recording(CLAMAV, files=files))


def test_the_newest_daily_file_tells_how_fresh_it_is() -> None:
    """freshclam leaves daily.cld beside an older daily.cvd; main is years old on every PC."""
    row = only(
        with_signatures(
            {
                "/var/lib/clamav/daily.cvd": header(27800, 1794000000),
                "/var/lib/clamav/daily.cld": header(27824, 1795271160),
                "/var/lib/clamav/main.cvd": header(62, 1631795562),
            }
        )
    )
    assert (row.signatures_version, row.signatures_date) == ("27824", "2026-11-21T14:26:00Z")
    assert (row.basis or "").endswith("signatures:daily.cld:27824 signatures:daily.cvd:27800 signatures:main.cvd:62")


def test_a_header_without_seconds_is_read_by_its_text() -> None:
    row = only(with_signatures({"/var/lib/clamav/daily.cvd": header(27824, 0)}))
    assert row.signatures_date == "2026-11-21T14:26:00Z"


def test_main_alone_says_nothing_of_freshness() -> None:
    table = with_signatures({"/var/lib/clamav/main.cvd": header(62, 1631795562)})
    assert only(table).signatures_date is None
    assert {("not_found", "signatures_date"), ("not_found", "signatures_version")} <= noted(table)


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"ClamAV-VDB:",
        b"not a signature file at all".ljust(600),
        b"ClamAV-VDB:x:y:z:90:0:0:0:1795271160".ljust(512),
        b"ClamAV-VDB:never:27824:1:90:0:0:0:0".ljust(512),
        b"ClamAV-VDB:21 Nov 2026 09-26 -0500:27824:1:90:0:0:0:99999999999999999999".ljust(512),
        b"\xff\xfe" * 256,
    ],
)
def test_a_damaged_header_is_unknown_and_never_a_date(damaged: bytes) -> None:
    table = with_signatures({"/var/lib/clamav/daily.cvd": damaged})
    assert only(table).signatures_date is None
    assert ("not_understood", "signatures_date") in noted(table)


def test_signatures_lie_where_clamav_is_told_to_keep_them() -> None:
    row = only(
        with_signatures(
            {
                "/etc/clamav/clamd.conf": b"# DatabaseDirectory /wrong\nDatabaseDirectory /srv/clamav/\n",
                "/srv/clamav/daily.cld": header(27824, 1795271160),
                "/var/lib/clamav/daily.cvd": header(1, 1300000000),
            }
        )
    )
    assert row.signatures_version == "27824"


def test_the_date_of_signatures_is_utc() -> None:
    assert clamav.Signatures("daily.cvd", 1, 0).date == "1970-01-01T00:00:00Z"


@pytest.mark.parametrize("name", ["江民杀毒软件", "计算器"])
def test_a_recording_keeps_of_the_menu_what_is_read_of_it(name: str) -> None:
    path = "/usr/share/applications/x.desktop"
    whole = (
        entry(name)
        + b"Icon=x\nComment[de]=Noch etwas\nName[de]=Etwas\nMimeType=a;b;\n[Desktop Action A]\nName[zh_CN]=B\n"
    )
    said = reduced(recording(files={path: whole}))
    kept = said.files[path]
    assert isinstance(kept, bytes)
    assert desktop_entries.parse(kept, path) == desktop_entries.parse(whole, path)
    assert b"Noch" not in kept and b"Etwas" not in kept
