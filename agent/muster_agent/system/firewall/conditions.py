"""Conditions of nftables rules in JSON: which new connections from outside each lets through."""

from __future__ import annotations

from typing import Any, Iterator

from muster_agent.system.firewall.rules import ALWAYS, FEW, NEVER, SOME, UNCLEAR

TRANSPORT = {"tcp": "tcp", 6: "tcp", "udp": "udp", 17: "udp"}
OF_FAMILY = {"ip": "ipv4", "icmp": "ipv4", "ip6": "ipv6", "icmpv6": "ipv6"}
NFPROTO = {"ipv4": "ipv4", "ipv6": "ipv6", "ip": "ipv4", "ip6": "ipv6"}


def members(value: Any) -> list[Any]:
    """The values of a set, or the one value."""
    if isinstance(value, dict) and isinstance(value.get("set"), list):
        return list(value["set"])
    return list(value) if isinstance(value, list) else [value]


def whole_range(value: Any) -> bool:
    """Whether it is every port."""
    bounds = value.get("range") if isinstance(value, dict) else None
    return isinstance(bounds, list) and len(bounds) == 2 and bounds[0] in (0, 1) and bounds[1] == 65535


def address(value: Any) -> str:
    """The address of a value, or of the network it is."""
    return str(value["prefix"].get("addr")) if isinstance(value, dict) and "prefix" in value else str(value)


def inside(value: Any) -> bool:
    """Whether it is an address of loopback, which nothing from outside has."""
    return address(value).startswith("127.") or address(value) == "::1"


def one_host(value: Any) -> bool:
    """Whether a destination is a PC's own address, which every connection to it has, and no group or broadcast."""
    value = address(value)
    first = value.partition(".")[0]
    group = value.lower().startswith("ff") or (first.isdigit() and int(first[:4]) >= 224)
    return not value.startswith(("@", "{")) and not group


class Conditions:
    """The conditions of one table's rules, for packets of one family."""

    def __init__(self, family: str, maps: dict[str, list[Any]], early: bool = False) -> None:
        """``early``: some of the rules are asked before the kernel knows of connections."""
        self._family = family
        self._maps = maps
        self._early = early

    def match(self, said: dict[str, Any]) -> str:
        """A match expression: {"op": "==", "left": …, "right": …}."""
        left, right, op = said["left"], said["right"], said.get("op", "==")
        width = self._width(left, members(right))
        if op in ("==", "in"):
            return width
        if op == "!=":
            if self._of_other_family(left):
                return NEVER
            return {ALWAYS: NEVER, NEVER: ALWAYS}.get(width, SOME)
        return FEW

    def _of_other_family(self, left: Any) -> bool:
        payload = left.get("payload") if isinstance(left, dict) else None
        protocol = payload.get("protocol") if isinstance(payload, dict) else None
        return OF_FAMILY.get(str(protocol), self._family) != self._family

    def _width(self, left: Any, values: list[Any]) -> str:
        if not isinstance(left, dict) or len(left) != 1:
            return FEW
        if self._of_other_family(left):
            return NEVER
        [(kind, value)] = left.items()
        key = value.get("key") if isinstance(value, dict) else None
        if kind == "meta":
            return self._meta(str(key), values)
        if kind == "ct":
            if key == "state":
                if self._early and {"new", "invalid", "untracked"} & {str(value) for value in values}:
                    return SOME
                return ALWAYS if "new" in values else NEVER
            return NEVER if key == "status" and values == ["dnat"] else FEW
        if kind == "fib" and value.get("result") == "type" and "daddr" in members(value.get("flags")):
            return ALWAYS if "local" in values else FEW
        if kind == "payload":
            return self._payload(value, values)
        # tcp flags & (fin | syn | rst | ack) == syn: every new TCP connection.
        return SOME if kind == "&" and values == ["syn"] else FEW

    def _meta(self, key: str, values: list[Any]) -> str:
        if key in ("iif", "iifname"):
            outside = [value for value in values if value != "lo"]
            return NEVER if not outside else ALWAYS if "*" in outside else SOME
        if key in ("iiftype", "iifgroup", "iifkind"):
            return SOME
        if key in ("nfproto", "protocol"):
            return ALWAYS if self._family in {NFPROTO.get(str(value)) for value in values} else NEVER
        if key == "l4proto":
            return self._protocols(values)
        if key == "pkttype":
            return ALWAYS if {"host", "unicast"} & {str(value) for value in values} else FEW
        return FEW

    @staticmethod
    def _protocols(values: list[Any]) -> str:
        found = {TRANSPORT[value] for value in values if isinstance(value, (str, int)) and value in TRANSPORT}
        return ALWAYS if len(found) == 2 else SOME if found else FEW

    def _payload(self, payload: dict[str, Any], values: list[Any]) -> str:
        protocol, field = payload.get("protocol"), payload.get("field")
        if (protocol, field) in (("ip", "protocol"), ("ip6", "nexthdr")):
            return self._protocols(values)
        if field in ("dport", "sport"):
            return SOME if any(whole_range(value) for value in values) else FEW
        if field == "daddr" and protocol in ("ip", "ip6"):
            if all(inside(value) for value in values):
                return NEVER
            return SOME if any(one_host(value) for value in values) else FEW
        if field == "saddr" and protocol in ("ip", "ip6") and all(inside(value) for value in values):
            return NEVER
        if (protocol, field) == ("tcp", "flags"):
            return SOME if "syn" in values else FEW
        return FEW

    def verdicts(self, said: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        """(which connections, verdict) of a verdict map: {"key": …, "data": {"set": [[value, verdict], …]}}."""
        data = said["data"]
        if isinstance(data, str):
            elements = self._maps.get(data.lstrip("@"))
            if elements is None:
                yield SOME, {UNCLEAR: None}
                return
        else:
            elements = members(data)
        for element in elements:
            value, verdict = element
            if isinstance(value, dict) and "elem" in value:  # with a comment, a counter or a lifetime
                value = value["elem"].get("val")
            yield self._width(said["key"], members(value)), verdict
