"""Damage done to the answers of a PC: what broken disks, odd locales, old versions and attackers make of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from muster_agent.facts import Problem
from muster_agent.machine import CannotRead, Denied, Listing, NotFound, Output, Process, Stat

Question = tuple[str, Any]  # where a recording keeps the answer, and its key there

WORDS = [
    "-1",
    "0",
    "1",
    "99999999999999999999",
    "9" * 5000,
    "９９",
    "٣",
    "²",
    "1.5",
    "0x10",
    "1e5",
    "null",
    "true",
    "yes",
]
WORDS += ["no", "%n", "../../etc/passwd", "/", "=", '"', "'", "[", "{", "}", "]", "(", "\\", ":", "-", "--", "\t", "\r"]
WORDS += [
    "\x0b",
    "\x1c",
    "\x85",
    "\u2028",
    "\ufeff",
    "\x1b[31m",
    "\u202e",
    "\U0001f600",
    "科室",
    "*",
    "!",
    "#",
    ";",
    "|",
]
WORDS += ["<", "&#0;", "a=", "::1", "fe80::1%eth0", "1.2.3.4", "9999-99-99", "0000-00-00", "1601-01-01", "@", "+", ","]
BYTES = [b"\0", b"\xff\xfe", b"\xb2\xe2\xca\xd4", b"\xed\xa0\x80", b"\xc0\x80", b"\r", b"\0" * 9]
WHOLE = [
    b"",
    b"\n",
    b" ",
    b"\0",
    b"\xff" * 50,
    b"{}",
    b"[]",
    b"null",
    b"1",
    b"[" * 5000,
    b'{"a":' * 3000,
    b"<a>" * 3000,
]
WHOLE += [b"bplist00" + bytes(range(48)), bytes(range(256)), b"a=1\n[x]\ny: z\n"]
TEXTS = [
    "",
    "\0",
    "\udcb2\udce2",
    "x" * 20_000,
    "..",
    "/",
    "C:\\",
    "a b",
    "%SystemRoot%\\x",
    "\n",
    "\u202e",
    *WORDS[:9],
]
NUMBERS = [0, -1, 1, 7, 2**31, 2**32 - 1, 2**32, 2**63, 2**64, 10**30, -(10**30), 253_402_300_800]
JSON: list[Any] = [
    None,
    [],
    {},
    True,
    False,
    [None],
    [[]],
    {"": None},
    {"odd": 1},
    ["odd"],
    [{"odd": 1}],
    *NUMBERS,
    *TEXTS,
]
REGISTRY: list[Any] = ["", "x", b"", b"\xff" * 8, (), ("",), ("a", "b"), *NUMBERS[:8], *TEXTS[:6]]
DATES = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TOKENS = (re.compile(rb"[^\s\"=:,]+"), re.compile(rb"[0-9]+"), DATES, re.compile(rb"[^\s\w]"))


def lines_of(random: Random, data: bytes) -> bytes:
    """Lines left out, doubled or in another order."""
    lines = data.split(b"\n")
    at = random.randrange(len(lines))
    change = random.randrange(3)
    if change == 0:
        del lines[at]
    elif change == 1:
        lines[at:at] = [random.choice(lines)] * random.choice([1, 3])
    else:
        other = random.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    return b"\n".join(lines)


def token_of(random: Random, data: bytes) -> bytes:
    """One word, number, date or mark replaced."""
    found = list(random.choice(TOKENS).finditer(data))
    if not found:
        return data
    token = random.choice(found)
    return data[: token.start()] + random.choice(WORDS).encode() * random.choice([1, 1, 500]) + data[token.end() :]


def recoded(random: Random, data: bytes) -> bytes:
    """The same text in another encoding, or with other line ends."""
    text = data.decode("utf-8", "replace")
    ways: list[Callable[[], bytes]] = [
        lambda: text.encode("utf-16"),
        lambda: text.encode("gbk", "replace"),
        lambda: b"\xef\xbb\xbf" + data,
        lambda: data.replace(b"\n", b"\r\n"),
        lambda: data.replace(b"\n", b"\r"),
        lambda: data.replace(b"\n", b""),
        lambda: data.upper(),
        lambda: data.replace(b" ", b"\t"),
        lambda: data + data,
    ]
    return random.choice(ways)()


def cut(random: Random, data: bytes) -> bytes:
    """The beginning, the end, or both ends of the bytes."""
    one, other = sorted((random.randrange(len(data) + 1), random.randrange(len(data) + 1)))
    return random.choice([data[:one], data[other:], data[:one] + data[other:]])


def noisy(random: Random, data: bytes) -> bytes:
    """Bytes that are no text, put in or in place of others."""
    at = random.randrange(len(data) + 1)
    return data[:at] + random.choice(BYTES) + data[at + random.randrange(2) :]


def damaged_bytes(random: Random, data: bytes) -> bytes:
    """A file or the output of a program."""
    ways = (lines_of, token_of, token_of, recoded, cut, noisy, lambda random, data: random.choice(WHOLE))
    return random.choice(ways)(random, data)


def damaged_text(random: Random, text: str) -> str:
    """A name, path or value."""
    if random.randrange(2):
        return damaged_bytes(random, text.encode("utf-8", "replace")).decode("utf-8", "surrogateescape")
    return random.choice(["", text]) + random.choice(TEXTS)


def damaged_names(random: Random, names: tuple[str, ...]) -> tuple[str, ...]:
    """The names in a folder or under a key."""
    kept = [name for name in names if random.randrange(8)]
    return tuple(random.choice([kept, [*kept, random.choice(TEXTS)], [*kept, *kept], kept[::-1]]))


def damaged_json(random: Random, said: Any) -> Any:
    """What a function of the system answers."""
    if not said or not isinstance(said, dict | list) or not random.randrange(4):
        return damaged_text(random, said) if isinstance(said, str) and random.randrange(2) else random.choice(JSON)
    at: Any = random.choice(list(said)) if isinstance(said, dict) else random.randrange(len(said))
    changed = said.copy()
    if random.randrange(4):
        changed[at] = damaged_json(random, said[at])
    else:
        del changed[at]
    return changed


def damaged_values(random: Random, values: dict[str, Any]) -> dict[str, Any]:
    """The values of a registry key: one is gone, has another name, or is of another type."""
    changed = dict(values)
    name = random.choice([*values, "new"])
    value = changed.pop(name, "")
    if random.randrange(4):
        same = isinstance(value, str) and random.randrange(2)
        changed[name] = damaged_text(random, value) if same else random.choice(REGISTRY)
    elif random.randrange(2):
        changed[damaged_text(random, name)] = value
    return changed


def damaged_listing(random: Random, listing: Listing) -> Listing:
    """Processes or sockets with odd names, and some that cannot be seen."""
    rows = list(listing.rows)
    for _ in range(random.randrange(3) if rows else 0):
        at = random.randrange(len(rows))
        column = random.choice(["name", "path"] if isinstance(rows[at], Process) else ["process", "path", "address"])
        rows[at] = replace(rows[at], **{column: random.choice([*TEXTS, "1.2.3", "fe80::1%eth0", "*"])})
    problem = Problem("denied", "owner_hidden") if random.randrange(2) else listing.problem
    return Listing(tuple(row for row in rows if random.randrange(4)), problem is None, problem)


def failure(random: Random, question: Question) -> CannotRead:
    """A question that is refused."""
    key = question[1]
    detail = key[0] if isinstance(key, tuple) else key or question[0]
    codes = ("timed_out", "too_large", "system_error", "not_regular_file", "in_use")
    return random.choice([NotFound(detail), Denied(detail), *(CannotRead(code, detail) for code in codes)])


EMPTY: dict[str, Any] = {"files": b"", "starts": b"", "folders": (), "keys": (), "stats": Stat(0, 0), "links": ""}
EMPTY.update(programs=Output(0, b"", b""), values={}, apis={}, processes=Listing((), True), sockets=Listing((), True))


def damaged(random: Random, question: Question, answer: Any) -> Any:
    """Another answer to a question; a failure may become an answer."""
    kind = question[0]
    if not random.randrange(8):
        return failure(random, question)
    if isinstance(answer, CannotRead):
        answer = EMPTY[kind]
    if isinstance(answer, Output):
        status = random.choice([answer.status] * 6 + [0, 1, 127, -9])
        return Output(status, damaged_bytes(random, answer.stdout), random.choice([answer.stderr, b"\xff\0 bad"]))
    if isinstance(answer, Stat):
        return Stat(random.choice([answer.size, 0, 2**63]), random.choice(NUMBERS))
    if isinstance(answer, Listing):
        return damaged_listing(random, answer)
    if kind in ("files", "starts"):
        return damaged_bytes(random, answer)
    if kind in ("folders", "keys"):
        return damaged_names(random, answer)
    if kind == "links":
        return damaged_text(random, answer)
    return damaged_values(random, answer) if kind == "values" else damaged_json(random, answer)


def swollen(data: bytes, size: int) -> list[bytes]:
    """The answer with ``size`` bytes in it that make a careless reader go over it again and again."""
    lines = data.split(b"\n")
    line, short = max(lines, key=len), min(filter(None, lines), key=len, default=b"a: 1") + b"\n"
    found = [
        data * (size // max(len(data), 1)),
        line * (size // max(len(line), 1)),
        line[: len(line) // 2] + b" " * size + line[len(line) // 2 :] + b"\n" + data,
        b"a \\\n" * (size // 4) + data,
        b"a=1\n" * (size // 4) + data,
        data + short * (size // len(short)),
        b"\n" * size + data,
        re.sub(rb"[0-9]+", b"9" * size, data, count=1),
        re.sub(rb"[A-Za-z]+", b"x" * size, data, count=1),
    ]
    repeated = (
        b" ",
        b'"',
        b"a=",
        b"[",
        b"(",
        b"\\",
        b",",
        b":",
        b"\0",
        b" a b",
        b"\x1b[",
        b"<a>",
        b"/*",
        b" #",
        b"\t",
        b"{",
    )
    for piece in repeated:
        found += [line + piece * (size // len(piece)) + b"\n" + data, data + piece * (size // len(piece))]
    return found
