"""How fast signed reports are taken in, beside a handler that only verifies, unpacks and decodes the same bodies.

    python benchmarks/receiving.py [--reports N] [--rounds N]

Both run under the listener of ``muster serve`` in a process of their own, in turn, on loopback; the load comes from a
third process on the same processors. New: every report carries all 18 tables of a PC that the server knows nothing of
(800 packages, 30 ports, no two alike). Unchanged: what a PC sends whose tables the server has. Every answer of Muster
means that the report is stored durably in SQLite. The goal is half the rate of the bare handler.
"""

# ruff: noqa: S603  # the commands below are written here

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fleet
import loading

from muster_agent.sending.keys import SigningKey
from muster_server.receive.door import check_report
from muster_server.store import keys
from muster_server.store.database import Database
from muster_server.store.reports import accept_all

LANES = 64  # connections that have a report under way
GOAL = 0.5
KINDS = ("bare", "muster")


def bare(database: Database) -> Any:
    """The floor: a Starlette handler that verifies the signature, unpacks the body and decodes its JSON."""
    import base64
    import gzip

    import msgspec
    from sqlalchemy import select
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    from muster_agent.sending.keys import verify
    from muster_server.store.schema import keys as keys_table

    with database.read() as connection:
        known = {
            row.agent: bytes.fromhex(row.public_key)
            for row in connection.execute(select(keys_table.c.agent, keys_table.c.public_key))
        }

    async def handler(request: Request) -> Response:
        body = await request.body()
        envelope = base64.b64decode(request.headers["Muster-Envelope"])
        signature = base64.b64decode(request.headers["Muster-Signature"])
        if not verify(known[envelope.split(b"\n", 2)[1].decode("ascii")], signature, envelope):
            return JSONResponse({}, status_code=401)
        content = msgspec.json.decode(gzip.decompress(body))
        return JSONResponse({"tables": len(content["manifest"]["tables"])}, status_code=202)

    return Starlette(routes=[Route("/v1/reports", handler, methods=["POST"])])


def serve(kind: str, path: Path) -> None:
    """One of the two, until it is told to stop; prints its port."""
    from muster_server.receive.app import Receiver
    from muster_server.receive.listener import BACKLOG, Listener
    from muster_server.receive.metrics import Metrics

    sys.setswitchinterval(0.0005)  # as muster serve does
    database = Database.open(path)
    metrics = Metrics()
    application = (
        bare(database)
        if kind == "bare"
        else Receiver(database, SigningKey.generate(), lambda pc: None, metrics=metrics).application()
    )
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(BACKLOG)
        print(listener.getsockname()[1], flush=True)
        Listener(application, [listener], metrics).run()


@contextlib.contextmanager
def running(kind: str, path: Path, copied: bool = True) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """A server on the database, or on a copy of it; its port and process."""
    with tempfile.TemporaryDirectory() as folder:
        used = Path(folder) / "muster.db" if copied else path
        if copied:
            shutil.copy(path, used)
        line = [sys.executable, __file__, "serve", kind, str(used)]
        with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            try:
                yield int(server.stdout.readline()), server
            finally:
                server.terminate()


def cpu(pid: int) -> float:
    """Seconds of processor time a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(kind: str, database: Path, requests: Path, count: int) -> dict[str, float]:
    """One run of the load against one of the two. Raises ``RuntimeError`` when not everything was taken in."""
    with running(kind, database) as (port, server):
        before = cpu(server.pid)
        line = [sys.executable, loading.__file__, str(port), str(requests), str(LANES)]
        done = subprocess.run(line, check=True, capture_output=True, text=True)
        found: dict[str, Any] = json.loads(done.stdout)
        if found["statuses"] != {"202": count}:
            raise RuntimeError(f"{kind}: {found['statuses']}, expected {count} times 202")
        return {
            "rate": found["rate"],
            "p99": found["p99"],
            "server": (cpu(server.pid) - before) / count,
            "client": found["client_cpu"] / count,
        }


def prepare(folder: Path, count: int) -> dict[str, tuple[Path, Path, int]]:
    """The databases and the requests of both loads."""
    pcs_new = fleet.Fleet()
    now = datetime.now(UTC)
    made: dict[str, tuple[Path, Path, int]] = {}
    for name in ("new", "unchanged"):
        path = folder / f"{name}.db"
        pcs = list(pcs_new.pcs(count if name == "new" else LANES * 4))
        database = Database.create(path)
        fleet.enrol(database, pcs, now)
        requests = folder / f"{name}.requests"
        first = [pc.sign(pcs_new.full(pc)) for pc in pcs]
        if name == "new":
            sent = loading.write(requests, (loading.request_of(signed) for signed in first))
        else:
            key = SigningKey.generate()
            with database.write() as connection:
                incoming = [check_report(one, lambda agent, id: keys.find(connection, agent, id)) for one in first]
                accept_all(connection, incoming, now, key.sign)
            bodies = [pcs_new.carrying(pc, ()) for pc in pcs]
            turns = max(1, 3 * count // len(pcs))
            unchanged = (pc.sign(body) for _ in range(turns) for pc, body in zip(pcs, bodies, strict=True))
            sent = loading.write(requests, map(loading.request_of, unchanged))
        database.close()
        made[name] = path, requests, sent
    return made


def main() -> int:
    """Both servers in turn under both loads; ends with 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=int, default=1984, help="new reports of a round (default 1984)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each server, the median counts (default 3)")
    arguments = parser.parse_args()
    count = max(LANES, arguments.reports // LANES * LANES)
    missed = False
    with tempfile.TemporaryDirectory() as folder:
        prepared = prepare(Path(folder), count)
        print(f"{'':26}{'reports/s':>11}{'p99 ms':>9}{'server µs':>11}{'client µs':>11}")
        for name, (database, requests, sent) in prepared.items():
            runs: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
            for _ in range(arguments.rounds):
                for kind in KINDS:
                    runs[kind].append(measure(kind, database, requests, sent))
            rates = {}
            for kind in KINDS:
                middle = {key: statistics.median(run[key] for run in runs[kind]) for key in runs[kind][0]}
                rates[kind] = middle["rate"]
                figures = f"{middle['rate']:11.0f}{middle['p99'] * 1e3:9.1f}{middle['server'] * 1e6:11.0f}"
                print(f"{name + ', ' + kind:26}{figures}{middle['client'] * 1e6:11.0f}")
            ratio = rates["muster"] / rates["bare"]
            missed |= ratio < GOAL
            print(f"{name + ', muster / bare':26}{ratio:11.2f}   goal {GOAL} {'met' if ratio >= GOAL else 'MISSED'}")
    return int(missed)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(sys.argv[2], Path(sys.argv[3]))
    else:
        sys.exit(main())
