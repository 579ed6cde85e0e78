"""The public keys of the PCs that reported last, so that most reports need no look at the database.

Whether a key still holds is decided inside the transaction that stores the report: one that was ended or revoked since
it was remembered opens nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from muster_server.store.keys import Key

SIZE = 16_384  # keys, of about 500 bytes


class Keyring:
    """A bounded number of keys by agent and key id; who has not reported for longest is forgotten first.

    Used by the event loop alone.
    """

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._keys: OrderedDict[tuple[str, str], Key] = OrderedDict()

    def get(self, agent: str, key: str) -> Key | None:
        """The key, if it is remembered."""
        found = self._keys.get((agent, key))
        if found is not None:
            self._keys.move_to_end((agent, key))
        return found

    def add(self, agent: str, key: str, found: Key) -> None:
        """Remember a key whose signature was good."""
        self._keys[agent, key] = found
        if len(self._keys) > self._size:
            self._keys.popitem(last=False)

    def fill(self, found: Mapping[tuple[str, str], Key]) -> None:
        """Remember many, the last of them for longest."""
        for (agent, key), one in found.items():
            self.add(agent, key, one)

    def __len__(self) -> int:
        return len(self._keys)
