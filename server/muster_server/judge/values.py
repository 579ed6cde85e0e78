"""The values of a policy: ``$name`` replaced, and every value read as its column and modifier want it."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Callable
from typing import Any

from muster_agent.columns import ADDRESS, BOOLEAN, INTEGER, MOMENT
from muster_server.document.mistakes import Place, nearest
from muster_server.document.moments import duration, moment
from muster_server.document.nodes import Fields, Items, Node, Scalar, Source
from muster_server.judge.patterns import Pattern, PatternError
from muster_server.judge.tables import Column


def _is_name(node: Node) -> bool:
    """Whether the node is ``$name``."""
    return isinstance(node, Scalar) and node.plain and node.text.startswith("$")


def _scalars(node: Node) -> list[Scalar]:
    """A single value, or the values of a list."""
    return [item for item in (node.items if isinstance(node, Items) else [node]) if isinstance(item, Scalar)]


def _text(node: Node) -> str:
    """The text of a value, in quotes where the quotes make a difference."""
    if not isinstance(node, Scalar):
        return ""
    return node.text if node.plain or isinstance(Scalar(node.place, node.text).value, str) else f'"{node.text}"'


class Values:
    """The named values of one file, and which of them were used. Mistakes go into its source."""

    def __init__(self, source: Source, named: dict[str, tuple[Scalar, Node]]) -> None:
        self.source = source
        self.named = named
        self.used: set[str] = set()
        self.wrong: set[str] = set()
        for name, node in named.values():
            if isinstance(node, Fields):
                self.source.mistake(node, "value_is_map", name=name.text)
                self.wrong.add(name.text)
            for item in node.items if isinstance(node, Items) else [node]:
                if _is_name(item) or (isinstance(node, Items) and not isinstance(item, Scalar)):
                    self.source.mistake(item, "needs_value")
                    self.wrong.add(name.text)

    def report_unused(self) -> None:
        """Warn of values that no rule uses: often the rule has a typing mistake, or its number is written twice."""
        for name, (key, _) in self.named.items():
            if name not in self.used:
                self.source.mistake(key, "unused_value", warning=True, name=name)

    def written(self, node: Node) -> Any:
        """The node as it is written, with every ``$name`` replaced: what a rule's logic is told apart by."""
        if isinstance(node, Fields):
            return {key: self.written(value) for key, (_, value) in node.entries.items()}
        if isinstance(node, Items):
            return [self.written(item) for item in node.items]
        if _is_name(node) and node.text[1:] in self.named:
            value = self.named[node.text[1:]][1]
            return [_text(item) for item in _scalars(value)] if isinstance(value, Items) else _text(value)
        return _text(node)

    def several_values(self, node: Node) -> list[Scalar] | None:
        """The values of a list, or the single one, with every ``$name`` replaced; None when one of them is wrong."""
        if isinstance(node, Items):
            if not node.items:
                self.source.mistake(node, "empty_list")
                return None
            found: list[Scalar] = []
            for item in node.items:
                if isinstance(item, Items):
                    self.source.mistake(item, "needs_value")
                    return None
                values = self.several_values(item)
                if values is None:
                    return None
                found += values
            return found
        if isinstance(node, Fields):
            self.source.mistake(node, "needs_value")
            return None
        if not _is_name(node):
            return [node]
        name = node.text[1:]
        if name not in self.named:
            self.source.mistake(node, "undefined_value", self.near_value(name), name=name)
            return None
        self.used.add(name)
        return None if name in self.wrong else _scalars(self.named[name][1])

    def one_value(self, node: Node) -> Scalar | None:
        """A single value, possibly a ``$name``."""
        if isinstance(node, Items):
            self.source.mistake(node, "needs_one_value")
            return None
        found = self.several_values(node)
        if found is None:
            return None
        if len(found) != 1:
            self.source.mistake(node, "needs_one_value")
            return None
        return found[0]

    def near_value(self, name: str) -> str | None:
        """The value that was probably meant; it is not also reported as one that nothing uses."""
        found = nearest(name, self.named)
        if found is None:
            return None
        self.used.add(found)
        return "$" + found

    def reader(self, column: Column, compare: str, ignore_case: bool) -> Callable[[Scalar, Column], Any]:
        """What turns a value of the policy into what the comparison takes; it answers None after a mistake."""
        if compare == "re":
            return lambda node, column: self.pattern(node, ignore_case)
        if compare == "cidr":
            return self.network
        if compare in ("within", "older_than"):
            return self.duration
        if compare.startswith("version_"):
            return self.version
        if column.kind == INTEGER:
            return self.integer
        if column.kind == BOOLEAN:
            return self.boolean
        if column.kind == MOMENT:
            return self.moment
        if compare in ("", "neq"):
            return self.address if column.kind == ADDRESS else self.choice
        return self.text

    def text(self, node: Scalar, column: Column) -> str | None:
        if node.value is None or isinstance(node.value, bool) or not node.text:
            code = "null_value" if node.value is None and node.plain else "needs_text"
            self.source.mistake(node, code, column=column.name)
            return None
        return node.text

    def choice(self, node: Scalar, column: Column) -> str | None:
        """A text; for a column with a closed vocabulary, one of its words."""
        text = self.text(node, column)
        if text is None or not column.choices or any(letter in text for letter in "*?\\"):
            return text
        if text.casefold() not in {choice.casefold() for choice in column.choices}:
            near = nearest(text, column.choices)
            self.source.mistake(node, "not_a_choice", near, value=text, choices=", ".join(column.choices))
            return None
        return text

    def address(self, node: Scalar, column: Column) -> str | None:
        text = self.text(node, column)
        if text is not None and "/" in text:
            self.source.mistake(node, "network_without_cidr", f"{column.name}|cidr", value=text)
            return None
        return text

    def integer(self, node: Scalar, column: Column) -> int | None:
        if type(node.value) is not int:
            self.source.mistake(node, "needs_integer", value=node.text)
            return None
        return node.value

    def boolean(self, node: Scalar, column: Column) -> bool | None:
        if not isinstance(node.value, bool):
            meant = {"yes": "true", "on": "true", "no": "false", "off": "false"}
            near = meant.get(node.text.casefold(), node.text.casefold())
            self.source.mistake(node, "needs_boolean", near if near in ("true", "false") else None, value=node.text)
            return None
        return node.value

    def moment(self, node: Scalar, column: Column) -> str | None:
        if moment(node.text) is None:
            self.source.mistake(node, "needs_moment", value=node.text)
            return None
        return node.text

    def duration(self, node: Scalar, column: Column) -> Any:
        found = duration(node.text)
        if found is None:
            near = f"{node.text}d" if node.text.isascii() and node.text.isdigit() else None
            self.source.mistake(node, "needs_duration", near, value=node.text)
        return found

    def version(self, node: Scalar, column: Column) -> str | None:
        text = self.text(node, column)
        if text is not None and not any(letter.isdigit() for letter in text):
            self.source.mistake(node, "needs_version", value=text)
            return None
        return text

    def network(self, node: Scalar, column: Column) -> Any:
        try:
            return ipaddress.ip_network(node.text)
        except ValueError:
            near = None
            with contextlib.suppress(ValueError):
                near = str(ipaddress.ip_network(node.text, strict=False))
            self.source.mistake(node, "needs_network", near, value=node.text)
            return None

    def pattern(self, node: Scalar, ignore_case: bool) -> Pattern | None:
        try:
            return Pattern(node.text, ignore_case)
        except PatternError as error:
            place = node.place
            if len(self.source.lines[place.line - 1]) >= place.column + len(node.text):
                shift = error.position if node.plain else error.position + 1
                place = Place(place.line, place.column + min(shift, len(node.text)))
            self.source.mistake(place, f"pattern_{error.code}", pattern=node.text, position=error.position + 1)
            return None
