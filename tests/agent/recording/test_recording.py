"""A recording answers as the PC did, goes through a file unchanged, and names nobody."""

from __future__ import annotations

import json
import zlib

import pytest

from muster_agent.collect import collect_table
from muster_agent.commands.check import described
from muster_agent.facts import TABLES, Problem
from muster_agent.machine import CannotRead, Denied, Listing, NotFound, Output, Process, Socket, Stat, Uname
from muster_agent.recording import NotRecorded, RecordedMachine, Recorder, Recording, SimulatedMachine, of_files
from muster_agent.recording.file import NotARecording, from_json, to_json
from muster_agent.recording.redaction import redacted
from muster_agent.recording.reduction import packed, reduced, unpacked

UNAME = Uname("Linux", "zhangsan-pc.office.gov.cn", "6.1.0-40-amd64", "x86_64")
STATUS = b"""Package: jq
Status: install ok installed
Maintainer: Zhang San <zhangsan@office.gov.cn>
Architecture: amd64
Version: 1.6-2.1
Description: something
 long

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1.0

"""


def everything() -> Recording:
    """One of each kind of answer and of failure."""
    return Recording(
        "linux",
        UNAME,
        False,
        files={
            "/etc/text": "第一行\nsecond\n".encode(),
            "/etc/no-newline": b"x",
            "/etc/empty": b"",
            "/etc/binary": bytes(range(256)),
            "/etc/hostile": "\x1b[2J\x00\u202eabc\u2028\r\n\t".encode(),
            "/etc/shadow": Denied("/etc/shadow"),
            "/etc/none": NotFound("/etc/none"),
            "/etc/large": CannotRead("too_large", "/etc/large"),
        },
        starts={"/var/lib/clamav/daily.cvd": b"ClamAV-VDB:21 Nov 2026"},
        folders={"/etc": ("a", "\udcff name"), "/root": Denied("/root")},
        stats={"/etc": Stat(4096, 1763977812)},
        programs={
            ("/usr/bin/x", "-o", "a b"): Output(100, b"out\n", b"\xff"),
            ("/usr/bin/y",): CannotRead("timed_out", "/usr/bin/y"),
            ("/usr/bin/z",): CannotRead("not_built", "run", "unsupported"),
        },
        processes=Listing((Process(1, "systemd", None),), False, Problem("denied", "processes_hidden", "/proc")),
        sockets=Listing((Socket("tcp", "ipv6", "::", 22, None, None),), True),
    )


def plain(recording: Recording) -> dict[str, object]:
    """Everything in it, failures as what they say: two exceptions are never equal."""

    def of(answer: object) -> object:
        if isinstance(answer, dict):
            return {key: of(value) for key, value in answer.items()}
        return (type(answer), answer.problem()) if isinstance(answer, CannotRead) else answer

    return {name: of(value) for name, value in vars(recording).items()}


# -- the file --------------------------------------------------------------------------------------------------------


def test_a_recording_comes_back_from_its_file_as_it_was() -> None:
    text = to_json(everything())
    assert plain(from_json(text)) == plain(everything())
    assert to_json(from_json(text)) == text


def test_a_file_shows_text_as_lines_and_lets_nothing_act_on_a_terminal() -> None:
    text = to_json(everything())
    text.encode("utf-8")  # no half of a surrogate pair in it
    assert '"第一行",' in text
    for active in "\x1b\x00\u202e\u2028\r\t\udcff":
        assert active not in text
    assert json.loads(text)["files"]["/etc/hostile"][0].startswith("\x1b[2J")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "null", '{"format": 2}', '{"format": 1, "platform": "linux"}', to_json(everything())[:-100]],
)
def test_what_is_no_recording_is_refused(text: str) -> None:
    with pytest.raises(NotARecording):
        from_json(text)


def test_a_recording_of_another_form_says_which() -> None:
    with pytest.raises(NotARecording, match="format 2 instead of 1"):
        from_json(to_json(everything()).replace('"format": 1', '"format": 2'))


def test_a_damaged_answer_is_refused() -> None:
    said = json.loads(to_json(everything()))
    for damage in ({"base64": "%%%"}, {"text": "x"}, 7, None):
        said["files"]["/etc/text"] = damage
        with pytest.raises(NotARecording):
            from_json(json.dumps(said))


# -- the machines ----------------------------------------------------------------------------------------------------


def test_a_recorded_machine_answers_and_fails_as_the_pc_did() -> None:
    machine = RecordedMachine(from_json(to_json(everything())))
    assert machine.read("/etc/no-newline") == b"x"
    assert machine.listdir("/etc") == ["a", "\udcff name"]
    assert machine.stat("/etc").mtime == 1763977812
    assert machine.run(["/usr/bin/x", "-o", "a b"]).status == 100
    assert machine.exists("/etc") is True
    assert (machine.uname(), machine.privileged()) == (UNAME, False)
    with pytest.raises(Denied):
        machine.read("/etc/shadow")
    with pytest.raises(NotFound):
        machine.read("/etc/none")
    with pytest.raises(CannotRead, match="timed_out"):
        machine.run(["/usr/bin/y"])
    with pytest.raises(CannotRead, match="too_large"):
        machine.read("/etc/binary", limit=255)


