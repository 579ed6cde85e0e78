"""What the owners of recorded antivirus outputs state, and the verdict on what our parsers read from the same."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from cases import RIGHT, UNKNOWN, UNSTATED, WRONG, Entry, Result

from muster_agent.collect.antivirus.vendors import Told
from muster_agent.machine import CannotRead

# What a peer calls a fact we have a column for. Licences, engines and the date of a whole release are none.
ENDING = ".expected.json"
VERSION = re.compile(r"[0-9]+\.[0-9]+")
NEGATIVE = re.compile(r"(?:^|[_-])(?:INVALID|BAD|EMPTY)(?:[_.-]|\d|$)", re.IGNORECASE)
Facts = Mapping[str, Any]
Parser = Callable[[str], Facts]


def of_told(told: Told) -> dict[str, Any]:
    """Our facts under the names the peers use; those we do not know are left out."""
    facts = {
        "version": told.version,
        "base_version": told.signatures_version,
        "base_creation": told.signatures_date[:10] if told.signatures_date else None,
        "enabled": told.running if told.realtime is None else told.realtime,
        "uptodate": told.signatures_current,
    }
    return {name: value for name, value in facts.items() if value is not None}


class Stated:
    """Everything the expected files of a topic state."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._said: dict[str, Any] = {}
        for entry in entries:
            if entry.kind in ("expected", "derived"):
                try:
                    self._said[entry.file] = json.loads(entry.text())
                except ValueError:
                    continue

    def of(self, raw: str, facts: Facts) -> tuple[bool, Any]:
        """(whether something is stated of the recording ``raw``, what). Of several cases in one file, the one whose
        version is the one read."""
        path = PurePosixPath(raw)
        for file, said in self._said.items():
            place = PurePosixPath(file)
            stem = place.name[: -len(ENDING)] if place.name.endswith(ENDING) else place.stem
            number = VERSION.search(stem)
            if number and not VERSION.search(
                path.name
            ):  # several files of one product, the version in the answer's only
                stem = stem[: number.start()]
            if place.parent == path.parent and path.name.startswith(stem) and not isinstance(said, list):
                return True, said
        for file, said in self._said.items():
            folder = PurePosixPath(file).parent
            if folder not in path.parents:
                continue
            if isinstance(said, dict):
                for key in (path.relative_to(folder).as_posix(), path.name, path.stem):
                    if key in said:
                        return True, said[key]
            elif isinstance(said, list) and folder == path.parent:
                cases = [case for case in said if case.get("version") == facts.get("version")]
                if cases:
                    return True, {key: cases[0][key] for key in ("version", "base_version") if key in cases[0]}
        return False, None


def verdict(entry: Entry, parse: Parser, stated: Stated) -> Result:
    """The verdict on one recording. What should not be understood is right when it is refused."""
    negative = NEGATIVE.search(PurePosixPath(entry.file).stem) is not None
    try:
        facts = parse(entry.text())
    except CannotRead as error:
        known, said = stated.of(entry.file, {})
        if negative or (known and said is None):
            return Result(entry.file, RIGHT)
        return Result(entry.file, UNKNOWN, str(error))
    if negative:
        return Result(entry.file, WRONG, f"read {dict(facts)}, which should have been refused")
    known, said = stated.of(entry.file, facts)
    if not known:
        return Result(entry.file, UNSTATED)
    if said is None:
        return Result(entry.file, WRONG, f"read {dict(facts)}, where there is nothing to read")
    compared = {name: (facts[name], said[name]) for name in facts if name in said}
    differing = {name: pair for name, pair in compared.items() if pair[0] != pair[1]}
    if differing:
        return Result(
            entry.file,
            WRONG,
            "; ".join(f"{name}: {ours!r} for {theirs!r}" for name, (ours, theirs) in differing.items()),
        )
    if not compared:
        return Result(entry.file, UNSTATED)
    return Result(entry.file, RIGHT, ", ".join(sorted(compared)))


def told(parse: Callable[[str], Told]) -> Parser:
    """A parser of the agent as the readers want it."""
    return lambda text: of_told(parse(text))


def by_kind(kinds: Iterable[tuple[str, str, Parser]]) -> Callable[[str, str], Parser | str]:
    """What reads a recording, by the vendor's folder and by how its name or content looks; the first that fits."""

    def parser_of(file: str, text: str) -> Parser | str:
        path = PurePosixPath(file)
        for folder, looks, parser in kinds:
            if folder in path.parts and re.search(looks, path.name + "\n" + text[:4000], re.MULTILINE):
                return parser
        return "a product whose program the agent does not ask"

    return parser_of


def scored(entries: Iterable[Entry], parser_of: Callable[[str, str], Parser | str]) -> Iterator[Result]:
    """A result for each raw file. ``parser_of(name, text)`` gives its parser, or why the agent has no use for it."""
    all_entries = list(entries)
    stated = Stated(all_entries)
    for entry in all_entries:
        if entry.kind != "raw":
            continue
        parser = parser_of(entry.file, entry.text())
        if isinstance(parser, str):
            yield Result(entry.file, UNKNOWN, parser)
        else:
            yield verdict(entry, parser, stated)
