"""What /proc says is read without a socket or a process getting lost in silence."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from muster_agent.local import LocalMachine
from muster_agent.machine import CannotRead, NotFound, Process
from muster_agent.system.procfs import address, listening, owner, processes, program_name, program_path, sockets, status

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def line(local: str, state: str, inode: int = 7) -> str:
    """A line of /proc/net/tcp."""
    return (
        f"   0: {local} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000     0        0 {inode} 1 0 100 0\n"
    )


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("0100007F", "little", "127.0.0.1"),
        ("7F000001", "big", "127.0.0.1"),  # s390x, sparc: the words are printed as they lie in memory
        ("00000000", "little", "0.0.0.0"),
        ("00000000000000000000000000000000", "little", "::"),
        ("00000000000000000000000001000000", "little", "::1"),
        ("00000000000000000000000000000001", "big", "::1"),
        ("0000000000000000FFFF00000100007F", "little", "::ffff:127.0.0.1"),
        ("000080FE00000000FF565002C3B2A1FE", "little", "fe80::250:56ff:fea1:b2c3"),
    ],
)
def test_an_address_is_read_in_the_byte_order_of_its_machine(text: str, order: str, expected: str) -> None:
    assert address(text, order) == expected


def test_only_what_listens_is_taken() -> None:
    text = HEAD + line("0100007F:1F90", "0A") + line("0100007F:C350", "01") + line("00000000:0016", "0A", 9)
    assert listening("tcp", text, "little") == [("127.0.0.1", 8080, 7), ("0.0.0.0", 22, 9)]
    assert listening("udp", HEAD + line("00000000:0044", "07"), "little") == [("0.0.0.0", 68, 7)]
    assert listening("udp", HEAD + line("00000000:0044", "01"), "little") == []


@pytest.mark.parametrize("damaged", ["   0: 0100007F:1F90\n", "   0: XY:1F90 0:0 0A 0 0 0 0 0 7\n", "garbage\n"])
def test_a_line_that_is_not_understood_is_a_failure_and_not_an_absent_socket(damaged: str) -> None:
    with pytest.raises(CannotRead) as raised:
        listening("tcp", HEAD + damaged, "little")
    assert raised.value.code == "not_understood"


def test_a_program_replaced_by_an_update_keeps_its_path() -> None:
    assert program_path("/usr/sbin/sshd (deleted)") == "/usr/sbin/sshd"
    assert program_path("/usr/sbin/sshd") == "/usr/sbin/sshd"


def test_a_name_the_kernel_cut_is_completed_by_the_file() -> None:
    assert program_name("falcon-sensor-b", "/opt/CrowdStrike/falcon-sensor-bpf17") == "falcon-sensor-bpf17"
    assert program_name("falcon-sensor-b", None) == "falcon-sensor-b"
    assert program_name("java", "/usr/bin/javac") == "java"
    assert program_name("worker/1", "/usr/bin/python3") == "worker/1"  # a thread may call itself anything


def test_the_owner_of_a_shared_socket_is_the_service_and_the_same_every_time() -> None:
    systemd = Process(1, "systemd", "/usr/lib/systemd/systemd")
    cups, helper = Process(900, "cupsd", "/usr/sbin/cupsd"), Process(30, "a-helper", "/usr/sbin/z")
    assert owner([systemd, cups, helper]) == cups
    assert owner([helper, cups, systemd]) == cups
    assert owner([systemd]) == systemd
    assert owner([]) is None


# -- a /proc of our own ----------------------------------------------------------------------------------------------


def proc(root: Path, *pids: int) -> Path:
    """A folder with the files of these processes, as proc(5) lays them out."""
    for pid in pids:
        (root / str(pid) / "fd").mkdir(parents=True)
        (root / str(pid) / "stat").write_text(f"{pid} (program{pid}) S 1 1 1 0 -1 4194560 1 0 0 0\n")
        (root / str(pid) / "exe").symlink_to(f"/usr/sbin/program{pid}")
    (root / "net").mkdir()
    for table in ("tcp", "udp"):
        (root / "net" / table).write_text(HEAD)
    (root / "self").mkdir()
    return root


def reader(path: str) -> bytes:
    """The question LocalMachine answers."""
    try:
        return Path(path).read_bytes()
    except FileNotFoundError as error:
        raise NotFound(path) from error


def test_processes_are_all_there_when_the_first_is(tmp_path: Path) -> None:
    listing = processes(str(proc(tmp_path, 1, 20, 3)))
    assert [row.pid for row in listing.rows] == [1, 3, 20]
    assert listing.rows[0] == Process(1, "program1", "/usr/sbin/program1")
    assert (listing.complete, listing.problem) == (True, None)


def test_a_proc_that_hides_the_first_process_is_incomplete(tmp_path: Path) -> None:
    listing = processes(str(proc(tmp_path, 20)))
    assert not listing.complete
    assert listing.problem is not None
    assert listing.problem.code == "processes_hidden"


def test_a_process_that_ended_while_we_looked_is_no_hole(tmp_path: Path) -> None:
    root = proc(tmp_path, 1, 20)
    (root / "20" / "stat").unlink()
    assert [row.pid for row in processes(str(root)).rows] == [1]
    assert processes(str(root)).complete


@pytest.mark.parametrize("state", ["Z", "X"])
def test_a_process_that_has_ended_and_waits_to_be_fetched_runs_no_more(tmp_path: Path, state: str) -> None:
    root = proc(tmp_path, 1, 20)
    (root / "20" / "stat").write_text(f"20 (clamd) {state} 1 1 1\n")
    listing = processes(str(root))
    assert [row.pid for row in listing.rows] == [1]
    assert listing.complete


def test_a_name_with_brackets_and_blanks_is_read_whole() -> None:
    assert status("20 (a) S (b) R 1 1") == ("a) S (b", "R")
    assert status("20 (sd-pam) S 1") == ("sd-pam", "S")


def test_a_thread_of_the_kernel_has_a_name_and_no_file(tmp_path: Path) -> None:
    root = proc(tmp_path, 1, 2)
    (root / "2" / "exe").unlink()
    assert processes(str(root)).rows[1] == Process(2, "program2", None)


def test_a_socket_is_given_to_the_process_that_holds_it(tmp_path: Path) -> None:
    root = proc(tmp_path, 1, 40)
    (root / "net" / "tcp").write_text(HEAD + line("00000000:0016", "0A", 4711) + line("0100007F:0277", "0A", 4712))
    (root / "40" / "fd" / "3").symlink_to("socket:[4711]")
    (root / "40" / "fd" / "4").symlink_to("/dev/null")
    listing = sockets(str(root), reader)
    assert [(row.port, row.process, row.path) for row in listing.rows] == [
        (22, "program40", "/usr/sbin/program40"),
        (631, None, None),  # nobody holds it: the kernel's own (NFS), not one that was hidden
    ]
    assert listing.complete


def test_a_kernel_without_ipv6_has_no_such_tables_and_one_without_ipv4_is_a_failure(tmp_path: Path) -> None:
    root = proc(tmp_path, 1)
    assert sockets(str(root), reader).rows == ()
    (root / "net" / "udp").unlink()
    with pytest.raises(NotFound):
        sockets(str(root), reader)


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs the /proc of Linux")
@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
@pytest.mark.parametrize("count", [20, 27, 54, 300])
def test_tables_of_more_than_a_page_are_read_to_their_end(kind: socket.SocketKind, count: int) -> None:
    """Around the number of lines that fill one page of the kernel, two, and many."""
    for more in range(9):
        with ExitStack() as opened:
            ports = set()
            for _ in range(count + more):
                own = opened.enter_context(socket.socket(socket.AF_INET, kind))
                own.bind(("127.0.0.1", 0))
                if kind == socket.SOCK_STREAM:
                    own.listen(1)
                ports.add(own.getsockname()[1])
            protocol = "tcp" if kind == socket.SOCK_STREAM else "udp"
            assert ports <= {row.port for row in LocalMachine().sockets().rows if row.protocol == protocol}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to hide a process from an ordinary user")
def test_a_hidden_owner_is_said(public: Path) -> None:
    root = proc(public, 1, 40)
    (root / "net" / "tcp").write_text(HEAD + line("00000000:0016", "0A", 4711))
    (root / "40" / "fd").chmod(0o700)
    child = os.fork()
    if child == 0:
        os.setresuid(65534, 65534, 65534)
        listing = sockets(str(root), reader)
        said = listing.problem is not None and listing.problem.code == "owner_hidden" and not listing.complete
        os._exit(0 if said and len(listing.rows) == 1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
