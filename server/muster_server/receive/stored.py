"""The digests of tables that the store is known to have, so that their rows need not be packed for it again.

PCs set up from one disk image carry many tables alike. Where this is wrong, because the store has pruned a table since,
the answer to the report asks for its rows, and the digest is forgotten: they come with the next report.
"""

from __future__ import annotations

from collections.abc import Iterable

SIZE = 32_768  # digests, of about 150 bytes


class StoredTables:
    """A bounded number of digests; the first to come is the first to go. Written by the event loop alone, asked by the
    threads that check bodies, too."""

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._digests: dict[str, None] = {}

    def __contains__(self, digest: object) -> bool:
        return digest in self._digests

    def add(self, stored: Iterable[str]) -> None:
        """These are in the store, by a commit that has ended."""
        for digest in stored:
            self._digests[digest] = None
        while len(self._digests) > self._size:
            del self._digests[next(iter(self._digests))]

    def forget(self, missing: Iterable[str]) -> None:
        """These are not in the store."""
        for digest in missing:
            self._digests.pop(digest, None)

    def __len__(self) -> int:
        return len(self._digests)
