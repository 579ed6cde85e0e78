"""Cut the power at any moment, on paper: what a disk could hold after each cut still opens, and nothing that was
acknowledged before the cut is lost.

    python tests/torture/power_cuts.py [CUTS]

A real server runs under strace with every byte it writes. Afterwards its writes are played into files again up to a
moment; of what had not been synced by then any part may be missing, in whole or in sectors. A power cut leaves one of
these states, and SQLite has to make the database whole from it.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import load
import traced

PCS = 6
SECTOR = 512


@dataclass(frozen=True)
class Figures:
    """What came of it."""

    cuts: int
    acknowledged: int  # receipts that had left the server before the cuts, over all cuts
    lost: int  # of these, not there afterwards
    unusable: int  # databases that would not open, or whose integrity check failed
    dropped: int  # writes that the cuts took away
    checkpoints: int  # times that pages went from the log into the database


@dataclass
class Disk:
    """Files as they are for certain, and what was written to them and not synced yet."""

    synced: dict[str, bytearray] = field(default_factory=dict)
    pending: dict[str, list[tuple[int, bytes | None]]] = field(default_factory=dict)  # offset, data; None: truncate

    def write(self, name: str, offset: int, data: bytes | None) -> None:
        """A write, or a truncation to ``offset``."""
        self.pending.setdefault(name, []).append((offset, data))

    def sync(self, name: str) -> None:
        """What was written is on the disk."""
        content = self.synced.setdefault(name, bytearray())
        for offset, data in self.pending.pop(name, ()):
            put(content, offset, data)

    def after_a_cut(self, chance: random.Random) -> tuple[dict[str, bytes], int]:
        """One state the disk may be in, and how many writes it lacks."""
        left, dropped = {}, 0
        for name in {*self.synced, *self.pending}:
            content = bytearray(self.synced.get(name, b""))
            keep = chance.random()
            for offset, data in self.pending.get(name, ()):
                if chance.random() > keep:
                    dropped += 1
                    continue
                if data is not None and chance.random() < 0.2:  # the power went in the middle of it
                    data = data[: chance.randrange(0, len(data) + 1, SECTOR) if len(data) >= SECTOR else 0]
                put(content, offset, data)
            left[name] = bytes(content)
        return left, dropped


def put(content: bytearray, offset: int, data: bytes | None) -> None:
    """Write into a file, or cut it off."""
    if data is None:
        del content[offset:]
        content.extend(bytes(max(0, offset - len(content))))
        return
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


def played(output: Path, names: dict[str, str]) -> tuple[list[tuple[str, ...]], list[object]]:
    """The events of a trace that matter: (kind, file) and what belongs to them."""
    kinds: list[tuple[str, ...]] = []
    values: list[object] = []
    opened: dict[int, str] = {}

    def add(kind: str, name: str, value: object) -> None:
        kinds.append((kind, name))
        values.append(value)

    for call in traced.calls(output):
        if call.name == "openat" and call.result >= 0:
            opened.pop(call.result, None)
            if call.path in names:
                opened[call.result] = names[call.path]
        elif call.name in ("unlink", "unlinkat") and call.result == 0 and call.path in names:
            add("unlink", names[call.path], None)
        elif call.name in ("sendto", "sendmsg") and call.result > 0:
            data = call.data
            if data.startswith(b"HTTP/1.1 202"):
                add("answer", "", json.loads(data.partition(b"\r\n\r\n")[2]))
        elif call.name in ("pwrite64", "ftruncate", "fdatasync", "fsync") and call.result >= 0:
            name = opened.get(call.descriptor)
            if name is None:
                continue
            if call.name == "pwrite64":
                add("write", name, (call.numbers[-1], call.data))
            elif call.name == "ftruncate":
                add("truncate", name, call.numbers[-1])
            else:
                add("sync", name, None)
        elif call.name == "close":
            opened.pop(call.descriptor, None)
    return kinds, values


def run(cuts: int, folder: Path, seconds: float = 6.0, seed: int = 1, program: Sequence[str] = load.WORDS) -> Figures:
    """Load a server under strace, then cut the power ``cuts`` times."""
    deployment = load.new_deployment(folder / "data")
    pcs = load.enrolled(deployment, PCS)
    database = deployment.path / "muster.db"
    before = {name: path.read_bytes() for name, path in files(database).items() if path.exists()}
    key, port, ledger = deployment.key().public, load.free_port(), load.Ledger()
    output = folder / "trace"
    with load.serving(deployment.path, port, wrapped=traced.strace(output), program=program):
        loading = threading.Thread(target=load.load, args=(pcs, f"http://127.0.0.1:{port}", key, ledger, seconds))
        loading.start()
        loading.join()
        time.sleep(0.2)
    kinds, values = played(output, {str(path): name for name, path in files(database).items()})
    return cut(kinds, values, before, cuts, folder, random.Random(seed))


def files(database: Path) -> dict[str, Path]:
    """The files of a database that a power cut can hurt; the third is shared memory and made anew."""
    return {"db": database, "wal": database.with_name(database.name + "-wal")}


def cut(
    kinds: list[tuple[str, ...]],
    values: list[object],
    before: dict[str, bytes],
    cuts: int,
    folder: Path,
    chance: random.Random,
) -> Figures:
    """Play the events, and at random moments look at what a cut would have left."""
    disk = Disk({name: bytearray(content) for name, content in before.items()})
    moments = sorted(chance.randrange(1, len(kinds)) for _ in range(cuts))
    answers: list[dict[str, str]] = []
    acknowledged = lost = unusable = dropped = checkpoints = 0
    for number, ((kind, name), value) in enumerate(zip(kinds, values, strict=True)):
        while moments and moments[0] == number:
            moments.pop(0)
            left, gone = disk.after_a_cut(chance)
            dropped += gone
            acknowledged += len(answers)
            found = reports_after(left, folder / "after")
            unusable += found is None
            lost += len(answers) if found is None else len({answer["receipt"] for answer in answers} - found)
        if kind == "write":
            offset, data = value  # type: ignore[misc]
            checkpoints += name == "db" and bool(disk.pending.get("db")) is False
            disk.write(name, offset, data)
        elif kind == "truncate":
            disk.write(name, value, None)  # type: ignore[arg-type]
        elif kind == "sync":
            disk.sync(name)
        elif kind == "unlink":
            disk.synced.pop(name, None)
            disk.pending.pop(name, None)
        elif kind == "answer":
            answers.append(value)  # type: ignore[arg-type]
    return Figures(cuts, acknowledged, lost, unusable, dropped, checkpoints)


def reports_after(left: dict[str, bytes], folder: Path) -> set[str] | None:
    """The receipts of the reports in a database that a cut has left; None when it is not usable."""
    import base64

    from muster_server.store.database import Database, DatabaseError
    from muster_server.store.statements import everything, stored

    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    for name, path in files(folder / "muster.db").items():
        if name in left:
            path.write_bytes(left[name])
    try:
        database = Database.open(folder / "muster.db")
    except DatabaseError:
        return None
    try:
        with database.write() as connection:  # the first thing a server does after a cut
            if connection.exec_driver_sql("PRAGMA integrity_check").scalar() != "ok":
                return None
        with database.read() as connection:
            rows = connection.execute(everything())
            return {base64.b64encode(stored(row).receipt.to_bytes()).decode("ascii") for row in rows}
    finally:
        database.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        found = run(int(sys.argv[1]) if len(sys.argv) > 1 else 200, Path(temporary))
    print(found)
    sys.exit(0 if found.lost == found.unusable == 0 < found.acknowledged and found.dropped else 1)
