"""What hostile answers brought to light, one example each, so that it stays mended."""

from __future__ import annotations

import threading
import time
from dataclasses import fields, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from recorded import COLLECT, Question, answering, breaches, collected

from muster_agent.collect.antivirus.vendors import bitdefender, mdatp
from muster_agent.collect.interface_addresses import linux_addresses
from muster_agent.collect.listening_ports.scope import scope
from muster_agent.collect.routes import linux as linux_routes
from muster_agent.collect.settings.linux_kysec import parse_getstatus
from muster_agent.collect.shared_resources import darwin as sharing
from muster_agent.facts import Problem, Table
from muster_agent.limits import within_limits
from muster_agent.machine import CannotRead, Denied, Listing, Output, Socket, Stat, Uname
from muster_agent.recording import RecordedMachine, Recording, SimulatedMachine
from muster_agent.recording.file import from_json
from muster_agent.sending.http import Unreachable, post
from muster_agent.sending.report import SignedReport, body_of
from muster_agent.system import logrotate, openrc, osrelease, pam, procfs, smb_conf, sshd, sysv
from muster_agent.system.accounts import sudoers
from muster_agent.system.deb import history, simulation, sources
from muster_agent.system.launchd import launchctl
from muster_agent.system.rpm import cache
from muster_agent.system.rpm.history import last_in_yum_log
from muster_agent.system.systemd import systemctl, unit
from muster_agent.system.wua.automatic import NOWHERE
from muster_server.receive.body import decode

CONTROL = "HKLM\\SYSTEM\\CurrentControlSet"
LATE = CannotRead("timed_out", "x")


def recorded(name: str) -> Recording:
    """One recorded machine."""
    return from_json((COLLECT / name / "recording.json").read_text("utf-8"))


def values(name: str, question: Question, answer: Any, column: str) -> set[Any]:
    """The values of a column once a question has another answer; the table is one of the contract all the same."""
    table = name.partition("/")[0]
    found = collected(answering(recorded(name), question, answer), table)
    assert list(breaches(table, found)) == []
    return {getattr(row, column) for row in found.rows or ()}


# -- a question that is refused makes no fact ------------------------------------------------------------------------

PAUSE_OVER = "update_status/windows-11-pause-over-by-hand"
PROVIDER = "HKLM\\SOFTWARE\\Microsoft\\Security Center\\Provider\\Av\\{7DD32F47-5C8A-1F3C-9DB1-6A0A5C2D5A11}"
CRYPTSETUP = ("/usr/sbin/cryptsetup", "luksDump", "/dev/nvme0n1p3")
LISTS = "/var/lib/apt/lists/deb.debian.org_debian"
SECURITY = f"{LISTS}-security_dists_bookworm-security_main_binary-amd64_Packages.lz4"
FILTERS = f"{CONTROL}\\Control\\Class\\{{71a27cdd-812a-11d0-bec7-08002be2092f}}"
REFUSED: list[tuple[str, Question, Any, str, set[Any]]] = [
    # Its settings say that it checks files, and nobody could see that it does not run.
    ("antivirus/darwin-15-eset-stopped-by-hand", ("processes", ""), LATE, "realtime", {None}),
    # Whose registration it is that could not be read, nobody knows.
    ("antivirus/windows-10-huorong-by-hand", ("values", PROVIDER), LATE, "registered", {True, None}),
    # The programs in /Applications run whether or not the folder may be listed.
    ("remote_access/darwin-todesk-running-by-hand", ("folders", "/Applications"), LATE, "running", {True}),
    # A volume on its way to being encrypted is not encrypted because cryptsetup hung.
    (
        "disk_encryption/linux-luks-encrypting-root-by-hand",
        ("programs", CRYPTSETUP),
        LATE,
        "encrypted",
        {None, False},
    ),
    ("disk_encryption/windows-10-veracrypt-by-hand", ("values", FILTERS), {"UpperFilters": b"v"}, "encrypted", {None}),
    # Without the list of security updates no pending update is known to be none.
    ("updates/linux-held", ("programs", ("/usr/lib/apt/apt-helper", "cat-file", SECURITY)), LATE, "security", {None}),
    # The pause may be over by now.
    (PAUSE_OVER, ("apis", ("PowerShell",)), LATE, "automatic", {None}),
    # People have numbers from 500 on here.
    ("users/linux-aarch64-by-hand", ("files", "/etc/login.defs"), LATE, "type", {"system", None}),
]


