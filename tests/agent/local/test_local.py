"""Nothing on a PC hangs the agent, floods its memory or runs in its name (security.md B70-B74)."""

from __future__ import annotations

import os
import re
import resource
import socket
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from muster_agent.local import LocalMachine
from muster_agent.machine import CannotRead, Denied, NotFound
from muster_agent.system.deb import paragraphs

QUICK = 3.0  # seconds: far below every limit of the agent, far above what any of these needs
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become an ordinary user")


@pytest.fixture
def machine() -> LocalMachine:
    """This PC."""
    return LocalMachine()


def script(folder: Path, text: str) -> str:
    """A program."""
    path = folder / "program"
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return str(path)


def refused(question: Callable[[], object]) -> CannotRead:
    """Why the question had no answer; it must say so quickly."""
    begun = time.monotonic()
    with pytest.raises(CannotRead) as raised:
        question()
    assert time.monotonic() - begun < QUICK
    return raised.value


def alive(pid: int) -> bool:
    """Whether the process still runs."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def gone(pid: int) -> bool:
    """Whether the process ends within a second."""
    for _ in range(100):
        if not alive(pid):
            return True
        time.sleep(0.01)
    return False


def as_nobody(question: Callable[[], bool]) -> bool:
    """What ``question`` answers when an ordinary user asks it."""
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        try:
            answer = question()
        except BaseException:
            answer = False
        os._exit(0 if answer else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# -- files -----------------------------------------------------------------------------------------------------------


def test_B72_a_fifo_is_not_waited_for(machine: LocalMachine, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for question in (
        machine.read,
        lambda path: machine.read_start(path, 10),
        lambda path: list(machine.read_chunks(path)),
    ):
        assert refused(lambda ask=question: ask(str(tmp_path / "fifo"))).code == "not_regular_file"


def test_B72_neither_devices_nor_sockets_nor_folders_are_read(machine: LocalMachine, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(tmp_path / "socket"))
        for path in ("/dev/zero", "/dev/null", "/dev/random", str(tmp_path / "socket"), str(tmp_path)):
            assert refused(lambda path=path: machine.read(path)).code == "not_regular_file"


def test_B72_a_device_behind_a_link_is_not_read_either(machine: LocalMachine, tmp_path: Path) -> None:
    (tmp_path / "status").symlink_to("/dev/zero")
    assert refused(lambda: machine.read(str(tmp_path / "status"))).code == "not_regular_file"


def test_a_loop_of_links_is_a_failure_and_not_an_absent_file(machine: LocalMachine, tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    for question in (machine.read, machine.listdir, machine.stat, machine.exists):
        error = refused(lambda ask=question: ask(str(tmp_path / "a")))
        assert error.code == "system_error"
        assert not isinstance(error, NotFound)


def test_B72_a_file_of_a_gigabyte_costs_neither_time_nor_memory(machine: LocalMachine, tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.touch()
    os.truncate(path, 2**30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert refused(lambda: machine.read(str(path))).code == "too_large"
    assert refused(lambda: machine.read(str(path), limit=1000)).code == "too_large"
    assert machine.read_start(str(path), 3) == b"\0\0\0"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024  # KiB; FILE_LIMIT is 64 MiB


def test_B72_a_line_of_a_hundred_megabytes_is_refused_as_it_comes(machine: LocalMachine, tmp_path: Path) -> None:
    """A list of apt without an end of line: it is read in pieces, and no more of it than any real paragraph has."""
    path = tmp_path / "archive_dists_x_Packages"
    path.touch()
    os.truncate(path, 100 * 2**20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for read in (
        lambda: list(paragraphs.split(machine.read_chunks(str(path)), str(path))),
        lambda: list(paragraphs.of_packages(machine.read_chunks(str(path)), {b"dpkg"}, str(path))),
    ):
        assert refused(read).code == "not_understood"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024  # KiB


def test_names_that_are_no_text_are_listed_and_can_be_asked_for(machine: LocalMachine, tmp_path: Path) -> None:
    for name in (b"\xb2\xe2\xca\xd4", b"a\nb", b"\x1b[31m", "科室".encode()):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(name)
    for name in machine.listdir(str(tmp_path)):
        assert machine.read(f"{tmp_path}/{name}") == os.fsencode(name)
    assert isinstance(refused(lambda: machine.read(f"{tmp_path}/\ud83d")), (NotFound, CannotRead))


def test_a_folder_in_place_of_a_file_and_a_file_in_place_of_a_folder(machine: LocalMachine, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "fifo")
    assert refused(lambda: machine.read_start(str(tmp_path), 10)).code == "not_regular_file"
    for name in ("file", "fifo"):
        assert isinstance(refused(lambda name=name: machine.listdir(str(tmp_path / name))), NotFound)
    assert refused(lambda: machine.readlink(str(tmp_path / "file"))).code == "not_a_link"


def test_a_file_of_exactly_the_limit_is_read_and_one_byte_more_is_not(machine: LocalMachine, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 1000)
    assert machine.read(str(tmp_path / "file"), limit=1000) == b"x" * 1000
    assert refused(lambda: machine.read(str(tmp_path / "file"), limit=999)).code == "too_large"


def test_what_is_not_there_is_not_found(machine: LocalMachine, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "none", tmp_path / "file" / "below"):
        for question in (machine.read, machine.listdir, machine.stat):
            assert isinstance(refused(lambda ask=question, path=path: ask(str(path))), NotFound)
        assert machine.exists(str(path)) is False
    assert isinstance(refused(lambda: machine.read("/etc/\0passwd")), NotFound)


@root_only
def test_what_may_not_be_read_is_denied_and_never_absent(machine: LocalMachine, public: Path) -> None:
    (public / "closed").mkdir(mode=0o700)
    (public / "closed" / "file").touch()
    (public / "secret").touch(mode=0o600)

    def denied(question: Callable[[], object]) -> bool:
        try:
            question()
        except Denied:
            return True
        return False

    closed, secret = public / "closed", public / "secret"
    assert as_nobody(lambda: denied(lambda: machine.read(str(secret))))
    assert as_nobody(lambda: denied(lambda: machine.listdir(str(closed))))
    assert as_nobody(lambda: denied(lambda: machine.stat(str(closed / "file"))))
    assert as_nobody(lambda: denied(lambda: machine.exists(str(closed / "file"))))
    assert as_nobody(lambda: denied(lambda: machine.run([str(secret)])))
    assert as_nobody(lambda: not machine.privileged())


def test_names_come_sorted(machine: LocalMachine, tmp_path: Path) -> None:
    for name in ("b", "a", "C"):
        (tmp_path / name).touch()
    assert machine.listdir(str(tmp_path)) == ["C", "a", "b"]


# -- programs --------------------------------------------------------------------------------------------------------


def test_what_a_program_prints_comes_with_its_status(machine: LocalMachine, tmp_path: Path) -> None:
    output = machine.run([script(tmp_path, 'echo "$1"; echo bad >&2; exit 3'), "a b; $(id)"])
    assert (output.status, output.stdout, output.stderr) == (3, b"a b; $(id)\n", b"bad\n")


def test_pieces_of_a_program_that_fails_are_not_taken_for_the_whole(machine: LocalMachine, tmp_path: Path) -> None:
    pieces = machine.run_chunks([script(tmp_path, "echo half; echo broken >&2; exit 100")])
    assert next(pieces) == b"half\n"
    error = refused(lambda: next(pieces))
    assert error.code == "program_failed"
    assert "(100): broken" in error.detail


def test_B73_a_program_that_hangs_is_killed(machine: LocalMachine, tmp_path: Path) -> None:
    program = script(tmp_path, f"echo $$ > {tmp_path}/pid; exec sleep 60")
    assert refused(lambda: machine.run([program], timeout=0.3)).code == "timed_out"
    assert gone(int((tmp_path / "pid").read_text()))


def test_B73_a_program_that_ignores_being_asked_to_end_is_killed_too(machine: LocalMachine, tmp_path: Path) -> None:
    program = script(tmp_path, f"trap '' TERM INT HUP\necho $$ > {tmp_path}/pid\nwhile :; do sleep 0.05; done")
    assert refused(lambda: machine.run([program], timeout=0.3)).code == "timed_out"
    assert gone(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize("stream", ["", " >&2"])
def test_B73_a_program_that_prints_for_ever_is_stopped(machine: LocalMachine, tmp_path: Path, stream: str) -> None:
    """On stdout by the limit of its output; what it complains about is dropped, so there by the limit of its time."""
    program = script(tmp_path, f"echo $$ > {tmp_path}/pid; exec yes muster{stream}")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    error = refused(lambda: list(machine.run_chunks([program], timeout=1, limit=2**20)))
    assert error.code == ("timed_out" if stream else "too_large")
    assert gone(int((tmp_path / "pid").read_text()))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 * 1024  # KiB


def test_of_a_long_complaint_the_beginning_is_kept(machine: LocalMachine, tmp_path: Path) -> None:
    output = machine.run([script(tmp_path, "head -c 1000000 /dev/zero >&2; echo done")])
    assert (output.status, output.stdout, len(output.stderr)) == (0, b"done\n", 64 * 1024)


def test_B73_a_grandchild_that_holds_the_output_open_is_not_waited_for(machine: LocalMachine, tmp_path: Path) -> None:
    program = script(tmp_path, f"sleep 60 &\necho $! > {tmp_path}/pid\necho done")
    begun = time.monotonic()
    output = machine.run([program], timeout=10)
    assert (output.status, output.stdout) == (0, b"done\n")
    assert time.monotonic() - begun < QUICK
    assert gone(int((tmp_path / "pid").read_text()))


def test_B73_what_a_hanging_program_started_is_killed_with_it(machine: LocalMachine, tmp_path: Path) -> None:
    """Its children, and theirs."""
    program = script(tmp_path, f"(sleep 60 & echo $! > {tmp_path}/pid; wait) &\necho $! > {tmp_path}/child\nwait")
    assert refused(lambda: machine.run([program], timeout=0.5)).code == "timed_out"
    for name in ("pid", "child"):
        assert gone(int((tmp_path / name).read_text()))


def test_B73_a_program_that_leaves_its_session_holds_nothing_up_and_is_found(
    machine: LocalMachine, tmp_path: Path
) -> None:
    """It keeps the output open, and is not waited for; no group of processes leads to it, and it ends all the same."""
    program = script(tmp_path, f"setsid sh -c 'echo $$ > {tmp_path}/pid; exec sleep 60' &\nsleep 0.2; echo done")
    begun = time.monotonic()
    assert machine.run([program], timeout=10).stdout == b"done\n"
    assert time.monotonic() - begun < QUICK
    assert gone(int((tmp_path / "pid").read_text()))


def test_B73_what_a_hanging_program_sent_into_sessions_of_their_own_is_killed_with_it(
    machine: LocalMachine, tmp_path: Path
) -> None:
    """Twice forked, as daemons do it: their parents are gone and the first process has taken them over."""
    hidden = f"setsid sh -c '(exec sleep 60 >/dev/null 2>&1 </dev/null & echo $! > {tmp_path}/%s)'"
    program = script(tmp_path, "\n".join([*(hidden % name for name in ("one", "two")), "sleep 60"]))
    assert refused(lambda: machine.run([program], timeout=1.0)).code == "timed_out"
    for name in ("one", "two"):
        assert gone(int((tmp_path / name).read_text()))
    assert alive(os.getpid()), "and nobody else's processes are"


def test_a_program_that_asks_gets_no_answer(machine: LocalMachine, tmp_path: Path) -> None:
    output = machine.run([script(tmp_path, 'read answer; echo "[$answer]"; cat')])
    assert output.stdout == b"[]\n"


def test_a_program_left_half_read_is_killed(machine: LocalMachine, tmp_path: Path) -> None:
    program = script(tmp_path, f"echo $$ > {tmp_path}/pid; echo first; exec sleep 60")
    pieces = machine.run_chunks([program])
    next(pieces)
    pieces.close()
    assert gone(int((tmp_path / "pid").read_text()))


def test_B71_the_environment_of_the_caller_reaches_no_program(
    machine: LocalMachine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fake ls first in PATH, a library to load first, a PYTHONPATH, a locale: none of them arrives."""
    (tmp_path / "ls").write_text(f"#!/bin/sh\ntouch {tmp_path}/hijacked\n")
    (tmp_path / "ls").chmod(0o755)
    for name, value in {
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "LD_PRELOAD": f"{tmp_path}/evil.so",
        "LD_LIBRARY_PATH": str(tmp_path),
        "PYTHONPATH": str(tmp_path),
        "LC_ALL": "zh_CN.UTF-8",
        "LANGUAGE": "zh",
        "IFS": "/",
        "BASH_ENV": f"{tmp_path}/ls",
        "ENV": f"{tmp_path}/ls",
    }.items():
        monkeypatch.setenv(name, value)
    output = machine.run(["/usr/bin/env"])
    said = dict(line.split("=", 1) for line in output.stdout.decode().splitlines())
    assert re.fullmatch(r"[0-9]+-[0-9]+", said.pop("MUSTER_AGENT_CHILD")), "by which it is found should it hide"
    assert said == {"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent"}
    assert machine.run([script(tmp_path, "ls / | head -1")]).stdout.strip()
    assert not (tmp_path / "hijacked").exists()


