"""The agent on this PC: what the PC's own tools say, as root and as anybody, on the oldest Python, within its means."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from muster_agent.collect.listening_ports import linux as listening_ports
from muster_agent.commands.check import described
from muster_agent.commands.record import tables_of
from muster_agent.facts import TABLES
from muster_agent.local import LocalMachine
from muster_agent.recording import RecordedMachine
from muster_agent.recording.file import from_json

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="collectors are built for Linux so far")
AGENT = Path(__file__).resolve().parents[2] / "agent"
# Only agent/ on the path, nothing of site-packages (-S), nothing of the environment (-I).
START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from muster_agent.cli import main; sys.exit(main())"
TRIES = 4  # somebody else may open a port or install something between two looks


def check(python: str = sys.executable, agent: Path = AGENT, **more: Any) -> dict[str, Any]:
    """What ``muster-agent check --json`` says of this PC, by table."""
    argv = [python, "-I", "-S", "-B", "-c", START, str(agent), "check", "--json"]
    run = subprocess.run(argv, capture_output=True, timeout=120, cwd="/", **more)
    assert run.returncode in (0, 3), run.stderr.decode()
    assert run.stderr == b""
    tables: dict[str, Any] = json.loads(run.stdout)["tables"]
    assert list(tables) == list(TABLES)
    return tables


def same_twice(one: Any, other: Any) -> bool:
    """Whether two looks see the same, within a few tries."""
    return any(one() == other() for _ in range(TRIES))


# -- ports -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def opened() -> Iterator[set[tuple[str, str, int]]]:
    """Sockets of every kind: (protocol, address, port)."""
    wanted = [
        (socket.AF_INET, socket.SOCK_STREAM, "0.0.0.0"),
        (socket.AF_INET, socket.SOCK_STREAM, "127.0.0.1"),
        (socket.AF_INET, socket.SOCK_DGRAM, "0.0.0.0"),
        (socket.AF_INET, socket.SOCK_DGRAM, "127.0.0.1"),
    ]
    if Path("/proc/net/tcp6").exists():
        wanted += [
            (socket.AF_INET6, socket.SOCK_STREAM, "::"),
            (socket.AF_INET6, socket.SOCK_STREAM, "::1"),
            (socket.AF_INET6, socket.SOCK_STREAM, "::ffff:127.0.0.1"),
            (socket.AF_INET6, socket.SOCK_DGRAM, "::"),
            (socket.AF_INET6, socket.SOCK_DGRAM, "::1"),
        ]
    with ExitStack() as open_sockets:
        found = set()
        for family, kind, address in wanted:
            own = open_sockets.enter_context(socket.socket(family, kind))
            if address == "::":
                own.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                own.bind((address, 0))
            except OSError:
                continue  # IPv6 is switched off here
            if kind == socket.SOCK_STREAM:
                own.listen()
            found.add(("tcp" if kind == socket.SOCK_STREAM else "udp", address, own.getsockname()[1]))
        yield found


def by_ss() -> set[tuple[str, str, int]]:
    """What ss shows: [::]:22, *:22 (both families), 127.0.0.1:22, [fe80::1]%eth0:546."""
    run = subprocess.run(["ss", "-H", "-lntu"], stdout=subprocess.PIPE, check=True, timeout=30)
    found = set()
    for line in run.stdout.decode().splitlines():
        protocol, _, _, _, local, *_ = line.split()
        address, _, port = local.rpartition(":")
        address = address.partition("%")[0].strip("[]")
        found.add((protocol, "::" if address == "*" else address, int(port)))
    return found


def by_agent() -> set[tuple[str | None, str | None, int | None]]:
    """What the table shows."""
    return {(row.protocol, row.address, row.port) for row in listening_ports.collect(LocalMachine()).rows or ()}


@pytest.mark.skipif(shutil.which("ss") is None, reason="needs ss (iproute2), the truth this test compares with")
def test_listening_ports_are_those_ss_shows(opened: set[tuple[str, str, int]]) -> None:
    assert opened <= by_ss()
    assert opened <= by_agent()
    assert same_twice(by_agent, by_ss), (by_agent() - by_ss(), by_ss() - by_agent())


def test_our_own_sockets_are_named_after_our_program(opened: set[tuple[str, str, int]]) -> None:
    rows = listening_ports.collect(LocalMachine()).rows or ()
    scopes = {"0.0.0.0": "network", "::": "network"}
    for protocol, address, port in opened:
        [row] = [row for row in rows if (row.protocol, row.address, row.port) == (protocol, address, port)]
        assert row.path == os.path.realpath(sys.executable)
        assert row.scope == scopes.get(address, "loopback")
        assert row.family == ("ipv6" if ":" in address else "ipv4")


# -- the whole of it -------------------------------------------------------------------------------------------------


def test_an_unchanged_pc_says_the_same_twice() -> None:
    assert same_twice(check, check)


def test_what_is_recorded_here_replays_and_does_not_name_this_pc(tmp_path: Path) -> None:
    argv = [sys.executable, "-I", "-S", "-B", "-c", START, str(AGENT), "--lang", "en", "record", str(tmp_path / "here")]
    run = subprocess.run(argv, capture_output=True, timeout=120, cwd="/")
    assert (run.returncode, run.stderr) == (0, b"")
    recording = from_json((tmp_path / "here/recording.json").read_text("utf-8"))
    expected = json.loads((tmp_path / "here/expected.json").read_text("utf-8"))
    machine = RecordedMachine(recording)
    assert described(tables_of(machine, list(TABLES))) == expected
    assert not machine.unasked()
    assert recording.uname.node == "host-1"
    assert f'"{socket.gethostname()}"' not in (tmp_path / "here/recording.json").read_text("utf-8")


MEASURE = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def test_a_whole_check_stays_small() -> None:
    """Below 60 MB, whatever it starts included (RUSAGE_CHILDREN: the largest of them)."""
    argv = [sys.executable, "-I", "-S", "-B", "-c", START, str(AGENT), "check", "--json"]
    run = subprocess.run([sys.executable, "-I", "-c", MEASURE, *argv], stdout=subprocess.PIPE, timeout=120, cwd="/")
    status, kibibytes = map(int, run.stdout.split())
    assert status in (0, 3)
    assert 1024 < kibibytes < 60 * 1000 * 1000 / 1024


WATCH = """
import sys
def watch(event, arguments):
    if event.startswith("socket.") and event not in ("socket.__new__", "socket.gethostname"):
        print(event, arguments, file=sys.stderr)
    if event == "subprocess.Popen":
        print("program", arguments[0], *arguments[1][1:], file=sys.stderr)
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & 0o3:
        print("write", arguments[0], file=sys.stderr)
    if event in ("os.mkdir", "os.remove", "os.rename", "os.chmod", "os.truncate", "os.system", "os.exec"):
        print(event, arguments, file=sys.stderr)
