"""The views of `muster agents`: the list, one PC, and the PCs that may not be who they say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click
from sqlalchemy import Connection

from muster_server.access.roles import Need
from muster_server.acts import which
from muster_server.acts.act import Refused
from muster_server.cli import Context, listing
from muster_server.cli.performing import failure, reading
from muster_server.render.terminal.cells import Cell, Column, Row, fold, labelled, paint
from muster_server.store import keys, roster
from muster_server.store.roster import Member, Standing
from muster_server.store.tokens import ID
from muster_server.words import Words

CLOCK_FAULT = 120  # seconds: more than the way of a report and two good clocks explain (security.md §2.4)
MARKS = {
    Standing.ACTIVE: "+",
    Standing.AWAITING: "?",
    Standing.CONFLICT: "x",
    Standing.REVOKED: "-",
    Standing.REPLACED: "-",
}


def list_(words: Words) -> click.Command:
    """`muster agents list`."""

    @click.command(
        "list",
        help=words("agents.list.help"),
        epilog=words("agents.list.examples"),
        short_help=words("agents.list.short"),
    )
    @click.option("--unit", metavar="NAME", help=words("agents.option.list_unit"))
    @click.option("--state", type=click.Choice([str(one) for one in Standing]), help=words("agents.option.state"))
    @click.option("--json", "as_json", is_flag=True, help=words("list.json"))
    @click.pass_obj
    def command(context: Context, unit: str | None, state: str | None, as_json: bool) -> None:
        with reading(context, Need.REPORTS) as (connection, own):
            found = roster.every(connection, unit)
            if own is not None:
                found = [one for one in found if one.unit == own]
        ended = (Standing.REVOKED, Standing.REPLACED)
        if state is None:
            shown = [one for one in found if one.standing not in ended]
        else:
            shown = [one for one in found if one.standing == state]
        if as_json:
            listing.show_json({"agents": [document(one) for one in (found if state is None else shown)]})
            return
        if shown:
            listing.show(_columns(words), [_row(one, words) for one in shown])
            counted = {standing: sum(one.standing is standing for one in shown) for standing in Standing}
            told = [f"{words('agents.state.' + one)} {n}" for one, n in counted.items() if n]
            click.echo(words("agents.list.total", n=len(shown), states=", ".join(told)))
        else:
            click.echo(words("agents.list.none"))
        gone = sum(one.standing in ended for one in found)
        if state is None and gone:
            click.echo(words("agents.list.ended", n=gone))

    return command


def show(words: Words) -> click.Command:
    """`muster agents show PC`."""

    @click.command(
        "show",
        help=words("agents.show.help"),
        epilog=words("agents.show.examples"),
        short_help=words("agents.show.short"),
    )
    @click.argument("pc", metavar="PC")
    @click.option("--json", "as_json", is_flag=True, help=words("list.json"))
    @click.pass_obj
    def command(context: Context, pc: str, as_json: bool) -> None:
        with reading(context, Need.REPORTS) as (connection, own):
            try:
                one = which.pc(connection, pc, unit=own)  # whether it exists elsewhere is not told either
            except Refused as refused:
                raise failure(refused, words) from None
            found = _keys(connection, one)
        if as_json:
            listing.show_json({"agent": document(one), "keys": found})
            return
        for line in paint(labelled(_facts(one, words), listing.wide() - 1), colour=False):
            click.echo(line)
        click.echo(words("agents.show.keys"))
        listing.show(_key_columns(words), [_key_row(key, words) for key in found])

    return command


def show_conflicts(context: Context, as_json: bool) -> None:
    """`muster agents conflicts`: keys that two machines used, and PCs whose hardware says they are one."""
    words = context.words
    with reading(context, Need.REPORTS) as (connection, own):
        conflicts = roster.conflicts(connection)
        groups = roster.duplicates(connection, datetime.now(UTC))
    if own is not None:
        conflicts = [one for one in conflicts if one.unit == own]
        # A viewer learns that a PC of the unit may be a copy, and nothing of the other unit's.
        groups = [[one for one in group if one.unit == own] for group in groups]
        groups = [group for group in groups if group]
    if as_json:
        plain = [
            {"uuid": group[0].uuid, "serial": group[0].serial, "agents": [document(one) for one in group]}
            for group in groups
        ]
        listing.show_json({"conflicts": [document(one) for one in conflicts], "possible_duplicates": plain})
        return
    if not conflicts and not groups:
        click.echo(words("agents.conflicts.none"))
        return
    if conflicts:
        _paragraph(words("agents.conflicts.keys", n=len(conflicts)))
        heads = [*_columns(words), Column(words("agents.column.since"))]
        rows = [Row([*_row(one, words).cells, Cell(listing.minute(one.conflict_at))]) for one in conflicts]
        listing.show(heads, rows)
    for group in groups:
        if conflicts or group is not groups[0]:
            click.echo()
        _paragraph(words("agents.conflicts.group", n=len(group), uuid=group[0].uuid, serial=group[0].serial))
        listing.show(_columns(words), [_row(one, words) for one in group])
    click.echo()
    _paragraph(words("agents.conflicts.next"))


def _paragraph(text: str) -> None:
    for line in paint(fold(text, listing.wide() - 1), colour=False):
        click.echo(line)


def document(one: Member) -> dict[str, Any]:
    """A PC in JSON. Names are as the PC gave them."""
    return {
        "id": one.id,
        "name": one.name,
        "unit": one.unit,
        "tags": list(one.tags),
        "state": str(one.standing),
        "uuid": one.uuid,
        "serial": one.serial,
        "reports": one.last_seq,
        "enrolled_at": listing.moment(one.enrolled_at),
        "approved_at": listing.moment(one.approved_at),
        "last_report": listing.moment(one.last_report),
        "conflict_at": listing.moment(one.conflict_at),
        "clock_behind_seconds": one.skew,
        "rekey_at": listing.moment(one.rekey_at),
        "revoked_at": listing.moment(one.revoked_at),
        "revoked_for": one.revoked_for,
        "replaced_by": one.replaced_by,
    }


def _columns(words: Words) -> list[Column]:
    return [
        Column(words("agents.column.pc"), cut=12),
        Column(words("agents.column.id")),
        Column(words("agents.column.unit"), cut=8),
        Column(words("agents.column.state")),
        Column(words("agents.column.last_report")),
        Column(words("agents.column.enrolled"), at=100),
    ]


def _row(one: Member, words: Words) -> Row:
    return Row(
        [
            Cell(one.name),
            Cell(one.id[:8]),
            Cell(one.unit),
            Cell(f"{MARKS[one.standing]} {words('agents.state.' + one.standing)}"),
            Cell(listing.minute(one.last_report)),
            Cell(listing.minute(one.enrolled_at)),
        ]
    )


def _facts(one: Member, words: Words) -> list[tuple[str, str]]:
    """What is known of one PC, each with its label."""
    told: dict[str, str | None] = {
        "pc": one.name,
        "whole_id": one.id,
        "unit": one.unit,
        "state": words("agents.state." + one.standing),
        "reason": one.revoked_for,
        "revoked": None if one.revoked_at is None else listing.minute(one.revoked_at),
        "replaced_by": one.replaced_by,
        "conflict": None if one.conflict_at is None else listing.minute(one.conflict_at),
        "enrolled": listing.minute(one.enrolled_at),
        "last_report": listing.minute(one.last_report),
        "reports": str(one.last_seq),
        "uuid": one.uuid or "-",
        "serial": one.serial or "-",
        "clock": clock(one.skew, words),
        "rekey": None if one.rekey_at is None else listing.minute(one.rekey_at),
    }
    return [(words("agents.column." + name), value) for name, value in told.items() if value is not None]


def clock(skew: int | None, words: Words) -> str | None:
    """How far a PC's clock is off, once that is more than the network and two good clocks explain."""
    if skew is None or abs(skew) <= CLOCK_FAULT:
        return None
    return words("agents.clock.behind" if skew > 0 else "agents.clock.ahead", seconds=f"{abs(skew):,}")


def _keys(connection: Connection, one: Member) -> list[dict[str, Any]]:
    rows = keys.of_agent(connection, one.id)
    names = {row.number: row.id for row in rows}
    return [
        {
            "id": row.id,
            "since": listing.moment(row.since),
            "until": listing.moment(row.until),
            "token": None if row.token is None else row.token[:ID],
            "predecessor": names.get(row.predecessor),
        }
        for row in rows
    ]


def _key_columns(words: Words) -> list[Column]:
    names = ("key", "key_since", "key_until", "key_from")
    return [Column(words("agents.column." + name)) for name in names]


def _key_row(key: dict[str, Any], words: Words) -> Row:
    since, until = (None if key[name] is None else datetime.fromisoformat(key[name]) for name in ("since", "until"))
    if key["token"] is not None:
        origin = words("agents.key.token", id=key["token"])
    else:
        origin = words("agents.key.predecessor", id=key["predecessor"] or "-")
    ends = listing.minute(until) if until is not None else words("agents.key.holds")
    return Row([Cell(key["id"]), Cell(listing.minute(since)), Cell(ends), Cell(origin)])
