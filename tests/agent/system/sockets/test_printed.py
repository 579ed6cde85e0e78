"""Sockets as ss, netstat and lsof print them, on this PC and in the forms of other versions."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.local import LocalMachine
from muster_agent.machine import CannotRead, Socket
from muster_agent.system.sockets import Printed, lsof, netstat, socket_of, split, ss

Key = tuple[str, str, int]
TRIES = 4  # somebody else may open a port between two looks


def key(row: Socket) -> Key:
    """What tells sockets apart."""
    return row.protocol, row.address.partition("%")[0], row.port


def by_netstat() -> set[Key]:
    """What netstat shows."""
    run = subprocess.run(["netstat", "-lntupW"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return {key(socket_of(row)) for row in netstat.parse(run.stdout.decode())}


def by_lsof() -> set[Key]:
    """What lsof shows."""
    run = subprocess.run(["lsof", "-nP", "-i"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return {key(socket_of(row)) for row in lsof.parse(run.stdout.decode())[0]} if run.stdout else set()


def by_ss() -> set[Key]:
    """What ss shows."""
    return {key(row) for row in ss.listing(LocalMachine()).rows}


@pytest.fixture
def listening() -> Iterator[Key]:
    """A program of ours that listens, so that there is something to see."""
    code = "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()"
    with subprocess.Popen([sys.executable, "-I", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        yield "tcp", "127.0.0.1", int(program.stdout.readline())
        program.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="compared with Linux's /proc")
@pytest.mark.parametrize(("program", "look"), [("ss", by_ss), ("netstat", by_netstat), ("lsof", by_lsof)])
def test_every_program_shows_what_proc_shows(listening: Key, program: str, look: Callable[[], set[Key]]) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"needs {program}: what it prints is read here")
    for _ in range(TRIES):
        shown, rows = look(), LocalMachine().sockets().rows
        # lsof goes from program to socket, and sees none that no program it may look into holds.
        known = {key(row) for row in rows if program != "lsof" or row.process is not None}
        if shown == known:
            break
    assert shown == known
    assert listening in shown


# -- ss --------------------------------------------------------------------------------------------------------------

OLD = """\
Netid  State      Recv-Q Send-Q     Local Address:Port       Peer Address:Port
nl     UNCONN     0      0                    rtnl:kernel                 *
u_str  LISTEN     0      128    /run/x y/socket 18210                  * 0
tcp    LISTEN     0      128                     *:22                     *:*      users:(("sshd",1231,3))
tcp    LISTEN     0      128                    :::22                    :::*      users:(("sshd",1231,4))
tcp    ESTAB      0      0            192.168.0.106:22       192.168.0.101:59232  users:(("sshd",11427,3))
udp    UNCONN     0      0                      *:68                     *:*      users:(("dhclient",1171,6))
udp    ESTAB      0      0           10.67.116.74:54211        10.68.5.26:53
"""
NEW = """\
Netid State  Recv-Q Send-Q Local Address:Port  Peer Address:PortProcess
tcp   LISTEN 0      511                *:80              *:*    users:(("nginx: worker (x)",pid=990,fd=6))
\t cubic wscale:7,7 rto:1000
tcp   LISTEN 0      128          0.0.0.0:22         0.0.0.0:*
udp   UNCONN 0      0      0.0.0.0%virbr0:67        0.0.0.0:*    ino:43663 sk:8 <->
"""


def test_ss_of_old_versions_prints_a_star_for_ipv4_alone() -> None:
    assert ss.parse(OLD) == [
        Printed("tcp", None, "*", "22", "sshd"),
        Printed("tcp", "ipv6", "::", "22", "sshd"),
        Printed("udp", None, "*", "68", "dhclient"),
    ]


def test_ss_of_new_versions_prints_a_star_for_both_families() -> None:
    assert ss.parse(NEW) == [
        Printed("tcp", "ipv6", "*", "80", "nginx: worker (x)"),
        Printed("tcp", "ipv4", "0.0.0.0", "22", None),
        Printed("udp", "ipv4", "0.0.0.0%virbr0", "67", None),
    ]


def test_ss_leaves_out_the_first_column_where_one_protocol_was_asked_for() -> None:
    text = "State  Recv-Q Send-Q Local Address:Port Peer Address:Port\nLISTEN 0 128 0.0.0.0:22 0.0.0.0:*\n"
    assert ss.parse(text) == [Printed("tcp", "ipv4", "0.0.0.0", "22", None)]
    with pytest.raises(CannotRead):
        ss.parse(text + "UNCONN 0 0 0.0.0.0:68 0.0.0.0:*\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Cannot open netlink socket: Protocol not supported\n",
        NEW + "tcp   LISTEN 0      12",
        NEW + "tcp   LISTEN 0      128   :22 0.0.0.0:*\n",
        NEW + "whatever LISTEN 0 128 0.0.0.0:22 0.0.0.0:*\n",
        "Netid State Recv-Q Send-Q Local Address:Port\ntcp \0\0\n",
    ],
)
def test_ss_cut_off_or_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        ss.parse(text)


# -- netstat ---------------------------------------------------------------------------------------------------------

LINUX = """\
Active Internet connections (servers and established)
Proto Recv-Q Send-Q Local Address           Foreign Address         State       User       Inode      PID/Program name     Timer
tcp        0      0 0.0.0.0:22              0.0.0.0:*               LISTEN      0          19422      600/sshd: /usr/sbin  off (0.00/0/0)
tcp        0      0 10.0.0.1:22             10.0.0.2:40000          ESTABLISHED 0          1          601/sshd             keepalive (7192.04/0/0)
tcp6       0      0 :::22                   :::*                    LISTEN      0          19423      -                    off (0.00/0/0)
udp        0      0 127.0.0.1:323           0.0.0.0:*                           0          18363      795/chronyd          off (0.00/0/0)
udp        0      0 10.0.0.1:68             10.0.0.254:67           ESTABLISHED 0          18364      796/dhclient         off (0.00/0/0)
raw6       0      0 :::58                   :::*                    7           0          1          867/x                off (0.00/0/0)
Active UNIX domain sockets (servers and established)
Proto RefCnt Flags       Type       State         I-Node   PID/Program name     Path
unix  2      [ ACC ]     STREAM     LISTENING     535      1/systemd            /run/a b
"""  # noqa: E501
MACOS = """\
Active Internet connections (including servers)
Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)
tcp4       0      0  10.0.0.5.50000         17.57.146.20.5223      ESTABLISHED
tcp46      0      0  *.5900                 *.*                    LISTEN
tcp6       0      0  ::1.631                *.*                    LISTEN
tcp4       0      0  127.0.0.1.631          *.*                    LISTEN
udp4       0      0  *.5353                 *.*
udp4       0      0  *.*                    *.*
Active Multipath Internet connections
Proto/ID  Flags      Local Address          Foreign Address        (state)
icm6       0      0  *.*                    *.*
Active LOCAL (UNIX) domain sockets
Address          Type   Recv-Q Send-Q            Inode             Conn             Refs          Nextref Addr
"""


def test_netstat_of_linux() -> None:
    assert netstat.parse(LINUX) == [
        Printed("tcp", "ipv4", "0.0.0.0", "22", "sshd: /usr/sbin"),
        Printed("tcp", "ipv6", "::", "22", None),
        Printed("udp", "ipv4", "127.0.0.1", "323", "chronyd"),
    ]


def test_netstat_of_macos() -> None:
    assert netstat.parse(MACOS) == [
        Printed("tcp", "ipv6", "*", "5900", None),
        Printed("tcp", "ipv6", "::1", "631", None),
        Printed("tcp", "ipv4", "127.0.0.1", "631", None),
        Printed("udp", "ipv4", "*", "5353", None),
    ]


def test_netstat_may_have_cut_an_address_that_fills_its_column() -> None:
    line = LINUX.split("\n")[1] + "\ntcp6       0      0 2001:db8:1111:2222:3:22 :::*                    LISTEN\n"
    [row] = netstat.parse(line)
    assert not row.whole
    with pytest.raises(CannotRead):
        socket_of(row)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "error parsing /proc/net/netstat: No such file or directory\n",
        "tcp 0 0 0.0.0.0:22 0.0.0.0:* LISTEN\n",
        LINUX.replace("0.0.0.0:22 ", "0.0.0.0    22 "),
        LINUX.partition("127.0.0.1")[0],
        "Proto Recv-Q Send-Q Local Address Port Foreign Address\n",
    ],
)
def test_netstat_cut_off_or_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        netstat.parse(text)


# -- lsof ------------------------------------------------------------------------------------------------------------

LSOF = """\
lsof: WARNING: can't stat() fuse file system /run/user/1000/doc
      Output information may be incomplete.