sys.addaudithook(watch)
"""
# subprocess gives a program /dev/null to read from, and opens it for both.
ALLOWED = (
    r"program /usr/lib/apt/apt-helper cat-file \S+|program /usr/bin/apt-get .* -s upgrade|"
    r"program /usr/bin/apt-cache .* policy .*|write /dev/null|"
    r"program (?:/usr)?/s?bin/(?:ssh -V|smbd --version|sestatus|getstatus)|"
    r"program (?:/usr)?/s?bin/(?:ip -4 -o addr show|nft -j list ruleset|ip6?tables-(?:legacy-|nft-)?save|"
    r"ufw status verbose|firewall-cmd --list-all-zones|ksc-defender --firewall --status|systemctl status .*|"
    r"cryptsetup luksDump \S+|net conf list|ss -lntup[46])"
)


def test_a_check_uses_no_network_writes_nothing_and_starts_apt_only() -> None:
    """By the interpreter's own audit events (PEP 578): every connection, file opened to write, and program."""
    argv = [sys.executable, "-I", "-S", "-B", "-c", WATCH + START, str(AGENT), "check", "--json"]
    run = subprocess.run(argv, capture_output=True, timeout=120, cwd="/")
    assert run.returncode in (0, 3)
    for event in run.stderr.decode().splitlines():
        assert re.fullmatch(ALLOWED, event), event


def test_the_watch_sees_what_it_watches_for(tmp_path: Path) -> None:
    act = f"import os, socket; socket.socket(); os.mkdir({str(tmp_path / 'x')!r}); open({str(tmp_path / 'y')!r}, 'w')\n"
    act += "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('127.0.0.1', 9))"
    run = subprocess.run([sys.executable, "-I", "-W", "ignore", "-c", WATCH + act], stderr=subprocess.PIPE, timeout=30)
    seen = [line.split()[0] for line in run.stderr.decode().splitlines()]
    assert seen == ["os.mkdir", "write", "socket.connect"]


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="needs root and unshare")
def test_a_check_needs_no_network() -> None:
    argv = ["unshare", "-n", sys.executable, "-I", "-S", "-B", "-c", START, str(AGENT), "check", "--json"]
    for _ in range(TRIES):
        run = subprocess.run(argv, capture_output=True, timeout=120, cwd="/")
        if b"unshare" in run.stderr:
            pytest.skip("this machine lets nobody make a network of its own")
        alone, usual = json.loads(run.stdout)["tables"], check()
        assert alone.pop("listening_ports")["rows"] == alone.pop("routes")["rows"] == []
        # A network of one's own has cards, addresses and rules of its own.
        for name in ("listening_ports", "routes", "interface_addresses", "firewall"):
            usual.pop(name)
            alone.pop(name, None)
        if alone == usual:
            break
    assert alone == usual