def test_a_question_nobody_recorded_is_no_answer_of_the_pc() -> None:
    machine = RecordedMachine(everything())
    for question in (machine.read, machine.listdir, machine.stat, machine.exists):
        with pytest.raises(NotRecorded):
            question("/etc/other")
    with pytest.raises(NotRecorded):
        machine.run(["/usr/bin/x"])
    assert not issubclass(NotRecorded, CannotRead)
    assert ("files", "/etc/other") in machine.missing
    assert collect_table(machine, "boot").problem is not None


def test_what_nobody_asked_for_is_known() -> None:
    machine = RecordedMachine(everything())
    machine.read("/etc/text")
    machine.processes()
    assert ("files", "/etc/text") not in machine.unasked()
    assert {("files", "/etc/empty"), ("sockets", ""), ("programs", ("/usr/bin/y",))} <= machine.unasked()


def test_a_recorder_passes_everything_on_and_writes_it_down() -> None:
    recorder = Recorder(RecordedMachine(everything()))
    assert recorder.read("/etc/text").startswith("第一行".encode())
    with pytest.raises(Denied):
        recorder.read("/etc/shadow")
    assert list(recorder.read_chunks("/etc/binary")) == [bytes(range(256))]
    with pytest.raises(CannotRead, match="program_failed"):
        list(recorder.run_chunks(["/usr/bin/x", "-o", "a b"]))
    assert recorder.read_start("/var/lib/clamav/daily.cvd", 6) == b"ClamAV"
    assert not recorder.processes().complete
    wrote = plain(recorder.recording)
    assert wrote["files"] == {
        key: plain(everything())["files"][key] for key in ("/etc/text", "/etc/shadow", "/etc/binary")
    }
    replay = RecordedMachine(recorder.recording)
    with pytest.raises(CannotRead, match="program_failed"):
        list(replay.run_chunks(["/usr/bin/x", "-o", "a b"]))


def test_a_pc_made_of_files_has_their_folders_and_nothing_else() -> None:
    machine = RecordedMachine(of_files(UNAME, {"/etc/apt/x": b"1", "/var/y": b"22"}, 7), whole=True)
    assert machine.listdir("/") == ["etc", "var"]
    assert machine.listdir("/etc/apt") == ["x"]
    assert machine.stat("/var/y") == Stat(2, 7)
    for question in (machine.read, machine.listdir, machine.stat):
        with pytest.raises(NotFound):
            question("/usr")
    assert machine.exists("/usr") is False
    with pytest.raises(NotFound):
        machine.run(["/usr/bin/apt-get"])


def test_a_simulated_pc_answers_every_table() -> None:
    files = {"/etc/os-release": b"ID=debian\nVERSION_ID=12\n", "/var/lib/dpkg/status": STATUS}
    machine = SimulatedMachine(UNAME, files, processes=[Process(1, "systemd", None)])
    for table in TABLES:
        problem = collect_table(machine, table).problem
        assert problem is None or problem.code != "collector_failed", (table, problem)
    assert [row.name for row in collect_table(machine, "packages").rows or ()] == ["jq"]


# -- what is left out ------------------------------------------------------------------------------------------------


