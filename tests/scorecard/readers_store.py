"""A deployment of many PCs for tests and measurements of what readers get: real keys, signed reports, the real door.

The PCs are those of the demonstration's office, so their facts differ as real ones do; only their names and keys are
each their own. ``python tests/scorecard/readers_store.py FOLDER 10000`` makes one.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from muster_agent.collect import collect
from muster_agent.facts import Table
from muster_agent.sending.home import State
from muster_agent.sending.keys import SigningKey
from muster_agent.sending.report import sign
from muster_server.demo.condition import condition
from muster_server.demo.office import UNITS, members
from muster_server.demo.pc import machine
from muster_server.deployment import Deployment
from muster_server.receive.door import check_report
from muster_server.store import agents, keys, reports, tokens
from muster_server.store.tokens import Terms
from muster_server.words import Words

KINDS = 100  # PCs whose facts are collected; the others are like one of them, under another name
DAYS = 3  # ago they were enrolled, and reported


def make(folder: Path, size: int) -> Deployment:
    """Make the deployment in a folder that does not exist yet."""
    deployment = Deployment.create(folder, "Measured office", Words("en"))
    database = deployment.database()
    server = deployment.key()
    now = datetime.now(UTC)
    at = now - timedelta(days=DAYS)
    kinds: list[dict[str, Any]] = []
    with database.write() as connection:
        issued = [
            tokens.issue(connection, Terms(unit["zh"], size + 1), "os:test", at, now + timedelta(days=1))
            for unit, _, _ in UNITS
        ]
    for member in members(size):
        if len(kinds) < KINDS:
            kinds.append(collect(machine(condition(member.number, 1), member.name, now)))
        tables = dict(kinds[(member.number - 1) % KINDS])
        (row,) = tables["system_info"].rows
        tables["system_info"] = Table((dataclasses.replace(row, hostname=member.name),))
        key = SigningKey.generate()
        with database.write() as connection:
            token = tokens.token_hash(issued[member.unit])
            request = agents.Request(key.public, token, member.name, None, None, b"{}", bytes(64))
            agent = agents.enrol(connection, request, at)
            assert agent is not None
            signed = sign(tables, agent.id, key, State(), at.strftime("%Y-%m-%dT%H:%M:%SZ"))[1]
            incoming = check_report(signed, lambda who, name: keys.find(connection, who, name))
            reports.accept(connection, incoming, at + timedelta(minutes=5), server.sign)
    database.close()
    return deployment


if __name__ == "__main__":
    began = time.monotonic()
    make(Path(sys.argv[1]), int(sys.argv[2]))
    print(f"{sys.argv[2]} PCs in {time.monotonic() - began:.0f} s")