@pytest.mark.parametrize(("name", "question", "answer", "column", "expected"), REFUSED, ids=[r[0] for r in REFUSED])
def test_what_could_not_be_asked_is_not_known(
    name: str, question: Question, answer: Any, column: str, expected: set[Any]
) -> None:
    assert values(name, question, answer, column) <= expected


def test_a_unit_that_cannot_be_read_may_be_masked_by_its_emptiness() -> None:
    name, question = "services/linux-uos-20-by-hand", ("files", "/etc/systemd/system/empty.service")
    unreadable = answering(recorded(name), question, Denied(question[1]))
    starts = {row.name: row.start_type for row in collected(unreadable, "services").rows or ()}
    assert starts["empty"] is None
    empty = answering(unreadable, ("stats", question[1]), Stat(0, 0))
    assert {row.name: row.start_type for row in collected(empty, "services").rows or ()}["empty"] == "DISABLED"
    full = answering(unreadable, ("stats", question[1]), Stat(20, 0))
    assert {row.name: row.start_type for row in collected(full, "services").rows or ()}["empty"] == "DEMAND_START"


def test_a_file_that_could_not_be_looked_for_is_not_there() -> None:
    """On Windows what is denied is there; any other failure says nothing, and a note says that."""
    name, path = "remote_access/windows-10-denied-by-hand", "C:\\Program Files (x86)\\AnyDesk\\AnyDesk.exe"
    late = collected(answering(recorded(name), ("stats", path), CannotRead("timed_out", path)), "remote_access")
    assert "anydesk" not in {row.id for row in late.rows or ()}
    assert Problem("error", "timed_out", path) in late.notes
    denied = collected(answering(recorded(name), ("stats", path), Denied(path)), "remote_access")
    assert "anydesk" in {row.id for row in denied.rows or ()}


def test_a_folder_of_programs_that_may_not_be_entered_is_said() -> None:
    name, folder = "packages/darwin-14-by-hand", "/Applications/Utilities"
    found = collected(answering(recorded(name), ("folders", folder), Denied(folder)), "packages")
    assert Denied(folder).problem() in found.notes


def test_a_version_that_may_not_be_read_is_said() -> None:
    name, file = "remote_access/darwin-denied-by-hand", "/Applications/TeamViewer.app/Contents/Info.plist"
    found = collected(answering(recorded(name), ("files", file), Denied(file)), "remote_access")
    assert Denied(file).problem("version") in found.notes


@pytest.mark.parametrize(
    "parse",
    [
        openrc.rc_update,
        openrc.rc_status,
        sysv.chkconfig,
        sysv.initctl,
        systemctl.list_unit_files,
        systemctl.list_units,
    ],
)
def test_nothing_at_all_is_no_list_of_services(parse: Any) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        parse("")


def test_an_apt_that_prints_nothing_does_not_say_that_nothing_is_pending() -> None:
    name = "updates/linux-pinned"
    [asked] = [argv for argv in recorded(name).programs if argv[-2:] == ("-s", "upgrade")]
    found = collected(answering(recorded(name), ("programs", asked), Output(0, b"", b"")), "updates")
    assert "not_understood" in {note.code for note in found.notes}


def test_a_cryptsetup_that_was_killed_has_not_said_that_the_header_is_elsewhere() -> None:
    name, question = "disk_encryption/linux-luks-encrypting-root-by-hand", ("programs", CRYPTSETUP)
    assert True not in values(name, question, Output(-9, b"", b""), "encrypted")
    assert True in values(name, question, Output(1, b"", b"Device x is not a valid LUKS device.\n"), "encrypted")


# -- a report of one odd value is one the server takes ---------------------------------------------------------------

