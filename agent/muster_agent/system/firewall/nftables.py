"""What ``nft -j list ruleset`` prints (libnftables-json(5)), from version 0.9 on."""

from __future__ import annotations

import json
from typing import Any, Dict, Iterable, Tuple

from muster_agent.machine import CannotRead
from muster_agent.system.firewall.conditions import Conditions
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
)
from muster_agent.system.firewall.rules import narrowest as narrowest_of

FAMILIES = {"ipv4": ("ip", "inet", "netdev"), "ipv6": ("ip6", "inet", "netdev")}
HOOKS = ("ingress", "prerouting", "input")
BEFORE_TRACKING = -200  # NF_IP_PRI_CONNTRACK: before it a packet belongs to no connection yet
POLICIES = {"accept": ACCEPT, "drop": BLOCK}
ENDS = {"accept": ACCEPT, "drop": BLOCK, "reject": BLOCK, "return": RETURN, "queue": UNCLEAR, "synproxy": UNCLEAR}
OF_IPTABLES = ("filter", "mangle", "nat", "raw", "security")

Key = Tuple[str, str]  # family and name of a table
Tables = Dict[Key, Chains]


class Ruleset:
    """All tables."""

    def __init__(self, text: str) -> None:
        """Raises :class:`CannotRead` for anything but nft's JSON."""
        try:
            said = json.loads(text)
            self._objects: list[tuple[str, dict[str, Any]]] = []
            for entry in said["nftables"]:
                [(kind, value)] = entry.items()
                if isinstance(value, dict):
                    self._objects.append((kind, value))
            if not any(kind == "metainfo" for kind, _ in self._objects):
                raise ValueError("no metainfo")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise CannotRead("not_understood", f"nft: {type(error).__name__} {text.strip()[:60]}") from error

    def of_iptables(self) -> set[Key]:
        """The tables that hold what only iptables can tell (iptables-nft keeps its rules in nftables)."""
        return {
            (str(rule.get("family")), str(rule.get("table")))
            for kind, rule in self._objects
            if kind == "rule" and any("xt" in part for part in rule.get("expr") or [] if isinstance(part, dict))
        }

    def tables(self, family: str) -> Tables:
        """The chains of each table that ``ipv4`` or ``ipv6`` packets to this PC come through, bases marked by their
        policy. Raises :class:`CannotRead` for a rule that is none."""
        found: Tables = {}
        try:
            early = {
                (value["family"], value["table"])
                for kind, value in self._objects
                if kind == "chain" and value.get("hook") in HOOKS and value.get("prio", 0) < BEFORE_TRACKING
            }
            for kind, value in self._objects:
                if kind == "chain" and value["family"] in FAMILIES[family]:
                    chains = found.setdefault((value["family"], value["table"]), {})
                    chains[value["name"]] = self._chain(value)
            for kind, value in self._objects:
                if kind == "rule" and value["family"] in FAMILIES[family]:
                    key = (value["family"], value["table"])
                    conditions = Conditions(family, self._maps(key), early=key in early)
                    chain = found.setdefault(key, {}).setdefault(value["chain"], Chain())
                    chain.rules += self._rules(value.get("expr") or [], conditions)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise CannotRead("not_understood", f"nft: {type(error).__name__}: {error}"[:120]) from error
        return found

    @staticmethod
    def _chain(value: dict[str, Any]) -> Chain:
        if value.get("hook") not in HOOKS:
            return Chain()
        return Chain(
            POLICIES.get(value.get("policy", "accept"), UNCLEAR),
            everywhere=value["family"] != "netdev" and value["hook"] != "ingress",
        )

    def _maps(self, key: Key) -> dict[str, list[Any]]:
        return {
            value["name"]: value.get("elem") or []
            for kind, value in self._objects
            if kind == "map" and (value.get("family"), value.get("table")) == key
        }

    @staticmethod
    def _rules(expressions: list[dict[str, Any]], conditions: Conditions) -> list[Rule]:
        """The rule in these expressions; a verdict map is one rule for each of its verdicts."""
        takes = [ALWAYS]
        for expression in expressions:
            [(kind, value)] = expression.items()
            if kind == "match":
                takes.append(conditions.match(value))
            elif kind == "vmap":
                return _of_map(takes, conditions.verdicts(value))
            elif kind == "xt":
                return [Rule(narrowest_of(takes), UNCLEAR)] if narrowest_of(takes) != NEVER else []
            elif kind in ENDS or kind in ("jump", "goto"):
                width = narrowest_of(takes)
                return [] if width == NEVER else [Rule(width, *_verdict(expression))]
            elif kind == "limit":  # so many of all connections; "over" takes those beyond
                takes.append(FEW if isinstance(value, dict) and value.get("inv") else SOME)
            elif kind in ("quota", "ct count", "set", "meter", "socket", "osf"):
                takes.append(FEW)
        return []


def _of_map(takes: list[str], verdicts: Iterable[tuple[str, Any]]) -> list[Rule]:
    rules = [Rule(narrowest_of([*takes, width]), *_verdict(verdict)) for width, verdict in verdicts]
    return [rule for rule in rules if rule.takes != NEVER and rule.does]


def _verdict(expression: Any) -> tuple[str, str]:
    """(what is done, the chain it goes to) of {"accept": null}, {"jump": {"target": "x"}}; "" for going on."""
    [(kind, value)] = expression.items()
    if kind in ("jump", "goto"):
        return (JUMP if kind == "jump" else GOTO), str(value["target"])
    if kind == "continue":
        return "", ""
    return ENDS.get(kind, UNCLEAR), ""
