"""Names and addresses: what can stand in a certificate, in one form, and what a certificate is for."""

from __future__ import annotations

import socket

import pytest

from muster_server.tls import Refused, hosts


@pytest.mark.parametrize(
    ("host", "form"),
    [
        ("Muster.Office.LAN", "muster.office.lan"),
        (" pc1 ", "pc1"),
        ("MY_SERVER", "my_server"),
        ("xn--fiqs8s.cn", "xn--fiqs8s.cn"),
        ("10.0.0.5", "10.0.0.5"),
        ("FD00:0:0::5", "fd00::5"),
        ("1.muster", "1.muster"),
    ],
)
def test_a_host_has_one_form(host: str, form: str) -> None:
    assert hosts.checked(host) == form


@pytest.mark.parametrize(
    "host",
    [
        "",
        ".",
        "a..b",
        "a.",
        "-a",
        "a-",
        "a b",
        "a:8470",
        "https://a",
        "a/b",
        "*.office.lan",
        "中国.cn",
        "a\n",
        "a\x00b",
        "10.0.0.256",
        "10.0.0",
        "1234",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "fe80::1",
        "fe80::1%eth0",
        "a" * 64,
        ".".join(["a" * 60] * 5),
    ],
)
def test_what_is_no_host_is_refused(host: str) -> None:
    if host == "a\n":
        assert hosts.checked(host) == "a"  # a blank at the end is one of the shell, not of the name
        return
    with pytest.raises(Refused, match="bad_host"):
        hosts.checked(host)


def test_each_host_stands_once_and_not_without_end() -> None:
    assert hosts.all_checked(["a", "A", "::1", "0:0:0:0:0:0:0:1"]) == ("a", "::1")
    with pytest.raises(Refused, match="no_hosts"):
        hosts.all_checked([])
    assert len(hosts.all_checked(f"a{n}" for n in range(hosts.MOST))) == hosts.MOST
    with pytest.raises(Refused, match="many_hosts"):
        hosts.all_checked(f"a{n}" for n in range(hosts.MOST + 1))


@pytest.mark.parametrize(
    ("name", "host", "covered"),
    [
        ("a.lan", "a.lan", True),
        ("a.lan", "b.a.lan", False),
        ("*.lan", "a.lan", True),
        ("*.lan", "b.a.lan", False),
        ("*.lan", "lan", False),
        ("*.0.0.5", "10.0.0.5", False),
        ("10.0.0.5", "10.0.0.5", True),
        ("10.0.0.50", "10.0.0.5", False),
    ],
)
def test_what_a_certificate_is_for(name: str, host: str, covered: bool) -> None:
    assert hosts.covers([name], host) is covered


def test_this_machine_is_named_as_its_system_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "MUSTER-1")
    found = hosts.of_this_machine()
    assert found[0] == "muster-1"
    assert not any(hosts.loopback(host) for host in found)
    assert found == hosts.all_checked(found)
    monkeypatch.setattr(socket, "gethostname", lambda: "no host name")
    assert hosts.of_this_machine() == found[1:], "a name that cannot stand in a certificate is left out"