def test_a_reduced_recording_holds_what_is_read_and_no_more() -> None:
    listed = b"Package: jq\nVersion: 1.7\nFilename: x\n\nPackage: other\nVersion: 1\n\n"
    history = (
        b"Start-Date: 2026-11-23  10:00:00\nCommandline: apt-get install secret-tool\nRequested-By: zhangsan (1000)\n"
        b"Upgrade: jq:amd64 (1.5, 1.6)\nEnd-Date: 2026-11-23  10:00:09\n\n"
    )
    helper = ("/usr/lib/apt/apt-helper", "cat-file", "/var/lib/apt/lists/x_Packages.lz4")
    small = reduced(
        Recording(
            "linux",
            UNAME,
            True,
            files={
                "/var/lib/dpkg/status": STATUS,
                "/var/lib/apt/lists/x_Packages": listed,
                "/var/log/apt/history.log": history,
                "/var/log/apt/history.log.1.gz": packed(history),
                "/proc/cpuinfo": b"processor\t: 0\nflags\t\t: sse\nmodel name\t: X\n",
                "/etc/apt/apt.conf.d/50x": b'// ask zhangsan\n#clear A::B;\nA::B "http://x//y"; // why\n',
                "/etc/other": b"as it is",
            },
            starts={
                "/var/lib/apt/lists/x_InRelease": b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n"
                b"Origin: Debian\nSHA256:\n abc 1 main\nDate: Sat, 21 Nov 2026 00:53:02 UTC\n"
            },
            programs={helper: Output(0, listed, b"")},
        )
    )
    short = b"Start-Date: 2026-11-23  10:00:00\nUpgrade: \nEnd-Date: 2026-11-23  10:00:09\n\n\n"
    assert small.files == {
        "/var/lib/dpkg/status": b"Package: jq\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.6-2.1\n\n"
        b"Package: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1.0\n\n\n",
        "/var/lib/apt/lists/x_Packages": b"Package: jq\nVersion: 1.7\n",
        "/var/log/apt/history.log": short,
        "/var/log/apt/history.log.1.gz": packed(short),
        "/proc/cpuinfo": b"processor\t: 0\nmodel name\t: X\n",
        "/etc/apt/apt.conf.d/50x": b'#clear A::B;\nA::B "http://x//y"; // why\n',
        "/etc/other": b"as it is",
    }
    assert small.starts == {
        "/var/lib/apt/lists/x_InRelease": b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n"
        b"Origin: Debian\nDate: Sat, 21 Nov 2026 00:53:02 UTC\n"
    }
    assert small.programs[helper] == Output(0, b"Package: jq\nVersion: 1.7\n", b"")


def test_a_damaged_or_enormous_packed_log_is_left_as_it_is() -> None:
    bomb = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    data = b"".join([*(bomb.compress(bytes(2**20)) for _ in range(70)), bomb.flush()])  # above FILE_LIMIT
    assert len(data) < 100_000
    assert unpacked(data) is None
    small = reduced(
        Recording("linux", UNAME, True, files={"/var/log/dpkg.log.1.gz": data, "/var/log/dpkg.log.2.gz": b"x"})
    )
    assert small.files == {"/var/log/dpkg.log.1.gz": data, "/var/log/dpkg.log.2.gz": b"x"}


# -- who is not named ------------------------------------------------------------------------------------------------

UUID = "4C4C4544-0035-4210-8056-B8C04F4D5A32"
SECRETS = [
    UUID,
    "zhangsan",
    "office.gov.cn",
    "s3cret",
    "00:50:56:a1:b2:c3",
    "0123456789abcdef0123456789abcdef",
    "PF2X7Q9L",
]


def identifying() -> Recording:
    """A PC that tells who it is wherever it can."""
    log = b"2026-11-23 10:00:00 upgrade jq:amd64 1.5 1.6 by zhangsan-pc\n"
    return Recording(
        "linux",
        UNAME,
        True,
        files={
            "/etc/os-release": b"ID=debian\n",
            "/etc/apt/sources.list": b"deb https://zhangsan:s3cret@mirror.cn/debian bookworm main\n"
            b"deb [trusted=yes] file:/home/zhangsan/repo ./\ndeb http://ZHANGSAN-PC/x y z\n",
            "/etc/apt/apt.conf.d/proxy": b'Acquire::http::Proxy "http://zhangsan:s3cret@10.1.1.1:3128/";\n',
            "/sys/class/dmi/id/product_uuid": UUID.lower().encode() + b"\n",
            "/sys/class/dmi/id/product_serial": b"PF2X7Q9L\n",
            "/etc/machine": b"0123456789abcdef0123456789abcdef\n00:50:56:A1:B2:C3 and 00-50-56-a1-b2-c3\n",
            "/var/log/dpkg.log.1.gz": packed(log),
            "/etc/latin1": b"\xff zhangsan-pc.office.gov.cn",
        },
        folders={
            "/etc/systemd/system": (f"luks\\x2d{UUID.replace('-', chr(92) + 'x2d')}.service", "zhangsan-pc.timer")
        },
        stats={"/home/zhangsan/.config": Stat(1, 1), "/home/lisi": Stat(1, 1)},
        programs={("/usr/bin/x", "zhangsan-pc"): Output(0, UUID.encode(), b"/home/zhangsan/x not found")},
        processes=Listing((Process(1, "x", "/home/zhangsan/bin/x"),), True),
        sockets=Listing((Socket("udp", "ipv6", "fe80::250:56ff:fea1:b2c3", 546, None, "/home/lisi/y"),), True),
    )


def test_nothing_in_a_redacted_recording_names_the_pc_or_its_user() -> None:
    shown, _ = redacted(identifying())
    text = to_json(shown)
    text += (unpacked(shown.files["/var/log/dpkg.log.1.gz"]) or b"").decode()
    text += shown.files["/etc/latin1"].decode("latin-1")
    for secret in SECRETS:
        assert secret.lower() not in text.lower(), secret
    assert "250:56ff:fea1:b2c3" not in text


