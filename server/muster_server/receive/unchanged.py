"""What was found in the small bodies that came last: a PC on which nothing has changed sends the same bytes again.

A body is known by its SHA-256, which was compared with the signed one before anybody asks here. Only bodies that carry
no rows are remembered, so what is kept is a manifest and the digests it names, about 6 kB.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from muster_server.store.reports import Incoming

SIZE = 4096  # bodies
LARGEST = 8 * 1024  # bytes of a manifest that is worth remembering


@dataclass(frozen=True)
class Said:
    """What a body without rows says."""

    manifest: bytes
    manifest_digest: str
    digests: frozenset[str]


class Unchanged:
    """A bounded number of bodies; what has not come for longest is forgotten first. Used by the event loop alone."""

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._said: OrderedDict[str, Said] = OrderedDict()

    def get(self, body: str) -> Said | None:
        """What the body of that digest says, if it is remembered."""
        found = self._said.get(body)
        if found is not None:
            self._said.move_to_end(body)
        return found

    def add(self, one: Incoming) -> None:
        """Remember the body of a report that has passed every check."""
        if one.bodies or len(one.manifest) > LARGEST:
            return
        self._said[one.envelope.body] = Said(one.manifest, one.manifest_digest, one.digests)
        if len(self._said) > self._size:
            self._said.popitem(last=False)

    def __len__(self) -> int:
        return len(self._said)
