"""How a command acts: through the one runner of acts, as whoever sits at the server or whose credential it is given."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from muster_server.access.roles import Need, may, unit_of
from muster_server.acts import performing
from muster_server.acts.act import Refused
from muster_server.cli import Context, Failure
from muster_server.deployment import Deployment
from muster_server.operator import operator
from muster_server.render.inert import inert
from muster_server.store import readers
from muster_server.store.readers import Reader
from muster_server.words import Words

CREDENTIAL_LIMIT = 1024  # bytes of a file
# What was typed wrong; everything else is wrong with what is there.
TYPED = frozenset(
    {
        "unknown_act",
        "bad_request",
        "bad_unit",
        "bad_name",
        "bad_tag",
        "bad_reason",
        "bad_serial",
        "viewer_and_unit",
        "unit_or_pc",
        "pc_alone",
        "pc_or_token",
        "pc_unit_or_all",
        "same_pc",
    }
)


def perform(context: Context, act: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Do an act, and have it in the audit log; returns what is told to who asked.

    Fields that are None are left out: they were not typed. Fails in a clear line.
    """
    said = {name: value for name, value in asked.items() if value is not None}
    if context.server is not None:
        return _there(context, act, said)
    database = Deployment(context.deployment()).database()
    try:
        with database.write() as connection:
            now = datetime.now(UTC)
            by = allowed(context, connection, Need.ACT, now)
            who = operator() if by is None else f"reader:{by.name}"
            return performing.perform(connection, act, said, who, now)
    except Refused as refused:
        raise failure(refused, context.words) from None
    finally:
        database.close()


def _there(context: Context, act: str, said: dict[str, Any]) -> dict[str, Any]:
    from muster_server.cli import remote  # only where a server is asked

    try:
        return remote.act(context, act, said)
    except remote.Unwilling as refused:
        raise failure(Refused(refused.code, **refused.values), context.words) from None


def failure(refused: Refused, words: Words) -> Failure:
    """The clear line for what was refused."""
    values = {name: value if isinstance(value, int) else inert(value) for name, value in refused.values.items()}
    advice = words.maybe(f"act.{refused.code}_advice", "", **values)
    return Failure(words("act." + refused.code, **values), advice, 2 if refused.code in TYPED else 5)


@contextmanager
def reading(context: Context, need: Need) -> Iterator[tuple[Connection, str | None]]:
    """A connection that reads, for somebody who may, and the one unit they see; None for all."""
    database = Deployment(context.deployment()).database()
    try:
        with database.read() as connection:
            reader = allowed(context, connection, need, datetime.now(UTC))
            yield connection, None if reader is None else unit_of(reader)
    finally:
        database.close()


def allowed(context: Context, connection: Connection, need: Need, now: datetime) -> Reader | None:
    """Whose role narrows this run: the holder of the credential that ``--access`` names, or None for the operator.

    Fails in a clear line when the credential does not hold, or the role does not suffice.
    """
    path = context.access
    if path is None:
        return None
    words = context.words
    reader = readers.find(connection, credential(path, words), now)
    if reader is None:
        raise Failure(words("access.not_valid", path=inert(path)), words("access.not_valid_advice"))
    if not may(reader, need):
        role = words.maybe("access.role." + reader.role, inert(reader.role))
        raise Failure(words("access.may_not." + need, name=inert(reader.name), role=role))
    return reader


def credential(path: Path, words: Words) -> str:
    """The credential in a file that only its owner can read. Fails in a clear line."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise Failure(words("access.no_file", path=inert(path)), exit_code=2)
            if status.st_mode & 0o077:
                raise Failure(words("access.exposed", path=inert(path)), words("access.exposed_advice"))
            data = file.read(CREDENTIAL_LIMIT)
    except OSError as error:
        why = inert(error.strerror or error)
        raise Failure(words("access.unreadable", path=inert(path), error=why), exit_code=2) from None
    return data.decode("utf-8", "replace").strip()
