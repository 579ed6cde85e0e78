"""What muster.yaml says: the office that is judged, where the database is, and how long history is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from muster_server.document.mistakes import Place, PolicyError, nearest
from muster_server.document.moments import duration
from muster_server.document.nodes import Fields, Node, Scalar, Source, compose, open_source
from muster_server.office import Office, Text
from muster_server.words import LANGUAGES

FILE = "muster.yaml"
KEYS = ("name", "target", "silent_after", "units", "database", "keep_history", "keep_free")
POSTGRESQL = "postgresql://"
LEAST_HISTORY = timedelta(days=184)  # 网络安全法 article 23: logs are kept for at least six months


@dataclass(frozen=True)
class Settings:
    """The whole file."""

    office: Office
    database: str | None = None  # postgresql://…; None: the file muster.db beside the settings
    keep_history: timedelta = timedelta(days=400)  # reports and what they said, older ones are pruned
    keep_free: int | None = None  # megabytes of the disk; with less nothing is taken in. None: what suits the disk


def load_settings(path: Path) -> Settings:
    """Read muster.yaml. Raises ``PolicyError`` with every mistake in it: it is read like a policy."""
    source = open_source(path)
    root = compose(source)
    reader = _Reader(source)
    settings = reader.settings(root)
    if source.wrong:
        raise PolicyError(source.mistakes)
    return settings


class _Reader:
    def __init__(self, source: Source) -> None:
        self.source = source

    def settings(self, root: Node | None) -> Settings:
        if not isinstance(root, Fields):
            if not self.source.wrong:
                self.source.mistake(root or Place(1, 1), "office_map")
            return Settings(Office({}))
        for key, (name, _) in root.entries.items():
            if key not in KEYS:
                self.source.mistake(name, "office_key", nearest(key, KEYS), key=key, known=", ".join(KEYS))
        office = Office(
            name=self.both(root.get("name"), root),
            target=self.target(root.get("target")),
            silent_after=self.silence(root.get("silent_after")),
            responsible=self.units(root.get("units")),
        )
        database, history = self.database(root.get("database")), self.history(root.get("keep_history"))
        return Settings(office, database, history, self.free(root.get("keep_free")))

    def database(self, node: Node | None) -> str | None:
        if node is None:
            return None
        address = self.text(node)
        if not address.startswith(POSTGRESQL):
            self.source.mistake(node, "office_database")
        return address

    def history(self, node: Node | None) -> timedelta:
        if node is None:
            return Settings.keep_history
        time = duration(self.text(node))
        if time is None or time < LEAST_HISTORY:
            self.source.mistake(node, "office_keep_history", days=LEAST_HISTORY.days)
            return Settings.keep_history
        return time

    def free(self, node: Node | None) -> int | None:
        if node is None:
            return None
        value = node.value if isinstance(node, Scalar) else None
        if type(value) is not int or not 1 <= value <= 1_000_000:
            self.source.mistake(node, "office_keep_free")
            return None
        return value

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
