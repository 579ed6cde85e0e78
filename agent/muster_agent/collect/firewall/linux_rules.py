"""The rules of the kernel's packet filter as root sees them, all families and tables at once."""

from __future__ import annotations

import re

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system import programs
from muster_agent.system.firewall import nftables
from muster_agent.system.firewall.rules import ALWAYS, GOTO, Chain, Chains, Found, Rule, Walk, inbound, weakest

ORIGINS = ("iptables", "nftables")
FAMILIES = {"ipv4": "iptables", "ipv6": "ip6tables"}
NAMES = {"ipv4": "/proc/net/ip_tables_names", "ipv6": "/proc/net/ip6_tables_names"}
# Without these parts of the kernel there is no rule at all.
MODULES = re.compile(r"^(?:nf_tables|ip6?table_\w+) ", re.MULTILINE)
BUILT_IN = re.compile(r"/(?:nf_tables|ip6?table_\w+)\.ko")
IPV6, IPV6_OFF = "/proc/net/if_inet6", "/proc/sys/net/ipv6/conf/all/disable_ipv6"
# firewalld sends a packet from here to the chain of its zone, by address or card: filter_IN_public, or IN_public.
ZONES = re.compile(r"^(?:filter_)?INPUT_ZONES(?:_SOURCE)?$")
ZONE = re.compile(r"^(?:filter_)?IN_(.+)$")
OF_IPTABLES_NFT = ("(nf_tables)", "xtables-save")


@dataclass(frozen=True)
class Hooked:
    """One table with the chains the kernel begins with."""

    origin: str  # nftables or iptables
    chains: Chains
    bases: tuple[str, ...]


class Rules:
    """Every rule a packet to this PC may meet, by family."""

    def __init__(self, tables: dict[str, list[Hooked]]) -> None:
        self._tables = tables

    def inbound(self) -> str | None:
        """What happens to a connection no rule speaks of: allow, block, None when it depends on more than that."""
        return weakest([inbound(self._found(tables)) for tables in self._tables.values()]) if self._tables else "allow"

    @staticmethod
    def _found(tables: list[Hooked]) -> list[Found]:
        return [Walk(table.chains).base(name) for table in tables for name in table.bases]

    def filters(self, origin: str) -> bool:
        """Whether rules of nftables, or of iptables, may refuse anything."""
        return any(
            table.origin == origin and any(Walk(table.chains).filters(name) for name in table.bases)
            for tables in self._tables.values()
            for table in tables
        )

    def reaches(self, chain: str) -> bool:
        """Whether packets come to the chain of this name."""
        return any(
            chain in Walk(table.chains).reachable(name)
            for tables in self._tables.values()
            for table in tables
            for name in table.bases
        )

    def zones(self) -> dict[str, str | None]:
        """firewalld's zones in force, with what happens there to a connection no rule speaks of."""
        answers: dict[str, list[str | None]] = {}
        for tables in self._tables.values():
            for table in tables:
                for target in sorted(_zone_chains(table.chains)):
                    inside = [Hooked(t.origin, _only(t.chains, target), t.bases) if t is table else t for t in tables]
                    zone = ZONE.sub(r"\1", target)
                    answers.setdefault(zone, []).append(inbound(self._found(inside)))
        return {zone: weakest(found) for zone, found in answers.items()}


def _zone_chains(chains: Chains) -> set[str]:
    ways = [chain for name, chain in chains.items() if ZONES.match(name)]
    return {rule.target for chain in ways for rule in chain.rules if ZONE.match(rule.target)}


def _only(chains: Chains, target: str) -> Chains:
    """The chains as a packet of one zone meets them."""
    way = Chain(rules=[Rule(ALWAYS, GOTO, target)])
    names = sorted(name for name in chains if ZONES.match(name))
    # By address comes before by card; one of the two ways is enough.
    changed = {name: way if name == names[0] else Chain() for name in names}
    return {**chains, **changed}


def possible(machine: Machine) -> bool:
    """Whether the kernel could hold any rule. Anybody may see that none can be there."""
    try:
        if MODULES.search(machine.text("/proc/modules")):
            return True
        built_in = machine.text(f"/lib/modules/{machine.uname().release}/modules.builtin")
    except CannotRead:
        return True
    return BUILT_IN.search(built_in) is not None


def _families(machine: Machine) -> list[str]:
    try:
        off = machine.exists(IPV6) and machine.text(IPV6_OFF, 16).strip() == "1"
    except NotFound:
        off = False
    return ["ipv4"] if off or not machine.exists(IPV6) else ["ipv4", "ipv6"]


def read(machine: Machine) -> Rules:
    """The rules, for root. Raises :class:`CannotRead` when some of them cannot be seen."""
    if not possible(machine):
        return Rules({})
    try:
        ruleset: nftables.Ruleset | None = nftables.Ruleset(programs.text(machine, "nft", "-j", "list", "ruleset"))
    except NotFound:
        ruleset = None  # who has not nft has no rules but those of iptables and of firewalld, which needs nft's library
    return Rules({family: _tables(machine, family, ruleset) for family in _families(machine)})


def _tables(machine: Machine, family: str, ruleset: nftables.Ruleset | None) -> list[Hooked]:
    own = ruleset.tables(family) if ruleset else {}
    try:
        legacy = machine.text(NAMES[family]).strip() != ""
    except NotFound:
        legacy = False
    new = ruleset is not None and any(key in own for key in ruleset.of_iptables())
    found: list[Hooked] = []
    for text in _saved(machine, FAMILIES[family], legacy, new, ruleset is None):
        from muster_agent.system.firewall import iptables  # most PCs have no rules of it

        for name, chains in iptables.parse(text).items():
            if _of_nft(text):  # the same table, as nft cannot show it
                own.pop(("ip" if family == "ipv4" else "ip6", name), None)
            bases = tuple(base for base in iptables.ON_THE_WAY_IN.get(name, ()) if base in chains)
            found.append(Hooked("iptables", chains, bases))
    for (kind, name), chains in own.items():
        bases = tuple(sorted(base for base, chain in chains.items() if chain.policy is not None))
        by_iptables = kind in ("ip", "ip6") and name in nftables.OF_IPTABLES and all(base.isupper() for base in bases)
        found.append(Hooked("iptables" if by_iptables else "nftables", chains, bases))
    return found


def _saved(machine: Machine, program: str, legacy: bool, new: bool, any_kind: bool) -> list[str]:
    """What iptables holds: the ``legacy`` tables of the kernel's older filter, and the ``new`` ones kept in nftables.
    The program of the plain name prints one of them, as the system has it; that will do for ``any_kind``."""
    texts: dict[str, str] = {}

    def printed(name: str) -> str:
        if name not in texts:
            texts[name] = programs.text(machine, name)
        return texts[name]

    def of_kind(name: str, wants_new: bool) -> None:
        try:
            printed(name)
        except NotFound:
            text = printed(f"{program}-save")
            if wants_new != _of_nft(text) or not text.strip():
                raise

    try:
        if legacy:
            of_kind(f"{program}-legacy-save", wants_new=False)
        if new:
            of_kind(f"{program}-nft-save", wants_new=True)
        if any_kind:
            printed(f"{program}-save")
    except NotFound as error:
        raise CannotRead("no_rules_program", error.detail, "unsupported") from error
    return list(texts.values())


def _of_nft(text: str) -> bool:
    """Whether iptables printed rules it keeps in nftables."""
    return any(mark in text[:200] for mark in OF_IPTABLES_NFT)
