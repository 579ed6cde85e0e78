"""The office that is judged: its name, its target, and after how long a PC counts as silent. Read from muster.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from muster_server.document.mistakes import Place, PolicyError, nearest
from muster_server.document.moments import duration
from muster_server.document.nodes import Fields, Node, Scalar, Source, compose, open_source
from muster_server.words import LANGUAGES

Text = dict[str, str]  # {"zh": …, "en": …}

FILE = "muster.yaml"
KEYS = ("name", "target", "silent_after", "units")


@dataclass(frozen=True)
class Office:
    """What reports measure against."""

    name: Text
    target: int = 90  # percent of registered PCs that should be confirmed compliant
    silent_after: timedelta = timedelta(days=7)  # reports.md §3.6: no report for longer than this is 失联
    responsible: Mapping[str, str] = field(default_factory=dict)  # unit -> the person who answers for it


def load_office(path: Path) -> Office:
    """Read muster.yaml. Raises ``PolicyError`` with every mistake in it: it is read like a policy."""
    source = open_source(path)
    root = compose(source)
    reader = _Reader(source)
    office = reader.office(root)
    if source.wrong:
        raise PolicyError(source.mistakes)
    return office


class _Reader:
    def __init__(self, source: Source) -> None:
        self.source = source

    def office(self, root: Node | None) -> Office:
        if not isinstance(root, Fields):
            if not self.source.wrong:
                self.source.mistake(root or Place(1, 1), "office_map")
            return Office({})
        for key, (name, _) in root.entries.items():
            if key not in KEYS:
                self.source.mistake(name, "office_key", nearest(key, KEYS), key=key, known=", ".join(KEYS))
        return Office(
            name=self.both(root.get("name"), root),
            target=self.target(root.get("target")),
            silent_after=self.silence(root.get("silent_after")),
            responsible=self.units(root.get("units")),
        )

    def text(self, node: Node | None) -> str:
        return node.text.strip() if isinstance(node, Scalar) else ""

    def both(self, node: Node | None, where: Node) -> Text:
        texts = {lang: self.text(node.get(lang)) for lang in LANGUAGES} if isinstance(node, Fields) else {}
        if not all(texts.values()) or not texts:
            self.source.mistake(node or where, "office_name")
        return texts

    def target(self, node: Node | None) -> int:
        if node is None:
            return Office.target
        value = node.value if isinstance(node, Scalar) else None
        if type(value) is not int or not 1 <= value <= 100:
            self.source.mistake(node, "office_target")
            return Office.target
        return value

    def silence(self, node: Node | None) -> timedelta:
        if node is None:
            return Office.silent_after
        time = duration(self.text(node))
        if time is None or time < timedelta(hours=1):
            self.source.mistake(node, "office_silent_after")
            return Office.silent_after
        return time

    def units(self, node: Node | None) -> dict[str, str]:
        if node is None or (isinstance(node, Scalar) and not node.text):
            return {}
        if not isinstance(node, Fields):
            self.source.mistake(node, "office_units")
            return {}
        found = {}
        for unit, (_, person) in node.entries.items():
            found[unit] = self.text(person)
            if not found[unit]:
                self.source.mistake(person, "office_units")
        return found
