"""The databases that released versions made, as schemas/NUMBER.db.gz keeps them, and what must be in them afterwards.

schemas/0001.db was made by version 0.1 (its last commit before schema 0002): six simulated PCs reported three times;
then one left out four numbers, one sent a report that does not follow the one before and was collected on 31 February,
one used a number again; a token was never used, and a PC was revoked. Names and facts are invented.
"""

from __future__ import annotations

import gzip
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

SCHEMAS = Path(__file__).parent / "schemas"
# In the order of what refers to what.
TABLES = {"0001": ("tokens", "agents", "manifests", "bodies", "reports", "conflicts", "intervals", "findings")}
BOOLEANS = ("relapsed", "neutral")


def put(version: str, path: Path) -> None:
    """Put the database of a released schema there."""
    path.write_bytes(gzip.decompress((SCHEMAS / f"{version}.db.gz").read_bytes()))
    path.chmod(0o600)
    raw = sqlite3.connect(path)
    raw.execute("PRAGMA journal_mode=WAL")  # as the server leaves it; the copy that is kept here was vacuumed
    raw.close()


def rows(version: str, path: Path) -> dict[str, list[dict[str, Any]]]:
    """Everything in it, by table."""
    raw = sqlite3.connect(path)
    raw.row_factory = sqlite3.Row
    found = {table: [dict(row) for row in raw.execute(f"SELECT * FROM {table}")] for table in TABLES[version]}
    raw.close()
    return found


def load(connection: Connection, version: str, content: dict[str, list[dict[str, Any]]]) -> None:
    """Write it into an empty database of that schema, of whatever kind."""
    for table in TABLES[version]:
        for row in content[table]:
            row = {name: bool(value) if name in BOOLEANS else value for name, value in row.items()}
            names = ", ".join(row)
            values = ", ".join(f":{name}" for name in row)
            connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({values})"), row)
