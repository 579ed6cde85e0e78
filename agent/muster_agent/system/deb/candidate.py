"""Which of the versions on offer apt would install, by its rules without pins (apt_preferences(5))."""

from __future__ import annotations

from muster_agent.dataclass import dataclass
from muster_agent.system.deb.lists import AUTOMATIC, UPGRADES_ONLY, Offer
from muster_agent.versions import dpkg


@dataclass(frozen=True)
class Candidate:
    """The version apt would install, and everyone who offers it."""

    version: str
    arch: str
    source: str
    origin: str  # in apt's words, by alphabet
    security: bool
    phased: bool


def merged(offers: list[Offer], newer: list[Offer]) -> Candidate:
    """One version, which several sources may offer, out of all that is ``newer`` than what is installed.

    It mends a security fault when any newer version does: the version that mends it can stand between the installed
    one and a later one from another source, and what is installed has the fault all the same.
    """
    return Candidate(
        version=offers[0].version,
        arch=offers[0].arch,
        source=offers[0].source,
        origin=", ".join(sorted({offer.origin for offer in offers})),
        security=any(offer.security for offer in newer),
        phased=any(offer.phased for offer in offers),
    )


def newer_than(installed: str, offers: list[Offer]) -> list[Offer]:
    """The offers of a version above ``installed``. Raises ``ValueError`` for an illegal version."""
    return [offer for offer in offers if dpkg(offer.version) > dpkg(installed)]


def candidate(installed: str, offers: list[Offer]) -> Candidate | None:
    """The version to upgrade to, or None when nothing newer is on offer.

    The most preferred source wins, among equals the highest version, and never one below the installed version. The
    installed version itself counts 100, or more where a source still offers it; so a package from backports follows
    backports, and any other ignores them. Raises ``ValueError`` for an illegal version.
    """
    newer = newer_than(installed, offers)
    chosen = [offer for offer in newer if offer.priority == AUTOMATIC]
    if not chosen and not any(offer.version == installed and offer.priority == AUTOMATIC for offer in offers):
        chosen = [offer for offer in newer if offer.priority == UPGRADES_ONLY]
    if not chosen:
        return None
    highest = max(dpkg(offer.version) for offer in chosen)
    return merged([offer for offer in newer if dpkg(offer.version) == highest], newer)
