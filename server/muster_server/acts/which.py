"""Which PC, and which token, is meant: by name, or by the beginning of the id."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from muster_server.acts.act import Refused
from muster_server.store import roster, tokens
from muster_server.store.roster import Member

OFFERED = 5  # PCs named when several are meant


def in_use(one: Member) -> bool:
    """Not revoked."""
    return one.revoked_at is None


def revoked(one: Member) -> bool:
    """Revoked, or replaced."""
    return one.revoked_at is not None


def pc(connection: Connection, said: str, wanted: Callable[[Member], bool] = in_use, unit: str | None = None) -> Member:
    """The PC that is meant. Where several bear the name, the one that is as ``wanted``, if it is the only one. With
    ``unit`` there are no others than those of that unit.

    Raises :class:`Refused`: no_pc, or many_pcs with their ids.
    """
    found = [one for one in roster.named(connection, said.strip()) if unit in (None, one.unit)]
    if not found:
        raise Refused("no_pc", given=said)
    chosen = [one for one in found if wanted(one)] if len(found) > 1 else found
    if len(chosen) == 1:
        return chosen[0]
    told = ", ".join(f"{one.name} ({one.id})" for one in (chosen or found)[:OFFERED])
    more = ", .." if len(chosen or found) > OFFERED else ""
    raise Refused("many_pcs", given=said, n=len(chosen or found), names=told + more)


def token(connection: Connection, said: str) -> str:
    """The hash of the token whose id begins so. Raises :class:`Refused`."""
    found = tokens.named(connection, said)
    if len(found) != 1:
        raise Refused("many_tokens" if found else "no_token", given=said)
    return found[0]