def test_the_same_thing_has_the_same_placeholder_everywhere() -> None:
    shown, redaction = redacted(identifying())
    assert shown.uname.node == "host-1"
    assert shown.files["/etc/apt/sources.list"] == (
        b"deb https://login-1@mirror.cn/debian bookworm main\ndeb [trusted=yes] file:/home/user-1/repo ./\n"
        b"deb http://host-1/x y z\n"
    )
    assert shown.files["/etc/apt/apt.conf.d/proxy"] == b'Acquire::http::Proxy "http://login-1@10.1.1.1:3128/";\n'
    assert set(shown.stats) == {"/home/user-1/.config", "/home/user-2"}
    assert shown.programs == {
        ("/usr/bin/x", "host-1"): Output(0, b"00000000-0000-4000-8000-000000000001", b"/home/user-1/x not found")
    }
    assert shown.files["/sys/class/dmi/id/product_uuid"] == b"00000000-0000-4000-8000-000000000001\n"
    assert shown.files["/sys/class/dmi/id/product_serial"] == b"SERIAL-1\n"
    assert set(redaction.counts) >= {"host", "uuid", "serial", "user", "login", "mac", "machine"}
    assert (redaction.counts["login"], redaction.counts["serial"]) == (2, 1)
    assert to_json(redacted(identifying())[0]) == to_json(shown)


def test_a_redacted_machine_still_has_a_serial_number_and_a_uuid() -> None:
    """A placeholder of ours must not look like what a maker leaves behind who filled in nothing."""
    files = {
        "/proc/cpuinfo": b"processor\t: 0\n",
        "/proc/meminfo": b"MemTotal: 8 kB\n",
        "/sys/class/dmi/id/product_uuid": UUID.encode(),
        "/sys/class/dmi/id/product_serial": b"PF2X7Q9L\n",
    }
    shown, _ = redacted(of_files(UNAME, files, 0))
    row = (collect_table(RecordedMachine(shown, whole=True), "system_info").rows or ())[0]
    assert (row.uuid, row.hardware_serial) == ("00000000-0000-4000-8000-000000000001", "SERIAL-1")


@pytest.mark.parametrize("host", ["debian", "jq", "localhost", "x86_64", "linux", "pc", "1234"])
def test_a_name_that_is_a_word_of_the_system_is_replaced_in_its_place_only(host: str) -> None:
    """A host called debian identifies nobody, and replacing the word everywhere would make another system of it."""
    files = {"/etc/os-release": b"ID=debian\nNAME=linux\n", "/var/lib/dpkg/status": STATUS, "/x": b"1234 pc x86_64"}
    recording = of_files(Uname("Linux", host, "6.1", "x86_64"), files, 0)
    shown, redaction = redacted(recording)
    assert shown.files == recording.files
    assert shown.uname.node == "host-1"
    assert redaction.counts["host"] == 1


def test_what_a_maker_left_unfilled_and_what_only_looks_alike_stays() -> None:
    files = {
        "/sys/class/dmi/id/product_uuid": b"00000000-0000-0000-0000-000000000000\n",
        "/sys/class/dmi/id/product_serial": b"To be filled by O.E.M.\n",
        "/x": b"https://mirror.cn/a@b /homework/x AA:BB:CC:DD:EE:FF:00:11 12:34:56 2001:db8::1",
    }
    shown, redaction = redacted(of_files(UNAME, files, 0))
    assert shown.files == files
    assert sum(redaction.counts.values()) == 1  # the host name


def test_a_recording_reduced_and_redacted_gives_the_same_tables() -> None:
    files = {
        "/etc/os-release": b"ID=debian\nVERSION_ID=12\n",
        "/var/lib/dpkg/status": STATUS,
        "/etc/apt/sources.list": b"deb http://a:b@mirror.cn/debian bookworm main\n",
        "/var/lib/apt/lists/mirror.cn_debian_dists_bookworm_main_binary-amd64_Packages": b"Package: jq\nVersion: 1.7\n",
        "/var/lib/apt/lists/mirror.cn_debian_dists_bookworm_Release": b"Origin: Debian\nSuite: stable\n",
    }
    whole = of_files(UNAME, files, 0, processes=Listing((), True), sockets=Listing((), True))
    # The architecture of the PC is that of dpkg.
    whole.files["/var/lib/dpkg/status"] = STATUS + STATUS.replace(b"jq", b"dpkg")
    tables = ("updates", "packages", "os_version")

    def said(recording: Recording) -> dict[str, object]:
        machine = RecordedMachine(recording, whole=True)
        return described({name: collect_table(machine, name) for name in tables})

    assert said(redacted(reduced(whole))[0]) == said(whole)
    assert [row["name"] for row in said(whole)["updates"]["rows"]] == ["jq"]
