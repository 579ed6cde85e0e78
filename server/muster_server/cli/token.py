"""muster token: issue, list and revoke enrolment tokens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from muster_server.access.roles import Need
from muster_server.acts import performing
from muster_server.cli import Context, Failure, listing
from muster_server.cli.performing import perform, reading
from muster_server.cli.secret import hand_over
from muster_server.deployment import Deployment
from muster_server.operator import operator
from muster_server.render.inert import inert
from muster_server.render.terminal.cells import Cell, Column, Row
from muster_server.store import tokens
from muster_server.store.tokens import Listed
from muster_server.words import Words

MOST_USES = 10_000
MOST_DAYS = 90

Function = TypeVar("Function", bound=Callable[..., Any])


def issue(deployment: Deployment, unit: str, uses: int, days: int, tags: tuple[str, ...] = ()) -> str:
    """Issue a token; it is returned for the only time. Raises ``DatabaseError`` and ``Refused``."""
    database = deployment.database()
    try:
        with database.write() as connection:
            asked = {"unit": unit, "uses": uses, "days": days, "tags": list(tags)}
            done = performing.perform(connection, "tokens.issue", asked, operator(), datetime.now(UTC))
            return str(done["token"])
    finally:
        database.close()


def command(words: Words) -> click.Group:
    """The group; without a word behind it, it issues."""

    @click.group(
        "token",
        invoke_without_command=True,
        help=words("token.help"),
        epilog=words("token.examples"),
        short_help=words("token.short"),
        subcommand_metavar="[COMMAND]",
    )
    @_terms(words)
    @click.pass_context
    def token(ctx: click.Context, /, **asked: Any) -> None:
        if ctx.invoked_subcommand is None:
            _issue(ctx.obj, asked, words)
            return
        for name in asked:
            if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
                raise Failure(words("token.behind", word=ctx.invoked_subcommand), exit_code=2)

    @click.command(
        "issue", help=words("token.help"), epilog=words("token.examples"), short_help=words("token.issue.short")
    )
    @_terms(words)
    @click.pass_obj
    def issue_(context: Context, /, **asked: Any) -> None:
        _issue(context, asked, words)

    token.add_command(issue_)
    token.add_command(_list(words))
    token.add_command(_revoke(words))
    return token


def _terms(words: Words) -> Callable[[Function], Function]:
    """The options of a new token."""

    def add(function: Function) -> Function:
        kinds: dict[str, dict[str, Any]] = {
            "output": {"metavar": "FILE", "type": click.Path(path_type=Path, dir_okay=False)},
            "needs-approval": {"is_flag": True},
            "serial": {"metavar": "SERIAL"},
            "days": {"metavar": "N", "type": click.IntRange(1, MOST_DAYS), "default": 1, "show_default": True},
            "uses": {"metavar": "N", "type": click.IntRange(1, MOST_USES), "default": 1, "show_default": True},
            "for": {"metavar": "PC"},
            "unit": {"metavar": "NAME"},
        }
        for name, kind in kinds.items():  # decorators apply from the last one up
            said = words("token." + name.replace("-", "_"))
            function = click.option(f"--{name}", name.replace("-", "_").replace("for", "pc"), help=said, **kind)(
                function
            )
        return function

    return add


def _issue(context: Context, asked: dict[str, Any], words: Words) -> None:
    if asked["unit"] is None and asked["pc"] is None:
        raise Failure(words("act.unit_or_pc"), exit_code=2)
    unit = None if asked["unit"] is None else asked["unit"].strip()
    if unit is not None and (not unit or not unit.isprintable() or len(unit) > 100):
        raise Failure(words("token.bad_unit"), exit_code=2)
    output: Path | None = asked["output"]
    done: dict[str, Any] = {}

    def make() -> str:
        done.update(
            perform(
                context,
                "tokens.issue",
                {
                    "unit": unit,
                    "pc": asked["pc"],
                    "uses": asked["uses"],
                    "days": asked["days"],
                    "approval": asked["needs_approval"],
                    "serial": asked["serial"],
                },
            )
        )
        return str(done["token"])

    hand_over(make, output, words)
    if asked["pc"] is not None:
        click.echo(words("token.done_pc", pc=inert(asked["pc"]), days=asked["days"], id=done["id"]), err=True)
        return
    click.echo(words("token.done", unit=inert(unit), uses=asked["uses"], days=asked["days"], id=done["id"]), err=True)
    if asked["needs_approval"]:
        click.echo(words("token.approve", id=done["id"]), err=True)


def _list(words: Words) -> click.Command:
    @click.command(
        "list",
        help=words("token.list.help"),
        epilog=words("token.list.examples"),
        short_help=words("token.list.short"),
    )
    @click.option("--all", "everything", is_flag=True, help=words("token.list.all"))
    @click.option("--json", "as_json", is_flag=True, help=words("list.json"))
    @click.pass_obj
    def list_(context: Context, everything: bool, as_json: bool) -> None:
        now = datetime.now(UTC)
        with reading(context, Need.AUDIT) as (connection, _):
            found = tokens.every(connection)
        shown = [one for one in found if everything or state(one, now) == "valid"]
        if as_json:
            listing.show_json({"tokens": [_document(one, now) for one in shown]})
            return
        if shown:
            listing.show(_columns(words), [_row(one, now, words) for one in shown])
        else:
            click.echo(words("token.list.none"))
        if len(shown) < len(found):
            click.echo(words("token.list.ended", n=len(found) - len(shown)))

    return list_


def state(one: Listed, now: datetime) -> str:
    """valid, used, expired or revoked."""
    if one.revoked_at is not None:
        return "revoked"
    if one.uses_left <= 0:
        return "used"
    return "expired" if one.expires_at <= now else "valid"


def _columns(words: Words) -> list[Column]:
    return [
        Column(words("token.column.id")),
        Column(words("token.column.unit"), cut=10),
        Column(words("token.column.left"), right=True),
        Column(words("token.column.state")),
        Column(words("token.column.expires")),
        Column(words("token.column.terms"), cut=12, below=True),
        Column(words("token.column.by"), at=100, cut=8),
    ]


def _row(one: Listed, now: datetime, words: Words) -> Row:
    terms = []
    if one.approval:
        terms.append(words("token.term.approval"))
    if one.agent is not None:
        terms.append(words("token.term.pc", id=one.agent[:8]))
    if one.serial is not None:
        terms.append(words("token.term.serial", serial=one.serial))
    return Row(
        [
            Cell(one.id),
            Cell(one.unit),
            Cell(f"{one.uses_left}/{one.uses}"),
            Cell(words("token.state." + state(one, now))),
            Cell(listing.minute(one.expires_at)),
            Cell("; ".join(terms) or "-"),
            Cell(one.created_by),
        ]
    )


def _document(one: Listed, now: datetime) -> dict[str, Any]:
    return {
        "id": one.id,
        "unit": one.unit,
        "state": state(one, now),
        "uses": one.uses,
        "uses_left": one.uses_left,
        "needs_approval": one.approval,
        "pc": one.agent,
        "serial": one.serial,
        "created_at": listing.moment(one.created_at),
        "created_by": one.created_by,
        "expires_at": listing.moment(one.expires_at),
        "revoked_at": listing.moment(one.revoked_at),
    }


def _revoke(words: Words) -> click.Command:
    @click.command(
        "revoke",
        help=words("token.revoke.help"),
        epilog=words("token.revoke.examples"),
        short_help=words("token.revoke.short"),
    )
    @click.argument("token", metavar="ID")
    @click.pass_obj
    def revoke(context: Context, token: str) -> None:
        done = perform(context, "tokens.revoke", {"token": token.strip().lower()})
        click.echo(words("token.revoked", id=done["id"]))

    return revoke
