"""What ``iptables-save`` and ``iptables -S`` print, for both families and since version 1.2."""

from __future__ import annotations

import re
from typing import Dict

from muster_agent.machine import CannotRead
from muster_agent.system.firewall.rules import (
    ACCEPT,
    ALWAYS,
    BLOCK,
    FEW,
    GOTO,
    JUMP,
    NEVER,
    RETURN,
    SOME,
    UNCLEAR,
    Chain,
    Chains,
    Rule,
    narrowest,
)

WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
POLICY = re.compile(r"^(?::|-P )(\S+) (\S+)(?: \[[0-9]+:[0-9]+\])?$")
COUNTERS = re.compile(r"^\[[0-9]+:[0-9]+\] ")
# The chains a packet to this PC comes through, by table.
ON_THE_WAY_IN = {
    "raw": ("PREROUTING",),
    "mangle": ("PREROUTING", "INPUT"),
    "nat": ("PREROUTING", "INPUT"),
    "security": ("INPUT",),
    "filter": ("INPUT",),
}
POLICIES = {"ACCEPT": ACCEPT, "DROP": BLOCK, "REJECT": BLOCK}
# iptables-extensions(8): the targets that end a packet's way; all others let it go on.
TARGETS = {
    "ACCEPT": ACCEPT,
    "DROP": BLOCK,
    "REJECT": BLOCK,
    "TARPIT": BLOCK,
    "DELUDE": BLOCK,
    "CHAOS": BLOCK,
    "STEAL": BLOCK,
    "RETURN": RETURN,
    "QUEUE": UNCLEAR,
    "NFQUEUE": UNCLEAR,
    "SYNPROXY": UNCLEAR,
    "MIRROR": BLOCK,
}
ALL_PORTS = re.compile(r"^[01]?:65535$")
LOOPBACK = re.compile(r"^127\.|^::1(?:/128)?$")
MULTICAST = re.compile(r"^(?:22[4-9]|23[0-9]|255)\.|^[fF][fF]")
SHORT = {
    "--in-interface": "-i",
    "--out-interface": "-o",
    "--source": "-s",
    "--src": "-s",
    "--destination": "-d",
    "--dst": "-d",
    "--protocol": "-p",
    "--proto": "-p",
    "--jump": "-j",
    "--goto": "-g",
    "--match": "-m",
    "--source-port": "--sport",
    "--destination-port": "--dport",
    "--state": "--ctstate",
}
Tables = Dict[str, Chains]


def parse(text: str) -> Tables:
    """The chains by table; ``iptables -S`` names no table and prints one, filter unless told otherwise.

    Raises :class:`CannotRead` for a line that is none, and for a table that is cut off before its COMMIT.
    """
    tables: Tables = {}
    table: str | None = None
    open_table = False
    for line in text.split("\n"):
        line = COUNTERS.sub("", line.strip("\r"))
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("*"):
            table, open_table = line[1:].strip(), True
            tables[table] = {}
        elif line.strip() == "COMMIT":
            open_table = False
        else:
            chains = tables.setdefault(table or "filter", {})
            _line(line.strip(), chains, f"iptables: {line.strip()[:80]}")
    if not tables and text.strip() and not text.lstrip().startswith("#"):
        raise CannotRead("not_understood", f"iptables: {text.strip()[:80]}")
    if open_table:
        raise CannotRead("not_understood", f"iptables: *{table} ends without COMMIT")
    return {name: _resolved(chains) for name, chains in tables.items()}


def _line(line: str, chains: Chains, what: str) -> None:
    policy = POLICY.match(line)
    if policy:
        if policy.group(2) != "-" and policy.group(2) not in POLICIES:
            raise CannotRead("not_understood", what)
        chains[policy.group(1)] = Chain(POLICIES.get(policy.group(2)))
        return
    words = [quoted.replace('\\"', '"') if quoted else word for quoted, word in WORD.findall(line)]
    if len(words) == 2 and words[0] == "-N":
        chains.setdefault(words[1], Chain())
        return
    if len(words) < 2 or words[0] != "-A":
        raise CannotRead("not_understood", what)
    rule = _rule(words[2:])
    if rule is not None:
        chains.setdefault(words[1], Chain()).rules.append(rule)


def _rule(words: list[str]) -> Rule | None:
    """The rule of these words, None when it decides nothing or takes no new connection from outside."""
    conditions: list[str] = []
    does, target = "", ""
    at = 0
    inverted = False
    while at < len(words):
        word = SHORT.get(words[at], words[at])
        if word == "!":
            inverted = True
            at += 1
            continue
        # What belongs to it: all up to the next option. Old versions put the "!" behind the option.
        end = at + 1
        while end < len(words) and not words[end].startswith("-") and (words[end] != "!" or end == at + 1):
            end += 1
        values = words[at + 1 : end]
        if values[:1] == ["!"]:
            inverted, values = True, values[1:]
        if word in ("-j", "-g"):
            does, target = word, values[0] if values else ""
            break  # the rest is the target's
        conditions.append(_condition(word, values, inverted))
        inverted = False
        at = end
    takes = narrowest(conditions)
    if not target or takes == NEVER:
        return None
    return Rule(takes, does, target)  # _resolved() tells a chain from a target


def _condition(option: str, values: list[str], inverted: bool) -> str:
    """Which new connections from outside one option lets through."""
    value = values[0] if values else ""
    if option in ("-m", "--comment"):
        return ALWAYS
    if option == "-i":
        if value == "lo":
            return ALWAYS if inverted else NEVER
        return (NEVER if inverted else ALWAYS) if value in ("+", "*") else SOME
    if option == "-p":
        if value in ("all", "ip", "0") and not inverted:
            return ALWAYS
        return SOME if inverted or value in ("tcp", "udp", "6", "17") else FEW
    if option in ("-s", "-d"):
        if value in ("0.0.0.0/0", "::/0", "0/0"):
            return NEVER if inverted else ALWAYS
        if LOOPBACK.match(value):  # never to or from outside
            return ALWAYS if inverted else NEVER
        return SOME if inverted or (option == "-d" and MULTICAST.match(value) is None) else FEW
    if option == "--ctstate":
        return ALWAYS if ("NEW" in value.upper().split(",")) != inverted else NEVER
    if option == "--ctstatus" and value == "DNAT":
        return ALWAYS if inverted else NEVER
    if option == "--limit":  # so many of all connections
        return SOME
    if option == "--limit-burst":
        return ALWAYS
    if option == "--dst-type":
        return (
            (ALWAYS if "LOCAL" in value.split(",") else FEW) if not inverted else (NEVER if value == "LOCAL" else SOME)
        )
    if option == "--pkt-type":
        return (ALWAYS if value == "unicast" else FEW) if not inverted else (NEVER if value == "unicast" else SOME)
    if option == "--syn" or (option == "--tcp-flags" and values == ["FIN,SYN,RST,ACK", "SYN"]):
        return NEVER if inverted else ALWAYS
    if option in ("--dport", "--sport") and ALL_PORTS.match(value):
        return NEVER if inverted else ALWAYS
    return SOME if inverted else FEW


def _resolved(chains: Chains) -> Chains:
    """Targets that are chains of this table become jumps; those that end nothing go."""
    found: Chains = {}
    for name, chain in chains.items():
        rules = []
        for rule in chain.rules:
            if rule.target in chains:
                rules.append(Rule(rule.takes, GOTO if rule.does == "-g" else JUMP, rule.target))
            elif rule.target in TARGETS:
                rules.append(Rule(rule.takes, TARGETS[rule.target]))
        found[name] = Chain(chain.policy, rules)
    return found
