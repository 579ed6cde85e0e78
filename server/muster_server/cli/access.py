"""muster access: who may read reports, and who may administer, from outside this machine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from muster_server.access.roles import Need, Role
from muster_server.cli import Context, Failure, listing
from muster_server.cli.performing import perform, reading
from muster_server.cli.secret import hand_over
from muster_server.render.inert import inert
from muster_server.render.terminal.cells import Cell, Column, Row
from muster_server.store import readers
from muster_server.store.readers import Reader
from muster_server.words import Words

MOST_DAYS = 3660


def command(words: Words) -> click.Group:
    """The group ``access`` in the language of ``words``."""

    @click.group("access", help=words("access.help"), epilog=words("access.examples"), short_help=words("access.short"))
    def access() -> None:
        pass

    for make in (_list, _add, _revoke):
        access.add_command(make(words))
    return access


def _command(name: str, words: Words) -> Callable[[Callable[..., Any]], click.Command]:
    return click.command(name, **_texts(name, words))


def _texts(name: str, words: Words) -> dict[str, Any]:
    return {
        "help": words(f"access.{name}.help"),
        "epilog": words(f"access.{name}.examples"),
        "short_help": words(f"access.{name}.short"),
    }


def _list(words: Words) -> click.Command:
    @_command("list", words)
    @click.option("--json", "as_json", is_flag=True, help=words("list.json"))
    @click.pass_obj
    def list_(context: Context, as_json: bool) -> None:
        now = datetime.now(UTC)
        with reading(context, Need.AUDIT) as (connection, _):
            found = readers.every(connection)
        if as_json:
            listing.show_json({"access": [_document(one, now) for one in found]})
        elif found:
            listing.show(_columns(words), [_row(one, now, words) for one in found])
        else:
            click.echo(words("access.list.none"))

    return list_


def state(one: Reader, now: datetime) -> str:
    """valid, expired or revoked."""
    if one.revoked_at is not None:
        return "revoked"
    return "expired" if one.expires_at <= now else "valid"


def _columns(words: Words) -> list[Column]:
    return [
        Column(words("access.column.name"), cut=10),
        Column(words("access.column.role")),
        Column(words("access.column.unit"), cut=8),
        Column(words("access.column.state")),
        Column(words("access.column.expires")),
        Column(words("access.column.by"), at=100, cut=8),
    ]


def _row(one: Reader, now: datetime, words: Words) -> Row:
    return Row(
        [
            Cell(one.name),
            Cell(words.maybe("access.role." + one.role, one.role)),
            Cell(one.unit or "-"),
            Cell(words("token.state." + state(one, now))),
            Cell(listing.minute(one.expires_at)),
            Cell(one.created_by),
        ]
    )


def _document(one: Reader, now: datetime) -> dict[str, Any]:
    return {
        "name": one.name,
        "role": one.role,
        "unit": one.unit,
        "state": state(one, now),
        "created_at": listing.moment(one.created_at),
        "created_by": one.created_by,
        "expires_at": listing.moment(one.expires_at),
        "revoked_at": listing.moment(one.revoked_at),
    }


def _add(words: Words) -> click.Command:
    @_command("add", words)
    @click.argument("name", metavar="NAME")
    @click.option(
        "--role", required=True, type=click.Choice([str(one) for one in Role]), help=words("access.option.role")
    )
    @click.option("--unit", metavar="NAME", help=words("access.option.unit"))
    @click.option(
        "--days",
        type=click.IntRange(1, MOST_DAYS),
        metavar="N",
        default=365,
        show_default=True,
        help=words("access.option.days"),
    )
    @click.option(
        "--output", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help=words("access.option.output")
    )
    @click.pass_obj
    def add(context: Context, name: str, role: str, unit: str | None, days: int, output: Path | None) -> None:
        if (role == Role.VIEWER) is not (unit is not None):
            raise Failure(words("act.viewer_and_unit"), exit_code=2)
        asked = {"name": name, "role": role, "unit": unit, "days": days}
        hand_over(lambda: str(perform(context, "readers.add", asked)["credential"]), output, words)
        said = words("access.role." + role) if unit is None else f"{words('access.role.' + role)} ({inert(unit)})"
        click.echo(words("access.added", name=inert(name.strip()), role=said, days=days), err=True)

    return add


def _revoke(words: Words) -> click.Command:
    @_command("revoke", words)
    @click.argument("name", metavar="NAME")
    @click.pass_obj
    def revoke(context: Context, name: str) -> None:
        done = perform(context, "readers.revoke", {"name": name})
        click.echo(words("access.revoked", name=inert(done["name"])))
        if done["last"]:
            click.echo(words("access.last"), err=True)

    return revoke