LATER = 10**30
OF_SYSTEM = "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"
LISTENER = f"{CONTROL}\\Control\\Terminal Server\\WinStations\\RDP-Tcp"
LOG = f"{CONTROL}\\Services\\EventLog\\Security"
STAMP = "/var/lib/apt/periodic/update-success-stamp"
GROUP = ("NetLocalGroupGetMembers", "S-1-5-32-544")
WINDOWS_11 = {"CurrentBuild": "26100", "CurrentMajorVersionNumber": True, "CurrentMinorVersionNumber": -1}
ODD: list[tuple[str, Question, Any, str]] = [
    ("os_version/windows-11-24h2-by-hand", ("apis", ("GetNativeSystemInfo",)), {"architecture": 7}, "arch"),
    ("os_version/windows-11-24h2-by-hand", ("values", OF_SYSTEM), WINDOWS_11, "major"),
    ("system_info/windows-desktop-by-hand", ("apis", ("GlobalMemoryStatusEx",)), True, "physical_memory"),
    ("system_info/darwin-14-by-hand", ("apis", ("sysctl", "hw.memsize")), -1, "physical_memory"),
    ("system_info/darwin-14-by-hand", ("apis", ("sysctl", "hw.model")), "", "hardware_model"),
    ("boot/darwin-14-by-hand", ("apis", ("sysctl", "kern.boottime")), LATER, "boot_time"),
    ("boot/darwin-14-by-hand", ("apis", ("sysctl", "kern.bootsessionuuid")), "", "boot_id"),
    ("boot/linux-debian-12", ("files", "/proc/sys/kernel/random/boot_id"), b"\n", "boot_id"),
    ("settings/windows-11-managed-by-hand", ("values", LISTENER), {"PortNumber": 70_000}, "rdp_port"),
    ("settings/windows-10-screen-savers-by-hand", ("values", LOG), {"MaxSize": -1}, "log_max_size"),
    ("settings/windows-11-managed-by-hand", ("apis", ("GetOldestEventLogRecord", "Security")), 7, "log_oldest"),
    ("settings/windows-11-managed-by-hand", ("apis", ("GetOldestEventLogRecord", "Security")), LATER, "log_oldest"),
    ("update_status/linux-no-logs", ("stats", STAMP), Stat(0, LATER), "metadata_date"),
    ("update_status/linux-no-logs", ("stats", STAMP), Stat(0, 253_402_300_800), "metadata_date"),
    ("users/windows-10-alone-by-hand", ("apis", ("GetSystemTimeAsFileTime",)), {"odd": 1}, "password_changed"),
    ("users/windows-10-alone-by-hand", ("apis", ("GetSystemTimeAsFileTime",)), LATER, "password_changed"),
]


@pytest.mark.parametrize(("name", "question", "answer", "column"), ODD, ids=[f"{odd[0]}-{odd[3]}" for odd in ODD])
def test_an_odd_value_is_not_known(name: str, question: Question, answer: Any, column: str) -> None:
    assert values(name, question, answer, column) <= {None}


def test_a_member_without_identity_does_not_make_everybody_an_ordinary_user() -> None:
    assert values("users/windows-10-alone-by-hand", ("apis", GROUP), [{"odd": 1}], "administrator") <= {True, None}


@pytest.mark.parametrize(
    ("name", "question", "answer"),
    [
        ("interface_addresses/darwin-14-by-hand", ("apis", ("getifaddrs",)), ["odd"]),
        ("interface_addresses/darwin-14-by-hand", ("apis", ("getifaddrs",)), [{"odd": 1}]),
        ("interface_addresses/windows-11-every-type-by-hand", ("apis", ("GetAdaptersAddresses",)), [{"odd": 1}]),
        (
            "interface_addresses/windows-11-every-type-by-hand",
            ("apis", ("GetAdaptersAddresses",)),
            [{"name": "a", "addresses": [None]}],
        ),
        ("shared_resources/windows-7-guest-on-by-hand", ("apis", ("NetShareEnum",)), [{"type": 0, "name": None}]),
        (
            "shared_resources/windows-7-guest-on-by-hand",
            ("apis", ("NetShareEnum",)),
            [{"type": 0, "name": "a", "path": 1}],
        ),
    ],
)
def test_rows_of_another_shape_are_none(name: str, question: Question, answer: Any) -> None:
    found = collected(answering(recorded(name), question, answer), name.partition("/")[0])
    assert found.problem is not None and found.problem.code == "not_understood"


