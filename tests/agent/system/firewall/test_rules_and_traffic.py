"""What is said of the kernel's rules against what happens: somebody outside connects to this PC, or cannot.

The test makes a network of two, sets rules on one side as nft and iptables do, and tries from the other.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

AGENT = Path(__file__).resolve().parents[4] / "agent"
TRAFFIC = Path(__file__).with_name("traffic.py")


def nft(rules: str) -> tuple[str, str]:
    """Rules for nft."""
    return "nft", rules.replace("} }", "}\n}\n")


def iptables(rules: str, table: str = "filter", program: str = "tables-restore", families: str = "46") -> Any:
    """Rules for iptables-restore of each family."""
    names = {"4": "ip", "6": "ip6"}
    return [(names[family] + program, f"*{table}\n{rules}\nCOMMIT\n") for family in families]


BASE = "table inet t {{\nchain in {{ type filter hook input priority 0; policy {policy}; {rules} }}\n{more}\n}}\n"


def inet(policy: str, rules: str, more: str = "") -> list[tuple[str, str]]:
    """A table of nftables with one chain on the way in."""
    return [nft(BASE.format(policy=policy, rules=rules, more=more))]


USUAL = "ct state established,related accept; iif lo accept; ct state invalid drop; ip protocol icmp accept;"
OLD = "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -i lo -j ACCEPT\n"
LEGACY = "tables-legacy-restore"
# Rules -> what must be said: allow, block, or None where it depends on the card or the protocol.
CASES: dict[str, tuple[Any, str | None]] = {
    "nothing": ([], "allow"),
    "three empty chains": (inet("accept", ""), "allow"),
    "policy drop": (inet("drop", USUAL + "tcp dport 22 accept;"), "block"),
    "accept, then drop at the end": (inet("accept", USUAL + "tcp dport 22 accept; drop;"), "block"),
    "reject at the end": (inet("accept", USUAL + "reject;"), "block"),
    "one port refused": (inet("accept", "tcp dport 23 drop;"), "allow"),
    "all accepted before the end": (inet("drop", "accept;"), "allow"),
    "new connections accepted": (inet("drop", "ct state new accept;"), "allow"),
    "not new refused": (inet("accept", "ct state != established,related drop;"), "block"),
    "one card accepted": (inet("drop", 'iifname "eth0" accept;'), None),
    "another card accepted": (inet("drop", 'iifname "wg0" accept;'), None),
    "all of tcp accepted": (inet("drop", "meta l4proto tcp accept;"), None),
    "tcp and udp accepted": (inet("drop", "meta l4proto { tcp, udp } accept;"), "allow"),
    "every port accepted": (inet("drop", "tcp dport 0-65535 accept;"), None),
    "what is for this PC accepted": (inet("drop", "fib daddr type local accept;"), "allow"),
    "all but loopback refused": (inet("accept", "iif != lo drop;"), "block"),
    "jump and back": (inet("drop", "jump a;", "chain a { tcp dport 22 accept; return; }"), "block"),
    "jump and refused there": (inet("accept", "jump a; accept;", "chain a { drop; }"), "block"),
    "goto does not come back": (inet("accept", "goto a; drop;", "chain a { tcp dport 22 accept; }"), "allow"),
    "map of states": (inet("drop", "ct state vmap { established : accept, related : accept, new : accept };"), "allow"),
    "map of states without new": (inet("drop", "ct state vmap { established : accept, invalid : drop };"), "block"),
    "map of cards": (inet("drop", 'iifname vmap { "lo" : accept, "eth0" : jump a };', "chain a { accept; }"), None),
    "named map": (
        inet("drop", "ct state vmap @m;", "map m { type ct_state : verdict; elements = { new : accept } }"),
        "allow",
    ),
    "ipv4 only": ([nft("table ip t { chain in { type filter hook input priority 0; policy drop; } }")], "allow"),
    "ipv4 by protocol family": (inet("accept", "meta nfproto ipv4 drop;"), "allow"),
    "both families apart": (inet("accept", "meta nfproto ipv4 drop; meta nfproto ipv6 drop;"), "block"),
    "refused before the routing": (
        [
            nft(
                "table inet t { chain pre { type filter hook prerouting priority -150; policy accept; "
                "ct state new drop; } }"
            )
        ],
        "block",
    ),
    "two chains, the second refuses": (
        [
            nft("table inet a { chain in { type filter hook input priority -5; policy accept; accept; } }"),
            nft("table inet b { chain in { type filter hook input priority 5; policy drop; } }"),
        ],
        "block",
    ),
    "refused at one card": (
        [nft("table netdev t { chain in { type filter hook ingress device eth0 priority 0; policy drop; } }")],
        None,
    ),
    "a set of addresses": (inet("drop", "ip saddr { 198.51.100.0/24 } accept;"), "block"),
    "all but some addresses": (inet("accept", "ip saddr != 198.51.100.0/24 drop;"), "allow"),
    "all but some addresses, both families": (
        inet("accept", "ip saddr != 198.51.100.0/24 drop; ip6 saddr != 2001:db8:5::/48 drop;"),
        None,
    ),
    "limited": (inet("drop", "limit rate 1/minute burst 1 packets accept;"), None),
    "too many": (inet("accept", "limit rate over 1000/second drop;"), "allow"),
    "too early for a state": (
        [
            nft(
                "table inet t { chain pre { type filter hook prerouting priority -300; policy accept; "
                "ct state new drop; } }"
            )
        ],
        None,
    ),
    "iptables, policy": (iptables(":INPUT DROP [0:0]\n" + OLD + "-A INPUT -p tcp --dport 22 -j ACCEPT"), "block"),
    "iptables, end": (iptables(":INPUT ACCEPT [0:0]\n" + OLD + "-A INPUT -j REJECT"), "block"),
    "iptables, all new": (iptables(":INPUT DROP [0:0]\n-A INPUT -m state --state NEW,ESTABLISHED -j ACCEPT"), "allow"),
    "iptables, not established": (
        iptables(":INPUT ACCEPT [0:0]\n-A INPUT -m conntrack ! --ctstate ESTABLISHED,RELATED -j DROP"),
        "block",
    ),
    "iptables, one card": (iptables(":INPUT DROP [0:0]\n-A INPUT -i eth0 -j ACCEPT"), None),
    "iptables, not loopback": (iptables(":INPUT ACCEPT [0:0]\n-A INPUT ! -i lo -j DROP"), "block"),
    "iptables, any card": (iptables(":INPUT DROP [0:0]\n-A INPUT -i + -j ACCEPT"), "allow"),
    "iptables, all tcp": (iptables(":INPUT ACCEPT [0:0]\n-A INPUT -p tcp --syn -j DROP"), None),
    "iptables, every port": (iptables(":INPUT ACCEPT [0:0]\n-A INPUT -p tcp --dport 0:65535 -j DROP"), None),
    "iptables, chain": (
        iptables(
            ":INPUT ACCEPT [0:0]\n:own - [0:0]\n-A INPUT -j own\n-A own -p tcp --dport 22 -j ACCEPT\n-A own -j DROP"
        ),
        "block",
    ),
    "iptables, return": (
        iptables(
            ":INPUT DROP [0:0]\n:own - [0:0]\n-A INPUT -j own\n-A INPUT -j ACCEPT\n-A own -j RETURN\n-A own -j DROP"
        ),
        "allow",
    ),
    "iptables, local": (
        iptables(
            ":INPUT ACCEPT [0:0]\n:own - [0:0]\n-A INPUT -j own\n"
            "-A own -m addrtype --dst-type LOCAL -j RETURN\n-A own -j DROP"
        ),
        "allow",
    ),
    "iptables, mangle": (iptables(":PREROUTING ACCEPT [0:0]\n-A PREROUTING -j DROP", table="mangle"), "block"),
    "iptables, raw policy": (iptables(":PREROUTING DROP [0:0]", table="raw"), "block"),
    "iptables, ipv4 alone": (iptables(":INPUT DROP [0:0]", families="4"), "allow"),
    "iptables, comment": (
        iptables(':INPUT ACCEPT [0:0]\n-A INPUT -m comment --comment "all the \\"rest\\" -j ACCEPT" -j DROP'),
        "block",
    ),
    "iptables, logged": (
        iptables(":INPUT ACCEPT [0:0]\n-A INPUT -j LOG --log-prefix DROP\n-A INPUT -j ACCEPT"),
        "allow",
    ),
    "legacy, policy": (iptables(":INPUT DROP [0:0]\n" + OLD, program=LEGACY), "block"),
    "legacy, end": (iptables(":INPUT ACCEPT [0:0]\n" + OLD + "-A INPUT -j DROP", program=LEGACY), "block"),
    "legacy and new": (
        [*iptables(":INPUT ACCEPT [0:0]\n" + OLD, program=LEGACY), *iptables(":INPUT DROP [0:0]\n" + OLD)],
        "block",
    ),
}


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, Any]]:
    """What was said and what was seen with each set of rules."""
    needed = ("unshare", "nsenter", "ip", "nft", "iptables-restore", "iptables-legacy-restore")
    if os.geteuid() != 0 or not all(map(shutil.which, needed)):
        pytest.skip("needs root, unshare, ip, nft (nftables) and iptables: to set rules in a network of its own")
    asked = json.dumps({name: steps for name, (steps, _) in CASES.items()})
    run = subprocess.run(
        ["unshare", "-n", "-m", sys.executable, "-I", "-B", str(TRAFFIC), str(AGENT)],
        input=asked.encode(),
        capture_output=True,
        timeout=240,
    )
    if run.returncode != 0 and b"Traceback" not in run.stderr:
        pytest.skip(f"this machine lets nobody make a network of its own: {run.stderr.decode()[:200]}")
    assert run.returncode == 0, run.stderr.decode()
    found: dict[str, dict[str, Any]] = json.loads(run.stdout)
    return found


@pytest.mark.parametrize("name", CASES)
def test_what_is_said_is_what_happens(answers: dict[str, dict[str, Any]], name: str) -> None:
    said, seen = answers[name]["said"], answers[name]["seen"]
    assert said == CASES[name][1]
    if said == "block":
        assert seen == ["block"]
    if said == "allow":
        assert "allow" in seen


def test_nothing_filters_without_a_rule_that_refuses(answers: dict[str, dict[str, Any]]) -> None:
    assert answers["nothing"]["filters"] == answers["three empty chains"]["filters"] == []
    assert answers["iptables, logged"]["filters"] == answers["new connections accepted"]["filters"][1:] == []
    assert answers["one port refused"]["filters"] == ["nftables"]
    assert answers["iptables, chain"]["filters"] == answers["legacy, end"]["filters"] == ["iptables"]