COMMAND    PID  TID TASKCMD   USER   FD      TYPE             DEVICE SIZE/OFF       NODE NAME
systemd      1                root  cwd       DIR                8,2     4096          2 /
sshd      1127                root    3u     IPv4              30163      0t0        TCP *:22 (LISTEN)
sshd      1127                root    4u     IPv6              30180      0t0        TCP *:22 (LISTEN)
my\\x20app 1128 1129 my\\x20app   root    4u     IPv4 0xabcdef0123456789      0t0        TCP 127.0.0.1:9000 (LISTEN)
my\\x20app 1128 1130 my\\x20app   root    4u     IPv4 0xabcdef0123456789      0t0        TCP 127.0.0.1:9000 (LISTEN)
firefox   2000                root   55u     IPv4              44866      0t0        TCP 10.0.0.1:41000->10.0.0.2:443 (ESTABLISHED)
chronyd    795                root    5u     IPv6              18535      0t0        UDP [::1]:323
dns        796                root    5u     IPv4              18536      0t0        UDP 10.0.0.1:5000->10.0.0.53:53
launchd      1                root    8u     IPv4              18537      0t0        UDP *:*
"""  # noqa: E501


def test_lsof_in_its_long_form() -> None:
    rows, complete = lsof.parse(LSOF)
    assert complete
    assert rows == [
        Printed("tcp", "ipv4", "*", "22", "sshd"),
        Printed("tcp", "ipv6", "*", "22", "sshd"),
        Printed("tcp", "ipv4", "127.0.0.1", "9000", "my app"),
        Printed("udp", "ipv6", "::1", "323", "chronyd"),
    ]


def test_lsof_of_a_user_shows_not_all() -> None:
    line = "sshd 9 root NOFD      /proc/9/fd (opendir: Permission denied)\n"
    assert lsof.parse(LSOF + line) == (lsof.parse(LSOF)[0], False)


@pytest.mark.parametrize("text", ["", "lsof: illegal option\n", "sshd 1 root\n", LSOF + "x 1 root 3u IPv4 1 0t0 TCP\0"])
def test_lsof_cut_off_or_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        lsof.parse(text)


# -- rows ------------------------------------------------------------------------------------------------------------


def test_a_star_is_every_address_of_its_family() -> None:
    assert socket_of(Printed("tcp", "ipv4", "*", "22", "sshd")) == Socket("tcp", "ipv4", "0.0.0.0", 22, "sshd", None)
    assert socket_of(Printed("udp", "ipv6", "*", "53", None)).address == "::"


@pytest.mark.parametrize(
    "printed",
    [
        Printed("tcp", "ipv4", "localhost", "22", None),
        Printed("tcp", "ipv4", "127.0.0.1", "ssh", None),
        Printed("tcp", "ipv4", "127.0.0.1", "70000", None),
        Printed("tcp", None, "*", "22", None),
        Printed("tcp", "ipv4", "127.0.0.1", "٢٢", None),
    ],
)
def test_a_name_or_a_number_that_is_none_becomes_no_row(printed: Printed) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        socket_of(printed)


def test_a_port_stands_behind_the_last_colon() -> None:
    assert split("[fe80::1]%eth0:546") == ("fe80::1%eth0", "546")
    with pytest.raises(CannotRead):
        split("22")


@given(
    st.sampled_from([ss.parse, netstat.parse, lsof.parse]), st.sampled_from([OLD, NEW, LINUX, MACOS, LSOF]), st.data()
)
def test_whatever_is_printed_is_read_or_refused(parse: Callable[[str], Any], text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))
    put = data.draw(st.text(max_size=5))
    drop = data.draw(st.integers(0, 20))
    try:
        parse(text[:at] + put + text[at + drop :])
    except CannotRead as error:
        assert error.code == "not_understood"
