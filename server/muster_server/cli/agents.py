"""muster agents: the PCs that are enrolled, and what an administrator does about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from muster_server.cli import Context, Failure, roster
from muster_server.cli.performing import perform
from muster_server.render.inert import inert
from muster_server.words import Words


def command(words: Words) -> click.Group:
    """The group ``agents`` in the language of ``words``."""

    @click.group("agents", help=words("agents.help"), epilog=words("agents.examples"), short_help=words("agents.short"))
    def agents() -> None:
        pass

    for make in (roster.list_, roster.show, _revoke, _restore, _approve, _replace, _rekey, _move, _conflicts):
        agents.add_command(make(words))
    return agents


def _command(name: str, words: Words) -> Callable[[Callable[..., Any]], click.Command]:
    return click.command(name, **_texts(name, words))


def _texts(name: str, words: Words) -> dict[str, Any]:
    return {
        "help": words(f"agents.{name}.help"),
        "epilog": words(f"agents.{name}.examples"),
        "short_help": words(f"agents.{name}.short"),
    }


def _said(key: str, done: dict[str, Any], words: Words) -> None:
    click.echo(words(key, **{name: value if isinstance(value, int) else inert(value) for name, value in done.items()}))


def _revoke(words: Words) -> click.Command:
    @_command("revoke", words)
    @click.argument("pc", metavar="PC")
    @click.option("--reason", required=True, metavar="TEXT", help=words("agents.option.reason"))
    @click.pass_obj
    def revoke(context: Context, pc: str, reason: str) -> None:
        _said("agents.revoked", perform(context, "agents.revoke", {"pc": pc, "reason": reason}), words)

    return revoke


def _restore(words: Words) -> click.Command:
    @_command("restore", words)
    @click.argument("pc", metavar="PC")
    @click.pass_obj
    def restore(context: Context, pc: str) -> None:
        _said("agents.restored", perform(context, "agents.restore", {"pc": pc}), words)

    return restore


def _approve(words: Words) -> click.Command:
    @_command("approve", words)
    @click.argument("pc", metavar="PC", required=False)
    @click.option("--token", metavar="ID", help=words("agents.option.token"))
    @click.pass_obj
    def approve(context: Context, pc: str | None, token: str | None) -> None:
        token = None if token is None else token.strip().lower()
        _said("agents.approved", perform(context, "agents.approve", {"pc": pc, "token": token}), words)

    return approve


def _replace(words: Words) -> click.Command:
    @_command("replace", words)
    @click.argument("old", metavar="OLD")
    @click.argument("new", metavar="NEW")
    @click.pass_obj
    def replace(context: Context, old: str, new: str) -> None:
        _said("agents.replaced", perform(context, "agents.replace", {"old": old, "new": new}), words)

    return replace


def _rekey(words: Words) -> click.Command:
    @_command("rekey", words)
    @click.argument("pc", metavar="PC", required=False)
    @click.option("--unit", metavar="NAME", help=words("agents.option.rekey_unit"))
    @click.option("--all", "everything", is_flag=True, help=words("agents.option.rekey_all"))
    @click.pass_obj
    def rekey(context: Context, pc: str | None, unit: str | None, everything: bool) -> None:
        asked = {"pc": pc, "unit": unit, "all": everything}
        _said("agents.rekeyed", perform(context, "agents.rekey", asked), words)

    return rekey


def _move(words: Words) -> click.Command:
    @_command("move", words)
    @click.argument("pc", metavar="PC")
    @click.option("--unit", required=True, metavar="NAME", help=words("agents.option.move_unit"))
    @click.pass_obj
    def move(context: Context, pc: str, unit: str) -> None:
        _said("agents.moved", perform(context, "agents.move", {"pc": pc, "unit": unit}), words)

    return move


def _conflicts(words: Words) -> click.Group:
    texts = _texts("conflicts", words)

    @click.group(
        "conflicts",
        invoke_without_command=True,
        help=texts["help"],
        epilog=texts["epilog"],
        short_help=texts["short_help"],
    )
    @click.option("--json", "as_json", is_flag=True, help=words("list.json"))
    @click.pass_context
    def conflicts(ctx: click.Context, as_json: bool) -> None:
        if ctx.invoked_subcommand is None:
            roster.show_conflicts(ctx.obj, as_json)
        elif as_json:
            raise Failure(words("agents.conflicts.json_alone"), exit_code=2)

    @_command("resolve", words)
    @click.argument("pc", metavar="PC")
    @click.option("--how", required=True, metavar="TEXT", help=words("agents.option.how"))
    @click.pass_obj
    def resolve(context: Context, pc: str, how: str) -> None:
        _said("agents.resolved", perform(context, "conflicts.resolve", {"pc": pc, "how": how}), words)

    conflicts.add_command(resolve)
    return conflicts
