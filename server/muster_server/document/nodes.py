"""A YAML file as nodes that know their place, read so that no file can surprise the reader.

What PyYAML would do by itself is not wanted here: `no` becomes False, 1.10 becomes 1.1, 010 becomes 8, the second of
two equal keys wins, an alias bomb expands. So the event stream is turned into nodes here: scalars keep their text,
and mean null, true, false or a number only where JSON would read one.
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from muster_server.document.mistakes import MOST, Mistake, Place, PolicyError

LARGEST = 1_000_000  # bytes of a file
DEEPEST = 32  # lists and maps inside each other
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,17})?")
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # the breaks libyaml counts lines by
_KNOWN_SYNTAX = {  # libyaml's own words -> policy.mistake.* that says it in the reader's language
    "mapping values are not allowed in this context": "syntax_colon",
    "found character that cannot start any token": "syntax_character",
    "found unexpected end of stream": "syntax_end",
    "did not find expected node content": "syntax_end",
    "did not find expected key": "syntax_key",
    "did not find expected '-' indicator": "syntax_dash",
    "did not find expected ',' or '}'": "syntax_brace",
    "did not find expected ',' or ']'": "syntax_bracket",
    "could not find expected ':'": "syntax_no_colon",
    "found unknown escape character": "syntax_escape",
}


@dataclass(frozen=True, eq=False)
class Scalar:
    """A single value: its text, and whether it stood without quotes."""

    place: Place
    text: str
    plain: bool = True
    broken: bool = False  # already reported: whatever else is wrong with it would only repeat that

    @property
    def value(self) -> Any:
        """What JSON would read: None, a bool, an int, a float; else the text."""
        if not self.plain:
            return self.text
        if self.text in ("", "null"):
            return None
        if self.text in ("true", "false"):
            return self.text == "true"
        if _JSON_NUMBER.fullmatch(self.text):
            return json.loads(self.text)
        return self.text


@dataclass(frozen=True, eq=False)
class Items:
    """A list."""

    place: Place
    items: list[Node] = field(default_factory=list)
    broken: bool = False


@dataclass(frozen=True, eq=False)
class Fields:
    """A map; keys are text."""

    place: Place
    entries: dict[str, tuple[Scalar, Node]] = field(default_factory=dict)
    broken: bool = False

    def get(self, key: str) -> Node | None:
        """The value of ``key``, or None."""
        entry = self.entries.get(key)
        return entry[1] if entry else None


Node = Scalar | Items | Fields


class Source:
    """A file that is being read, and the mistakes found in it so far."""

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.digest = hashlib.sha256(data).hexdigest()
        self.mistakes: list[Mistake] = []
        self.text = data.decode("utf-8-sig", "replace")
        self.lines = _LINE_BREAK.split(self.text)
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            before = data[: error.start].decode("utf-8-sig", "replace")
            lines = _LINE_BREAK.split(before)
            self.mistake(Place(len(lines), len(lines[-1]) + 1), "not_utf8")

    def mistake(self, at: Node | Place, code: str, near: str | None = None, warning: bool = False, **args: Any) -> None:
        """Note a mistake at a node, or at a place."""
        if isinstance(at, Place):
            place = at
        elif at.broken:
            return
        else:
            place = at.place
        if len(self.mistakes) < MOST:
            line = self.lines[place.line - 1] if place.line <= len(self.lines) else ""
            self.mistakes.append(Mistake(self.path, place, code, args, line, near, warning))

    @property
    def wrong(self) -> bool:
        """Something was found that is more than a warning."""
        return any(not mistake.warning for mistake in self.mistakes)


def open_source(path: Path, trusted_only: bool = False) -> Source:
    """Read the file. Raises ``PolicyError`` when it is too large, not a file, or cannot be read.

    ``trusted_only`` also refuses a symbolic link and a file that everyone may write: for policies that judge.
    """
    start = Place(1, 1)
    try:
        found = path.lstat()
        if trusted_only:
            refuse_untrusted(path, found)
        if not path.is_file():
            raise PolicyError([Mistake(str(path), start, "not_a_file")])
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise PolicyError([Mistake(str(path), start, "cannot_read", {"error": error.strerror or error})]) from error
    if len(data) > LARGEST:
        raise PolicyError([Mistake(str(path), start, "too_large", {"limit": LARGEST})])
    return Source(str(path), data)


def refuse_untrusted(path: Path, found: Any) -> None:
    """Raise ``PolicyError`` when whoever is not the owner could have put ``path`` there (security.md B57)."""
    if stat.S_ISLNK(found.st_mode):
        raise PolicyError([Mistake(str(path), Place(1, 1), "symbolic_link")])
    if found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX:
        raise PolicyError([Mistake(str(path), Place(1, 1), "writable_by_all")])


def compose(source: Source) -> Node | None:
    """The nodes of the file, or None when it is not YAML at all; mistakes are noted in ``source``."""
    if source.wrong:
        return None
    try:
        return _Composer(source).compose()
    except _TooDeep:
        return None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
        problem = str(error.problem)
        source.mistake(place, _KNOWN_SYNTAX.get(problem, "syntax"), problem=problem)
    except yaml.reader.ReaderError as error:
        before = _LINE_BREAK.split(source.text[: error.position])
        source.mistake(Place(len(before), len(before[-1]) + 1), "character", character=f"U+{_code(error):04X}")
    return None


def _code(error: yaml.reader.ReaderError) -> int:
    return error.character if isinstance(error.character, int) else ord(str(error.character)[:1] or "\0")


class _TooDeep(Exception):
    pass


class _Composer:
    """Turns the events of the parser into nodes, one list or map at a time: depth costs no recursion."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.open: list[tuple[Items | Fields, list[Scalar | None]]] = []  # what is being filled, and its pending key
        self.root: Node | None = None

    def compose(self) -> Node | None:
        documents = 0
        for event in yaml.parse(self.source.text, Loader=yaml.CSafeLoader):
            mark: Any = event.start_mark
            place = Place(mark.line + 1, mark.column + 1)
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.source.mistake(place, "second_document")
                    return self.root
            elif isinstance(event, yaml.AliasEvent):
                self.source.mistake(place, "alias", name=event.anchor)
                self.add(Scalar(place, "", broken=True))
            elif isinstance(event, yaml.ScalarEvent):
                self.add(Scalar(place, event.value, event.style in (None, ""), broken=self.refused(event, place)))
            elif isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
                kind = Items if isinstance(event, yaml.SequenceStartEvent) else Fields
                self.begin(kind(place, broken=self.refused(event, place)))
            elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
                self.open.pop()
        return self.root

    def refused(self, event: Any, place: Place) -> bool:
        """Anchors and tags are not part of the language."""
        if event.anchor is not None:
            self.source.mistake(place, "anchor", name=event.anchor)
        if event.tag is not None:
            self.source.mistake(place, "tag", tag=event.tag)
        return event.anchor is not None or event.tag is not None

    def begin(self, node: Items | Fields) -> None:
        self.add(node)
        self.open.append((node, []))
        if len(self.open) > DEEPEST:
            self.source.mistake(node.place, "too_deep", limit=DEEPEST)
            raise _TooDeep

    def add(self, node: Node) -> None:
        """Put a finished or freshly begun node where it belongs."""
        if not self.open:
            self.root = node
            return
        parent, key = self.open[-1]
        if isinstance(parent, Items):
            parent.items.append(node)
        elif not key:
            if not isinstance(node, Scalar):
                self.source.mistake(node, "key_not_text")
            key.append(node if isinstance(node, Scalar) else None)
        else:
            name = key.pop()
            if name is None or name.broken:
                return
            before = parent.entries.get(name.text)
            if before is not None:
                self.source.mistake(name, "duplicate_key", name=name.text, line=before[0].place.line)
            else:
                parent.entries[name.text] = (name, node)