def test_a_route_without_interface_is_said_and_the_others_stay() -> None:
    name, question = "routes/windows-11-two-ways-out-by-hand", ("apis", ("GetIpForwardTable2",))
    said = recorded(name).apis[("GetIpForwardTable2",)]
    assert isinstance(said, list)
    odd = [*said, {**said[0], "interface": None, "metric": True}]
    found = collected(answering(recorded(name), question, odd), "routes")
    assert list(breaches("routes", found)) == []
    assert found.rows == collected(recorded(name), "routes").rows
    assert "not_understood" in {note.code for note in found.notes}


def test_a_socket_without_address_is_not_understood() -> None:
    with pytest.raises(CannotRead, match=r"not_understood: 1\.2\.3"):
        scope("1.2.3")
    sockets = Listing((Socket("tcp", "ipv4", "", 22, None, None),), True)
    pc = RecordedMachine(Recording("linux", Uname("Linux", "pc", "6.1", "x86_64"), True, sockets=sockets))
    assert collected(pc, "listening_ports").problem is not None


def test_a_value_of_another_type_does_not_silence_the_pc() -> None:
    """Should a collector let one through all the same."""
    boot = collected(recorded("boot/linux-debian-12"), "boot").rows or ()
    odd = Table(tuple(replace(row, boot_id=["x"], boot_time=True) for row in boot))
    bounded = within_limits(odd)
    assert [(note.code, note.column) for note in bounded.notes] == [
        ("not_understood", "boot_id"),
        ("not_understood", "boot_time"),
    ]
    assert [getattr(row, f.name) for row in bounded.rows or () for f in fields(row)] == [None, None]
    decode(body_of({"boot": bounded}, ()))


def test_no_calendar_is_left() -> None:
    assert bitdefender.moment("9999-12-31 at 23:59:59 GMT-99") is None
    assert bitdefender.moment("0001-01-01 at 00:00:00") is None
    for late in (LATER, 2**62, -1):
        with pytest.raises(CannotRead, match="not_understood"):
            cache.moment(late)
        with pytest.raises(CannotRead, match="not_understood"):
            last_in_yum_log("Nov 28 10:20:30 Updated: x", late)
    digits = "٢٠٢٥-٠١-٠١"  # of Arabic: \\d takes them
    assert history.last_in_dpkg_log(f"{digits} 10:00:00 upgrade a:all 1 2\n") is None
    assert history.last_in_apt_history(f"Start-Date: {digits}\nUpgrade: a\n") is None
    shadow = b"root:!:999999999:0:99999:7:::\n"
    name = "users/linux-aarch64-by-hand"
    assert None in values(name, ("files", "/etc/shadow"), shadow, "password_changed")


# -- a long answer takes no longer for being odd ---------------------------------------------------------------------

