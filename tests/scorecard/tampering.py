"""Scorecard 4: one stored report is deleted, edited or moved by direct SQL; does `muster evidence verify` notice?

    .venv/bin/python tests/scorecard/tampering.py [TRIALS]      1000 unless given; prints noticed / trials

Every trial changes a real database in a transaction, checks it as the command does, and rolls back. Two kinds leave a
database in which everything holds again (the very last report removed with every trace of it; the whole chain made anew
after a deletion): a head that was noted elsewhere earlier notices those, and nothing else can.
"""

from __future__ import annotations

import importlib.util
import random
import sqlite3
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, StaticPool, create_engine, event

from muster_agent.sending.envelope import chain_head
from muster_server.evidence import database as evidence
from muster_server.store.evidence import Head
from muster_server.store.schema import EPOCH, moment_text, reports
from muster_server.store.statements import everything, stored

HERE = Path(__file__).resolve().parent
BLOBS = ("previous", "signature", "chain")
NUMBERS = ("seq", "received_at", "collected_at", "key", "boot", "body", "agent")
Change = Callable[[Connection, random.Random], bool]  # False: there was nothing to change so; another is taken


def _filled() -> Any:
    spec = importlib.util.spec_from_file_location("scorecard_filled", HERE / "filled.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["scorecard_filled"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def run(connection: Connection, sql: str, *values: Any) -> list[Any]:
    """Rows of a statement, or none."""
    done = connection.exec_driver_sql(sql, values)
    return list(done) if done.returns_rows else []


def positions(connection: Connection) -> list[int]:
    """Every position."""
    return [row[0] for row in run(connection, "SELECT position FROM reports ORDER BY position")]


def delete(connection: Connection, position: int) -> None:
    """Remove one report."""
    run(connection, "DELETE FROM reports WHERE position = ?", position)


def delete_any(connection: Connection, dice: random.Random) -> bool:
    """Any of them."""
    delete(connection, dice.choice(positions(connection)))
    return True


def delete_first(connection: Connection, dice: random.Random) -> bool:
    """The first of all."""
    delete(connection, positions(connection)[0])
    return True


def delete_last(connection: Connection, dice: random.Random) -> bool:
    """The last of all; the PC's own row still says that it was there."""
    delete(connection, positions(connection)[-1])
    return True


def delete_only(connection: Connection, dice: random.Random) -> bool:
    """The only report of a PC."""
    [[position]] = run(connection, "SELECT max(position) FROM reports GROUP BY agent HAVING count(*) = 1")
    delete(connection, position)
    return True


def delete_and_close_up(connection: Connection, dice: random.Random) -> bool:
    """Remove one and move the rest up."""
    position = dice.choice(positions(connection)[:-1])
    delete(connection, position)
    run(connection, "UPDATE reports SET position = -position WHERE position > ?", position)
    run(connection, "UPDATE reports SET position = -position - 1 WHERE position < 0")
    return True


def edit_blob(connection: Connection, dice: random.Random) -> bool:
    """Flip one bit."""
    column, position = dice.choice(BLOBS), dice.choice(positions(connection))
    [[old]] = run(connection, f"SELECT {column} FROM reports WHERE position = ?", position)
    run(connection, f"UPDATE reports SET {column} = ? WHERE position = ?", flipped(old, dice), position)
    return True


def edit_number(connection: Connection, dice: random.Random) -> bool:
    """Another number: of the PC, the key, the body, the time of receipt …"""
    column, position = dice.choice(NUMBERS), dice.choice(positions(connection))
    [[old]] = run(connection, f"SELECT {column} FROM reports WHERE position = ?", position)
    new = max(old + dice.choice((-1, 1, 7, 1000)), 1)
    try:
        run(connection, f"UPDATE reports SET {column} = ? WHERE position = ?", new, position)
    except Exception:  # the table itself forbids it: two reports of one number
        return False
    return bool(new != old)


def edit_type(connection: Connection, dice: random.Random) -> bool:
    """Something of another kind altogether."""
    column, position = dice.choice((*BLOBS, *NUMBERS)), dice.choice(positions(connection))
    run(connection, f"UPDATE reports SET {column} = ? WHERE position = ?", "x\ud7ff", position)
    return True


def edit_behind(connection: Connection, dice: random.Random) -> bool:
    """What a report is made of, or what the views show of it."""
    table, column, name = dice.choice(
        (
            ("sent", "data", "number"),
            ("sent", "digest", "number"),
            ("bodies", "rows", "digest"),
            ("manifests", "body", "digest"),
        )
    )
    key, old = dice.choice(run(connection, f"SELECT {name}, {column} FROM {table}"))
    new = flipped(old, dice)
    run(connection, f"UPDATE {table} SET {column} = ? WHERE {name} = ?", new, key)
    # The last byte of packed rows has bits that mean nothing: with another one there they are the same rows.
    return table != "bodies" or not same_rows(old, new)


def same_rows(old: bytes, new: bytes) -> bool:
    """Whether two packed tables hold the same."""
    try:
        return zlib.decompress(old) == zlib.decompress(new)
    except zlib.error:
        return False


def edit_key(connection: Connection, dice: random.Random) -> bool:
    """Another public key for a PC: one of which the private half is known."""
    number, old = dice.choice(run(connection, "SELECT number, public_key FROM keys"))
    new = flipped(bytes.fromhex(old), dice).hex()
    run(connection, "UPDATE keys SET public_key = ? WHERE number = ?", new, number)
    return True


def edit_history(connection: Connection, dice: random.Random) -> bool:
    """Let the views show what another PC said."""
    intervals = run(connection, "SELECT id, manifest FROM intervals")
    (one, mine), (_, other) = dice.sample(intervals, 2)
    run(connection, "UPDATE intervals SET manifest = ? WHERE id = ?", other, one)
    return bool(mine != other)


def swap(connection: Connection, dice: random.Random) -> bool:
    """Two reports change places, whole or in one column."""
    first, second = dice.sample(positions(connection), 2)
    columns = dice.choice((None, "received_at", "signature", "body", "previous", "chain", "collected_at", "seq"))
    if columns is None:
        run(connection, "UPDATE reports SET position = 0 WHERE position = ?", first)
        run(connection, "UPDATE reports SET position = ? WHERE position = ?", first, second)
        run(connection, "UPDATE reports SET position = ? WHERE position = 0", second)
        return True
    query = f"SELECT {columns} FROM reports WHERE position = ?"
    [[a]], [[b]] = run(connection, query, first), run(connection, query, second)
    update = f"UPDATE reports SET {columns} = ? WHERE position = ?"
    try:
        if columns == "seq":
            run(connection, update, -1, first)
        run(connection, update, a, second)
        run(connection, update, b, first)
    except Exception:  # two reports of one number
        return False
    return bool(a != b)


def rechain(connection: Connection) -> None:
    """Make the server's chain anew, as whoever owns the database can."""
    head = "0" * 64
    rows = list(connection.execute(everything().order_by(reports.c.position)))
    for position, row in enumerate(rows, 1):
        one = stored(row)
        head = chain_head(head, one.envelope.digest, moment_text(one.received_at))
        run(
            connection,
            "UPDATE reports SET position = ?, chain = ? WHERE position = ?",
            -position,
            bytes.fromhex(head),
            one.position,
        )
    run(connection, "UPDATE reports SET position = -position")


def delete_without_trace(connection: Connection, dice: random.Random) -> bool:
    """The very last report, and every trace of it."""
    last = connection.execute(everything().order_by(reports.c.position.desc()).limit(1)).one()
    before = run(connection, "SELECT max(seq) FROM reports WHERE agent = ? AND position < ?", last.agent, last.position)
    delete(connection, last.position)
    run(
        connection,
        "UPDATE agents SET last_seq = ?, last_digest = ? WHERE number = ?",
        before[0][0],
        last.previous.hex(),
        last.agent,
    )
    return True


def delete_and_rechain(connection: Connection, dice: random.Random) -> bool:
    """Remove one and make the chain anew behind it."""
    delete(connection, dice.choice(positions(connection)[:-1]))
    rechain(connection)
    return True


def edit_time_and_rechain(connection: Connection, dice: random.Random) -> bool:
    """Another time of receipt, and the chain made anew behind it."""
    position = dice.choice(positions(connection))
    run(connection, "UPDATE reports SET received_at = received_at + 86400000000 WHERE position = ?", position)
    rechain(connection)
    return True


ALONE: tuple[Change, ...] = (
    *(delete_any, delete_first, delete_last, delete_only, delete_and_close_up),
    *(edit_blob, edit_blob, edit_number, edit_number, edit_type, edit_behind, edit_key, edit_history, swap, swap),
)
WITH_HEAD: tuple[Change, ...] = (delete_without_trace, delete_and_rechain, edit_time_and_rechain)


def flipped(data: bytes, dice: random.Random) -> bytes:
    """The same with one bit changed."""
    bit = dice.randrange(len(data) * 8)
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def opened(path: Path) -> Any:
    """The database as an intruder opens it: no foreign keys, no triggers in the way."""

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(path, isolation_level=None)

    engine = create_engine("sqlite://", creator=connect, poolclass=StaticPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def trials(path: Path, count: int, seed: int = 4) -> Iterator[tuple[str, bool]]:
    """Tamper ``count`` times with the database of a deployment: the kind, and whether it was noticed."""
    dice = random.Random(seed)
    kinds = [*ALONE, *WITH_HEAD]
    engine = opened(path)
    with engine.connect() as connection:
        with connection.begin():
            untouched = evidence.verify(connection, processes=1)
            assert untouched.findings.sound, untouched.findings.wrong
        done = 0
        while done < count:
            change = kinds[done % len(kinds)] if done < len(kinds) else dice.choice(kinds)
            transaction = connection.begin()
            try:
                if change(connection, dice):
                    noted = untouched.head if change in WITH_HEAD else None
                    found = evidence.verify(connection, noted=noted, processes=1)
                    yield change.__name__, not found.findings.sound
                    done += 1
            finally:
                transaction.rollback()
        with connection.begin():
            assert evidence.verify(connection, noted=Head(**vars(untouched.head)), processes=1).findings.sound
    engine.dispose()


def make(folder: Path) -> Path:
    """A deployment of five PCs and 41 reports, one of them the only one of its PC; returns its database."""
    built = _filled()
    filled = built.filled(folder / "data", 5, 8, changed=2)
    lonely = filled.enrol("lonely")
    at = built.START + timedelta(days=5, hours=1)
    filled.take([lonely.sign(at)], at)
    filled.day(8)
    filled.close()
    assert at > EPOCH
    return Path(folder / "data" / "muster.db")


def measure(count: int = 1000) -> tuple[int, int]:
    """(noticed, trials) of scorecard 4."""
    with tempfile.TemporaryDirectory() as name:
        results = list(trials(make(Path(name)), count))
    missed = Counter(kind for kind, noticed in results if not noticed)
    if missed:
        print("not noticed:", dict(missed), file=sys.stderr)
    return sum(noticed for _, noticed in results), len(results)


if __name__ == "__main__":
    noticed, total = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
    print(f"4  deletion, edit or reorder of one stored report noticed: {noticed} of {total}")
    sys.exit(noticed != total)
