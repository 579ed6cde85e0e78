"""The kernel's packet filter: its rules as nft and iptables print them, and what becomes of a connection from outside.

The question is what happens to a new connection no rule speaks of. Of each rule it matters which of such connections it
takes: every one, some kind of them (one network card, all of TCP), or only what it names (a port, an address).
"""

from __future__ import annotations

from dataclasses import field
from typing import Dict, Set, Tuple

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead

# -- which new connections from outside a rule takes -----------------------------------------------------------------
ALWAYS, SOME, FEW, NEVER = "always", "some", "few", "never"
WIDTH = {ALWAYS: 0, SOME: 1, FEW: 2, NEVER: 3}

# -- what it does with them ------------------------------------------------------------------------------------------
ACCEPT, BLOCK, UNCLEAR = "accept", "block", "unclear"  # unclear: something else decides, e.g. a program (NFQUEUE)
JUMP, GOTO, RETURN = "jump", "goto", "return"
VERDICTS = (ACCEPT, BLOCK, UNCLEAR)
DEEPEST = 64  # the kernel allows 16 jumps (NFT_JUMP_STACK_SIZE)


@dataclass(frozen=True)
class Rule:
    """A rule that ends the way of a packet or sends it elsewhere; others do not matter here."""

    takes: str
    does: str
    target: str = ""  # the chain to go to


@dataclass
class Chain:
    """A chain of rules; ``policy`` is what it ends with when the kernel itself begins there, None for other chains."""

    policy: str | None = None
    rules: list[Rule] = field(default_factory=list)
    everywhere: bool = True  # False: it is hooked to some network cards only


Chains = Dict[str, Chain]  # of one table
Found = Tuple["str | None", Set[str]]  # the verdict on what no rule speaks of, and those on kinds of it


def narrowest(conditions: list[str]) -> str:
    """What a rule with all these conditions takes."""
    return max(conditions, key=lambda condition: WIDTH[condition], default=ALWAYS)


class Walk:
    """The way of a connection no rule speaks of through the chains of one table."""

    def __init__(self, chains: Chains) -> None:
        self._chains = chains
        self._known: dict[str, Found] = {}

    def base(self, name: str) -> Found:
        """Through a chain the kernel begins with. Raises :class:`CannotRead` when the jumps go in a circle."""
        chain = self._chains[name]
        verdict, kinds = self.chain(name)
        verdict = verdict or chain.policy or ACCEPT
        if not chain.everywhere:
            return ACCEPT, kinds | {verdict}
        return verdict, kinds

    def chain(self, name: str, depth: int = 0) -> Found:
        """Through any chain; verdict None: it comes back from there."""
        if depth > DEEPEST:
            raise CannotRead("not_understood", f"chain {name[:40]}")
        if name not in self._known:
            self._known[name] = self._walked(name, depth)
        return self._known[name]

    def _walked(self, name: str, depth: int) -> Found:
        kinds: set[str] = set()
        some_come_back = False
        verdict: str | None = None
        for rule in self._chains.get(name, Chain()).rules:
            if rule.takes == FEW:
                continue
            does: str | None = rule.does
            if rule.does in (JUMP, GOTO):
                does, below = self.chain(rule.target, depth + 1)
                kinds |= below
                if does is None and rule.does == JUMP:
                    continue
            comes_back = does is None or does == RETURN
            if rule.takes == ALWAYS:
                verdict = None if comes_back else does
                break
            if comes_back:
                some_come_back = True
            elif does is not None:
                kinds.add(does)
        if some_come_back and verdict is not None:
            kinds.add(UNCLEAR)
        return verdict, kinds

    def reachable(self, name: str) -> set[str]:
        """The chains that can be come to from ``name``, itself included."""
        found, waiting = {name}, [name]
        while waiting:
            for rule in self._chains.get(waiting.pop(), Chain()).rules:
                if rule.target and rule.target not in found:
                    found.add(rule.target)
                    waiting.append(rule.target)
        return found

    def filters(self, name: str) -> bool:
        """Whether anything at all may be refused on the way that begins with ``name``."""
        if self._chains[name].policy == BLOCK:
            return True
        return any(
            rule.does in (BLOCK, UNCLEAR)
            for chain in self.reachable(name)
            for rule in self._chains.get(chain, Chain()).rules
        )


def inbound(found: list[Found]) -> str | None:
    """``allow`` or ``block``, by the verdicts of every chain the kernel begins with; None when it depends.

    A packet must pass them all: what one refuses stays refused, what one accepts goes on to the next.
    """
    for verdict, kinds in found:
        if verdict == BLOCK and kinds <= {BLOCK}:
            return "block"
    if all(verdict == ACCEPT and kinds <= {ACCEPT} for verdict, kinds in found):
        return "allow"
    return None


def weakest(answers: list[str | None]) -> str | None:
    """Of IPv4 and IPv6: whoever is let in by one is in."""
    if "allow" in answers:
        return "allow"
    return None if None in answers or not answers else "block"