# -- as anybody ------------------------------------------------------------------------------------------------------


def starts(python: str, version: str = "") -> bool:
    """Whether ``python`` runs, and is of that version."""
    try:
        run = subprocess.run([python, "-I", "-S", "--version"], capture_output=True, timeout=30)
    except OSError:
        return False
    return run.returncode == 0 and run.stdout.decode().startswith("Python " + (version or "3"))


def python_for_everyone() -> str | None:
    """A Python that any user may start, for which the agent is made."""
    for place in ("/usr/bin/python3", "/usr/local/bin/python3"):
        if Path(place).exists() and starts(place):
            return place
    return None


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to look once as root and once as an ordinary user")
def test_an_ordinary_user_never_sees_absent_where_root_sees_something(public: Path) -> None:
    python = python_for_everyone()
    if python is None:
        pytest.skip("no Python here that every user may start")
    shutil.copytree(AGENT, public / "agent", ignore=shutil.ignore_patterns("__pycache__"))
    for _ in range(TRIES):
        before = check(python, public / "agent")
        seen = check(python, public / "agent", user=65534, group=65534, extra_groups=[])
        if check(python, public / "agent") == before:
            break
    for name, by_root in before.items():
        table = seen[name]
        if table["status"] != "ok":
            assert table["rows"] is None, f"{name} has rows and a problem"
            assert table["problem"]["status"] in ("denied", by_root["status"]), name
            continue
        noted = {note.get("column") for note in table["notes"]}
        if None in noted and name in ("firewall", "shared_resources"):
            continue  # it says that rows may be missing: root alone sees rules, and the shares users made
        hidden = {row_key(name, row, noted) for row in table["rows"]}
        for row in by_root["rows"]:
            assert row_key(name, row, noted) in hidden, (name, row, table["notes"])


def row_key(table: str, row: dict[str, Any], noted: set[str | None]) -> str:
    """A row without the columns that a note calls incomplete, and without the basis, which names less to a user."""
    columns = {column: value for column, value in row.items() if column not in noted}
    if table in ("antivirus", "firewall"):
        columns.pop("basis", None)
    return json.dumps(columns, sort_keys=True)


# -- the oldest Python -----------------------------------------------------------------------------------------------


def python37() -> str | None:
    """A Python 3.7 that starts: on the path (a shim may be there and start nothing), or of pyenv."""
    places = [
        shutil.which("python3.7"),
        *map(str, sorted((Path.home() / ".pyenv/versions").glob("3.7*/bin/python3.7"))),
    ]
    return next((place for place in places if place and starts(place, "3.7")), None)


def test_python_3_7_says_the_same_with_nothing_installed() -> None:
    python = python37()
    if python is None:
        pytest.skip("no Python 3.7 here; 统信 UOS 20 ships 3.7.3")
    assert same_twice(lambda: check(python), check)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_python_3_7_prints_the_same_words(lang: str) -> None:
    python = python37()
    if python is None:
        pytest.skip("no Python 3.7 here; 统信 UOS 20 ships 3.7.3")

    def printed(interpreter: str) -> list[str]:
        argv = [interpreter, "-I", "-S", "-B", "-c", START, str(AGENT), "--lang", lang, "check"]
        run = subprocess.run(argv, capture_output=True, timeout=120, cwd="/", env={"LC_ALL": "C.UTF-8"})
        assert run.stderr == b""
        return run.stdout.decode("utf-8").splitlines()[1:]  # the first line has the time

    assert same_twice(lambda: printed(python), lambda: printed(sys.executable))


def test_a_c_locale_costs_characters_and_never_the_run() -> None:
    argv = [sys.executable, "-I", "-S", "-B", "-X", "utf8=0", "-c", START, str(AGENT), "--lang", "zh", "check"]
    run = subprocess.run(argv, capture_output=True, timeout=120, cwd="/", env={"LC_ALL": "POSIX"})
    assert (run.returncode in (0, 3), run.stderr) == (True, b"")
    argv[-1:] = ["check", "--json", "--table", "antivirus", "--table", "os_version"]
    run = subprocess.run(
        argv, capture_output=True, timeout=120, cwd="/", env={"LC_ALL": "POSIX", "PYTHONIOENCODING": "gbk"}
    )
    json.loads(run.stdout.decode("ascii"))


def test_nothing_in_the_agent_needs_more_than_python_3_7() -> None:
    vermin = Path(sys.executable).with_name("vermin")
    if not vermin.exists():
        pytest.skip("vermin is not installed beside this Python")
    run = subprocess.run(
        [vermin, "-t=3.7-", "--no-tips", "--processes=1", "-vv", AGENT / "muster_agent"],
        stdout=subprocess.PIPE,
        timeout=300,
    )
    said = run.stdout.decode()
    assert run.returncode == 0, said
    assert "Minimum required versions: 3.7" in said
    assert "keys.py" in said