def test_B71_a_program_is_named_by_its_absolute_path(machine: LocalMachine) -> None:
    with pytest.raises(ValueError, match="absolute path"):
        machine.run(["ls"])


def test_a_program_inherits_nothing_that_is_open_here(machine: LocalMachine, tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "key", os.O_CREAT | os.O_RDWR)
    os.set_inheritable(descriptor, True)
    try:
        held = machine.run([script(tmp_path, "ls -l /proc/self/fd")]).stdout
    finally:
        os.close(descriptor)
    assert str(tmp_path / "key").encode() not in held
    assert b"/dev/null" in held  # its input


def test_a_program_that_is_not_there_or_is_none_says_so(machine: LocalMachine, tmp_path: Path) -> None:
    assert isinstance(refused(lambda: machine.run(["/usr/bin/no-such-program"])), NotFound)
    (tmp_path / "text").write_text("no program")
    (tmp_path / "text").chmod(stat.S_IRUSR | stat.S_IXUSR)
    assert refused(lambda: machine.run([str(tmp_path / "text")])).code == "system_error"


def test_what_lies_in_place_of_a_program_is_said(machine: LocalMachine, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo", 0o755)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "odd").write_bytes(b"#!/nonexistent/interpreter\n")
    (tmp_path / "odd").chmod(0o755)
    for name, code in (("", "denied"), ("fifo", "denied"), ("loop", "system_error"), ("odd", "not_found")):
        assert refused(lambda name=name: machine.run([f"{tmp_path}/{name}"])).code == code
    assert refused(lambda: machine.run(["/bin/true", "a\0b"])).code == "system_error"


def test_no_zombie_is_left_behind(machine: LocalMachine, tmp_path: Path) -> None:
    for _ in range(3):
        machine.run([script(tmp_path, "true")])
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    if not children.exists():
        pytest.skip("this kernel does not list the children of a process")
    for pid in children.read_text().split():
        assert Path(f"/proc/{pid}/comm").read_text().strip() != "program"


# -- another platform ------------------------------------------------------------------------------------------------


def test_what_another_platform_has_is_not_on_this_one(machine: LocalMachine) -> None:
    for question in (
        lambda: machine.registry_values("HKLM\\SOFTWARE"),
        lambda: machine.registry_keys("HKLM\\SOFTWARE"),
        lambda: machine.api("NetUserEnum"),
    ):
        error = refused(question)
        assert (error.code, error.status) == ("not_on_this_system", "unsupported")


def test_the_first_process_is_seen_by_everyone(machine: LocalMachine) -> None:
    pids = {process.pid for process in machine.processes().rows}
    assert {1, os.getpid()} <= pids
    mine = next(process for process in machine.processes().rows if process.pid == os.getpid())
    assert mine.path == os.path.realpath(sys.executable)
