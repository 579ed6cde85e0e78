"""Which PC or rule is meant by what somebody typed or wrote into an address.

Unknown     none is; says which come near
└── Several several are; says which
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from muster_server.subject import meant
from muster_server.tally.numbers import PCTally, RuleTally, Tally

LONGEST = 64  # characters of what is compared with every name: the comparison takes their product


class Unknown(Exception):
    """Nothing is called so. ``code`` is a key under ``report.error.`` of reports/wording/report.yaml."""

    def __init__(self, code: str, given: str, names: list[str]) -> None:
        super().__init__(f"{code}: {given!r}")
        self.code = code
        self.given = given
        self.names = names  # which were probably meant; of PCs they are untrusted text


class Several(Unknown):
    """Several PCs are called so: ``names`` holds each with its id."""


def find_pc(tally: Tally, asked: str) -> PCTally:
    """The one PC that is meant by a name or an id, as ``subject.meant`` has it. Raises :class:`Unknown`."""
    # Behind a name that several PCs bear stands a piece of the id; who types the bare name means any of them.
    ids = set(meant(asked, ((one.pc.id, (one.pc.name, bare(one))) for one in tally.pcs)))
    found = [one for one in tally.pcs if one.pc.id in ids]
    if len(found) == 1:
        return found[0]
    if found:
        raise Several("many_pcs", asked, [f"{bare(one)} ({one.pc.id})" for one in found])
    raise Unknown("no_pc", asked, _nearest(asked, [one.pc.name for one in tally.pcs]))


def bare(one: PCTally) -> str:
    """The PC's own name, without the piece of its id that tells it from another of that name."""
    return one.pc.name.removesuffix(f" ({one.pc.id[:8]})")


def find_rule(tally: Tally, asked: str) -> RuleTally:
    """The rule of that id, in any case. Raises :class:`Unknown`, with all ids when none comes near."""
    for one in tally.rules:
        if one.rule.id.casefold() == asked.casefold():
            return one
    ids = sorted(one.rule.id for one in tally.rules)
    raise Unknown("no_rule", asked, _nearest(asked, ids) or ids)


def _nearest(asked: str, names: Iterable[str]) -> list[str]:
    """Names that were probably meant: those that contain it, then those that look like it."""
    if len(asked) > LONGEST:
        return []
    by_folded = {name.casefold(): name for name in names}
    folded = asked.casefold()
    within = [known for known in by_folded if folded and folded in known]
    close = difflib.get_close_matches(folded, by_folded, n=5, cutoff=0.6)
    return [by_folded[known] for known in dict.fromkeys([*within, *close])]
