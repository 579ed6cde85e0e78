"""Kill a migration with SIGKILL before each of its statements: the database must be the old one or the new one, whole.

    python tests/torture/migrations.py [EVERY]

Every released schema, on SQLite and on PostgreSQL; with EVERY only each so-many-th statement.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from cluster import Cluster, cluster
from sqlalchemy import event, text

from muster_server.store.database import Database
from muster_server.store.schema import HEAD

STORE = Path(__file__).resolve().parent.parent / "server" / "store"
SPEC = importlib.util.spec_from_file_location("released", STORE / "released.py")
assert SPEC is not None and SPEC.loader is not None
released = importlib.util.module_from_spec(SPEC)
sys.modules["released"] = released
SPEC.loader.exec_module(released)


@dataclass(frozen=True)
class Figures:
    """What came of it."""

    steps: int  # statements of the migrations
    kills: int
    old: int  # databases that were the old one afterwards
    new: int  # … the new one
    unusable: int  # … neither, or could not be brought up to date then, or had lost something
    seconds: float


def old_database(version: str, address: Path | str, content: dict[str, list[dict[str, Any]]]) -> None:
    """A database of a released schema."""
    if isinstance(address, Path):
        for left in address.parent.glob(address.name + "*"):
            left.unlink()
        released.put(version, address)
        return
    database = Database.at(address)
    database.migrate(version)
    with database.write() as connection:
        released.load(connection, version, content)
    database.close()


def statements(address: Path | str) -> int:
    """Bring a database up to date; how many statements that took."""
    database = Database.at(address)
    seen: list[str] = []
    event.listen(database._engines.writer, "before_cursor_execute", lambda *given: seen.append(given[2]))
    database.migrate()
    database.close()
    return len(seen)


def killed_at(step: int, address: Path | str) -> bool:
    """Let a process of its own migrate, and kill it before that statement; False when it came to the end."""
    child = os.fork()
    if child == 0:
        seen = 0

        def die(*given: object) -> None:
            nonlocal seen
            seen += 1
            if seen >= step:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            database = Database.at(address)
            event.listen(database._engines.writer, "before_cursor_execute", die)
            database.migrate()
            if step > seen:  # after the last statement: the commit is done, nothing is closed
                os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(3)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def state(address: Path | str, content: dict[str, list[dict[str, Any]]]) -> str:
    """The version it is at, after a look that it is whole; then it is brought up to date. Raises when it is not."""
    database = Database.at(address)
    try:
        found = database.version()
        database.check()
        if found != HEAD:
            database.migrate()
        with database.read() as connection:
            for table, rows in content.items():
                kept = connection.scalar(text(f"SELECT count(*) FROM {table}"))
                if kept != len(rows):
                    raise RuntimeError(f"{table}: {kept} of {len(rows)}")
        return found
    finally:
        database.close()


def run(folder: Path, server: Cluster, every: int = 1) -> Figures:
    """Every released schema, every ``every``-th statement."""
    began, steps, kills, states = time.monotonic(), 0, 0, {"old": 0, "new": 0, "unusable": 0}
    for file in sorted(released.SCHEMAS.glob("*.db.gz")):
        version = file.name.split(".")[0]
        released.put(version, folder / "content.db")
        content = released.rows(version, folder / "content.db")
        for kind in ("sqlite", "postgresql"):

            def fresh(kind: str = kind) -> Path | str:
                return folder / "muster.db" if kind == "sqlite" else server.new_database()

            address = fresh()
            old_database(version, address, content)
            total = statements(address)
            steps += total
            for step in [*range(1, total + 1, every), total + 1]:
                address = fresh()
                old_database(version, address, content)
                assert killed_at(step, address), "the migration was not killed"
                kills += 1
                try:
                    found = state(address, content)
                    states["old" if found == version else "new" if found == HEAD else "unusable"] += 1
                except Exception as error:
                    print(f"{version} {kind} step {step}: {error!r}")
                    states["unusable"] += 1
    return Figures(steps, kills, **states, seconds=time.monotonic() - began)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary, cluster() as started:
        figures = run(Path(temporary), started, int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    print(figures)
    sys.exit(0 if figures.unusable == 0 < figures.kills else 1)
