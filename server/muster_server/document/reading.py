"""Reading the nodes of a file that people write: what is wrong is noted at its place, and reading goes on."""

from __future__ import annotations

from muster_server.document.mistakes import nearest
from muster_server.document.nodes import Fields, Items, Node, Scalar, Source


class Reader:
    """Reads nodes of one file; what is wrong goes into its ``source``."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def needed(self, at: Node, fields: Fields, key: str) -> bool:
        """Whether ``key`` is there; a mistake otherwise."""
        if key not in fields.entries:
            self.source.mistake(at, "missing_key", name=key)
            return False
        return True

    def fields(self, node: Node | None, known: tuple[str, ...] | None) -> Fields | None:
        """A map, of known keys only."""
        if node is None:
            return None
        if not isinstance(node, Fields):
            self.source.mistake(node, "needs_map")
            return None
        for key, (name, _) in node.entries.items():
            if known is not None and key not in known:
                self.source.mistake(name, "unknown_key", nearest(key, known), name=key, known=", ".join(known))
        return node

    def text(self, node: Node | None) -> str | None:
        """A text that is not empty. A number is taken as it is written: 1.10 stays 1.10."""
        if node is None:
            return None
        if not isinstance(node, Scalar) or not node.text.strip() or isinstance(node.value, bool) or node.value is None:
            self.source.mistake(node, "needs_text")
            return None
        return node.text

    def texts(self, node: Node | None) -> list[tuple[Node, str]]:
        """A list of texts, or a single one."""
        if node is None:
            return []
        items = node.items if isinstance(node, Items) else [node]
        if not items:
            self.source.mistake(node, "empty_list")
        return [(item, text) for item in items for text in [self.text(item)] if text is not None]

    def named(self, fields: Fields, key: str, at: Node, needed: bool = True) -> str | None:
        """The text under ``key``; a mistake at ``at`` when it is needed and not there."""
        if key not in fields.entries and not needed:
            return None
        return self.text(fields.get(key)) if self.needed(at, fields, key) else None
