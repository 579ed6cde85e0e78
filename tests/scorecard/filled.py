"""A deployment filled with reports that real keys signed, taken in by the real store: what the proofs of evidence,
backup and retention begin with.

    .venv/bin/python tests/scorecard/filled.py DIR [PCS [DAYS]]     makes one in DIR
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from muster_agent import __version__
from muster_agent.canonical import canonical
from muster_agent.facts import Boot, OsVersion, Package, SystemInfo, Table, Tables
from muster_agent.sending.envelope import ENROL, Envelope
from muster_agent.sending.home import State
from muster_agent.sending.keys import SigningKey
from muster_agent.sending.report import SignedReport, sign
from muster_server.acts.performing import perform
from muster_server.deployment import Deployment
from muster_server.receive import door
from muster_server.store import agents, keys
from muster_server.store.database import Database
from muster_server.store.reports import Accepted, accept_all
from muster_server.store.tokens import token_hash
from muster_server.words import Words

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


@dataclass
class PC:
    """A PC with its own key, and where its chain stands."""

    agent: str
    key: SigningKey
    name: str
    last: State = field(default_factory=State)
    major: int = 12  # what changes when something changes

    def tables(self) -> Tables:
        """What it says of itself."""
        packages = tuple(Package(name=f"package{n}", version=f"1.{n}.{self.major}") for n in range(20))
        return {
            "os_version": Table((OsVersion(name="Debian", platform="debian", major=self.major),)),
            "system_info": Table((SystemInfo(hostname=self.name),)),
            "boot": Table((Boot(boot_id=f"b{self.major}", boot_time="2026-01-05T07:00:00Z"),)),
            "packages": Table(packages),
        }

    def sign(self, at: datetime) -> SignedReport:
        """Its next report."""
        seq, signed = sign(self.tables(), self.agent, self.key, self.last, at.strftime("%Y-%m-%dT%H:%M:%SZ"))
        self.last = State(seq, Envelope.parse(signed.envelope).digest, signed.digests())
        return signed


class Filled:
    """A deployment and its PCs."""

    def __init__(self, path: Path, pcs: int, database: str | None = None) -> None:
        self.deployment = Deployment.create(path, "Test", Words("en"), database)
        self.database: Database = self.deployment.database()
        self.key = self.deployment.key()
        self.pcs = [self.enrol(f"pc{number}") for number in range(pcs)]

    def enrol(self, name: str, at: datetime = START) -> PC:
        """One more PC, by a token of its own."""
        key = SigningKey.generate()
        with self.database.write() as connection:
            token = perform(connection, "tokens.issue", {"unit": "IT"}, "os:test", at)["token"]
            hints = {"hostname": name}
            body = canonical(
                {
                    "agent_version": __version__,
                    "hints": hints,
                    "public_key": key.public.hex(),
                    "token": token_hash(token),
                }
            )
            agent = agents.enrol(connection, door.check_enrolment(body, key.sign(ENROL + body), token), at)
        assert agent is not None
        return PC(agent.id, key, name)

    def take(self, signed: list[SignedReport], at: datetime) -> list[Accepted]:
        """Take reports in, as the server's door and store do."""
        with self.database.write() as connection:
            checked = [door.check_report(one, lambda agent, id: keys.find(connection, agent, id)) for one in signed]
            return accept_all(connection, checked, at, self.key.sign)

    def day(self, number: int, changed: int = 0) -> None:
        """Every PC reports once; ``changed`` of them say something new."""
        at = START + timedelta(days=number)
        for pc in self.pcs[number % max(len(self.pcs), 1) :][:changed]:
            pc.major += 1
        for begin in range(0, len(self.pcs), 200):
            self.take([pc.sign(at) for pc in self.pcs[begin : begin + 200]], at + timedelta(seconds=begin))

    def rows(self, sql: str, *values: Any) -> list[Any]:
        """Rows of the database."""
        with self.database.read() as connection:
            return list(connection.exec_driver_sql(sql, tuple(values)))

    def close(self) -> None:
        """Close the database."""
        self.database.close()


def filled(path: Path, pcs: int, days: int, changed: int = 1, database: str | None = None) -> Filled:
    """``pcs`` PCs that report daily for so many days."""
    made = Filled(path, pcs, database)
    for number in range(days):
        made.day(number, changed if number else 0)
    return made


if __name__ == "__main__":
    count, length = (int(word) for word in [*sys.argv[2:], "10", "10"][:2])
    filled(Path(sys.argv[1]), count, length, max(count * 3 // 100, 1)).close()
    print(json.dumps({"pcs": count, "days": length}))