MANY = 200_000
BLANKS = " " * MANY
QUICK: dict[str, Any] = {
    "sshd: Include": lambda: sshd.included(RecordedMachine(recorded("boot/linux-debian-12"), whole=True))(
        "/etc/ssh/" + "[" * MANY
    ),
    "logrotate": lambda: logrotate.parse("/var/log/" + "[" * MANY + " {\ndaily\n}\n", lambda path: []).of("/var/log/x"),
    "getstatus": lambda: parse_getstatus("KySec" + BLANKS + "x"),
    "sharing": lambda: sharing.parse("List of Share Points\n" + BLANKS + "x" + BLANKS + "\0"),
    "sudoers": lambda: sudoers.parse("a" + BLANKS + "b ALL=ALL\n", lambda path: "", lambda path: []),
    "mdatp": lambda: mdatp.facts("healthy : true" + BLANKS + "x"),
    "apt-get": lambda: simulation.INST.match("Inst a [1] (2 o " + "[" * MANY),
    "launchctl": lambda: launchctl.listed("PID\tStatus\tLabel\n-\t0\ta" + BLANKS + "\0"),
    "rc-status": lambda: openrc.STATE.match("a [ a" + BLANKS + "\0"),
    "SuSE-release": lambda: osrelease.parse_release(
        "openSUSE 13.1 (x86_64)\nVERSION = 13.1\nCODENAME = a" + BLANKS + "\0"
    ),
    "chkconfig": lambda: sysv.chkconfig("xinetd:" * (MANY // 7) + "x"),
    "WUServer": lambda: NOWHERE.match(BLANKS + "x"),
    "a continued line": lambda: unit.parse("a \\\n" * MANY),
    "a setting again and again": lambda: unit.parse("[Unit]\n" + "After=a\n" * MANY),
}


@pytest.mark.parametrize("reader", QUICK.values(), ids=QUICK)
def test_a_long_answer_takes_a_short_time(reader: Any) -> None:
    begun = time.process_time()
    try:
        reader()
    except CannotRead as error:
        assert error.code == "not_understood"
    assert time.process_time() - begun < 1


def test_brackets_within_brackets_are_no_answer_and_no_report() -> None:
    """json goes as deep as they do, and Python no deeper than a thousand."""
    deep = b"[" * 50_000
    with pytest.raises(ValueError, match="not a signed report"):
        SignedReport.from_json(deep)

    class Portal(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(deep)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Portal) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        with pytest.raises(Unreachable, match="not_muster"):
            post(f"http://127.0.0.1:{server.server_port}", "/", b"", {})


INCLUDES: dict[str, Any] = {
    "smb.conf": lambda: smb_conf.parse("include = /a\n" * 3, lambda path: "include = /a\n" * 3),
    "sshd_config": lambda: sshd.parse("Include /a\n" * 3, lambda path: [(path, "Include /a\n" * 3)]),
    "logrotate.conf": lambda: logrotate.parse("include /a\n" * 3, lambda path: ["include /a\n" * 3]),
    "sudoers": lambda: sudoers.parse("@include /a\n" * 3, lambda path: "@include /a\n" * 3, lambda path: []),
}


@pytest.mark.parametrize("reader", INCLUDES.values(), ids=INCLUDES)
def test_a_file_that_includes_itself_three_times_is_read_no_three_to_the_sixteenth_times(reader: Any) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        reader()


def test_services_that_ask_each_other_again_and_again_are_not_understood() -> None:
    stacks = {f"/etc/pam.d/s{n}": f"auth include s{n + 1}\n".encode() * 5 for n in range(15)}
    with pytest.raises(CannotRead, match="not_understood"):
        pam.stack(
            SimulatedMachine(Uname("Linux", "pc", "6.1", "x86_64"), {**stacks, "/etc/pam.d/s15": b""}), "s0", "auth"
        )


def test_an_alias_of_aliases_is_looked_up_once() -> None:
    chain = ":".join(f"A{number}=A{number + 1},A{number + 1},A{number + 1}" for number in range(40))
    found = sudoers.parse(f"User_Alias {chain}:A40=somebody\nA0 ALL=(ALL) ALL\n", lambda path: "", lambda path: [])
    assert found.administrators == {"somebody"}


def test_four_thousand_addresses_of_four_thousand_suites_are_no_sources() -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        list(sources.deb822("Types: deb\nURIs: http://a\nSuites: x\n" * 4000, "amd64"))


@pytest.mark.parametrize(
    "parse",
    [
        lambda: linux_addresses.printed("2: eth0    inet 12700.0.1/8 scope host\n"),
        lambda: linux_addresses.printed("2: eth0    inet 127.0.0.1/64 scope host\n"),
        lambda: linux_addresses.of_trie("|-- 999.0.0.1\n      /32 host LOCAL\n", ""),
        lambda: linux_addresses.inet6("fe80" + "0" * 27 + "1 02 -1 20 80 eth0\n"),
        lambda: linux_routes.ipv6(f"{'0' * 32} -1 {'0' * 32} 00 {'0' * 31}1 00000400 0 0 00000003 eth0\n"),
        lambda: linux_routes.ipv4("\0\0\0"),
        lambda: procfs.listening("tcp", ""),
        lambda: linux_routes.ipv4("Iface\neth0 00000000 0100A8C0 0003 0 0 -1 00000000 0 0 0\n"),
    ],
)
def test_tables_of_the_network_are_what_the_kernel_prints_or_not_understood(parse: Any) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        parse()


def test_a_system_that_calls_itself_by_a_megabyte_is_too_large() -> None:
    name = "os_version/linux-debian-12"
    begun = time.process_time()
    found = collected(answering(recorded(name), ("files", "/etc/os-release"), b"ID=" + b"x" * 1_000_000), "os_version")
    assert found.problem == CannotRead("too_large", "/etc/os-release").problem()
    assert time.process_time() - begun < 1
