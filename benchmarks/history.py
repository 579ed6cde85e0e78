"""What a year of an office costs in the database: bytes of an unchanged report, and of a change.

    python benchmarks/history.py [--pcs N] [--days N] [--postgresql ADDRESS]

Every PC sends a signed report a day through store.reports.accept_all, with tables of real size (fleet.py): on the first
day all of them, then, with a chance of 3 % a day, one whose packages, updates, update status, antivirus or start has
changed, and else an unchanged one. What each kind costs is the growth of the file over days of that kind alone, found
by more days at the end: thirty on which nothing changes and one on which every PC's packages do. Everything is in the
figure: envelope, signature, chain, keys' indexes, the body as it was sent, the rows, and the pages that are half full.

The signatures are random bytes: no signature is checked here, and making three million would take longer than storing
them. Full size: --pcs 10000 --days 365.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import fleet

from muster_agent.canonical import digest
from muster_agent.sending.envelope import Envelope
from muster_agent.sending.keys import SigningKey
from muster_agent.sending.report import ENCODING, SignedReport
from muster_server.receive.body import decode
from muster_server.store.database import Database
from muster_server.store.reports import Incoming, Outcome, accept_all, packed

CHANGE = 0.03  # a day
BATCH = 128  # reports of one commit, as the server's writer makes them
STILL = 30  # days without a change at the end
GOAL = 200  # bytes of an unchanged report


class Office:
    """The PCs, what each last said, and the database that takes it in."""

    def __init__(self, database: Database, count: int) -> None:
        self.database = database
        self.fleet = fleet.Fleet()
        self.pcs = list(self.fleet.pcs(count))
        self.key = SigningKey.generate()
        self.numbers = random.Random(4)  # noqa: S311  # the same every time, on purpose
        self.said: list[tuple[bytes, bytes, frozenset[str]]] = []  # body, manifest and digests of an unchanged report
        self.seconds = 0.0
        fleet.enrol(database, self.pcs, fleet.START)

    def first(self, at: datetime) -> None:
        """Every PC reports everything."""
        for start in range(0, len(self.pcs), BATCH):
            some = self.pcs[start : start + BATCH]
            self.store([self.incoming(pc, *self.read(self.fleet.full(pc)), at=at) for pc in some], at)
            self.said += [self.unchanged(pc) for pc in some]

    def day(self, at: datetime, changed: Iterable[tuple[int, str]] = ()) -> None:
        """Every PC reports; ``changed`` names the numbers of those on which a table has changed."""
        new = dict(changed)
        batch = []
        for pc in self.pcs:
            if pc.number in new:
                name = new[pc.number]
                pc.changes[name] = pc.changes.get(name, 0) + 1
                body, manifest, digests, rows = self.read(self.fleet.carrying(pc, (name,)))
                batch.append(self.incoming(pc, body, manifest, digests, rows, at))
                self.said[pc.number] = self.unchanged(pc)
            else:
                batch.append(self.incoming(pc, *self.said[pc.number], at=at))
            if len(batch) == BATCH:
                self.store(batch, at)
                batch = []
        if batch:
            self.store(batch, at)

    def unchanged(self, pc: fleet.Pc) -> tuple[bytes, bytes, frozenset[str]]:
        """What the PC says as long as nothing changes."""
        return self.read(self.fleet.carrying(pc, ()))[:3]

    @staticmethod
    def read(body: bytes) -> tuple[bytes, bytes, frozenset[str], dict[str, bytes]]:
        """A body, its manifest, the digests it names and the rows it carries."""
        import gzip

        checked = decode(gzip.decompress(body))
        return body, checked.described, checked.digests, {name: packed(rows) for name, rows in checked.bodies.items()}

    def incoming(
        self,
        pc: fleet.Pc,
        body: bytes,
        manifest: bytes,
        digests: frozenset[str],
        rows: dict[str, bytes] | None = None,
        at: datetime = fleet.START,
    ) -> Incoming:
        """The PC's next report as the door would hand it over."""
        started = pc.changes.get("boot", 0)
        envelope = Envelope(
            agent=pc.id,
            key=pc.key.id,
            seq=pc.seq + 1,
            previous=pc.previous,
            boot=f"6b0e7f0c-0000-4000-{started:04x}-{pc.number:012x}",
            collected_at=at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            encoding=ENCODING,
            body=digest(body),
        )
        data = envelope.to_bytes()
        pc.seq, pc.previous = envelope.seq, digest(data)
        signed = SignedReport(data, os.urandom(64), body)
        return Incoming(signed, envelope, pc.number + 1, manifest, digest(manifest), digests, rows or {}, None)

    def store(self, batch: list[Incoming], at: datetime) -> None:
        """One commit. Raises ``RuntimeError`` when a report is not taken in, or rows of it are missing."""
        began = time.perf_counter()
        with self.database.write() as connection:
            done = accept_all(connection, batch, at, self.key.sign)
        self.seconds += time.perf_counter() - began
        if any(one.outcome is not Outcome.ACCEPTED or one.missing for one in done):
            raise RuntimeError("a report was not stored whole")

    def size(self) -> int:
        """Bytes of the database that are in use."""
        with self.database.read() as connection:
            if connection.dialect.name == "postgresql":
                return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            free = connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
            return int(pages - free) * int(connection.exec_driver_sql("PRAGMA page_size").scalar_one())


def main() -> int:
    """Store the history, print the figures, and end with 1 when the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pcs", type=int, default=500, help="PCs (default 500)")
    parser.add_argument("--days", type=int, default=60, help="daily reports of each (default 60)")
    parser.add_argument("--postgresql", metavar="ADDRESS", help="an empty database to use in place of SQLite")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = Database.create(arguments.postgresql or Path(folder) / "muster.db")
        office = Office(database, arguments.pcs)
        empty = office.size()
        at = fleet.START
        office.first(at)
        after_first = office.size()
        changes = 0
        office.seconds = 0.0
        for _ in range(1, arguments.days):
            at += timedelta(days=1)
            new = [
                (pc.number, office.numbers.choice(fleet.CHANGING))
                for pc in office.pcs
                if office.numbers.random() < CHANGE
            ]
            changes += len(new)
            office.day(at, new)
        after = office.size()
        reports = arguments.pcs * (arguments.days - 1)
        for _ in range(STILL):
            at += timedelta(days=1)
            office.day(at)
        still = office.size() - after
        before = office.size()
        office.day(at + timedelta(days=1), [(pc.number, "packages") for pc in office.pcs])
        packages = office.size() - before
        database.close()
    unchanged = still / arguments.pcs / STILL
    print(f"{arguments.pcs} PCs, {arguments.days} daily reports, {changes} changes in {reports} reports")
    rows = (
        ("a PC's first report", (after_first - empty) / arguments.pcs, "bytes"),
        ("an unchanged report", unchanged, f"bytes   goal {GOAL}: {'met' if unchanged <= GOAL else 'MISSED'}"),
        ("a change (mean of five tables)", (after - after_first - (reports - changes) * unchanged) / changes, "bytes"),
        ("a change of the packages", packages / arguments.pcs, "bytes"),
        ("the whole history", after / 1e6, "MB"),
        ("stored, in one thread", reports / office.seconds, "reports/s"),
        ("peak memory", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MB, of which the PCs are most"),
    )
    for name, figure, unit in rows:
        print(f"{name:34}{figure:12,.0f} {unit}")
    return int(unchanged > GOAL)


if __name__ == "__main__":
    sys.exit(main())
