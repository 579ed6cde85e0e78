"""muster doctor: every precondition of the deployment, one line each, and what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click

from muster_server.cli import Context
from muster_server.deployment import Deployment
from muster_server.doctor import Found, Level
from muster_server.render.inert import inert
from muster_server.words import Words

EXIT = {Level.OK: 0, Level.WARN: 3, Level.UNKNOWN: 3, Level.FAIL: 5}


def command(words: Words) -> click.Command:
    """The command, in the language of ``words``."""

    @click.command(
        "doctor", help=words("doctor.help"), epilog=words("doctor.examples"), short_help=words("doctor.short")
    )
    @click.option("--json", "as_json", is_flag=True, help=words("doctor.json"))
    @click.pass_obj
    def doctor(context: Context, as_json: bool) -> None:
        from muster_server.doctor.examination import examine

        found = []
        for one in examine(Deployment(context.deployment())):
            found.append(one)
            if not as_json:
                for line in lines(one, words):
                    click.echo(line)
        if as_json:
            click.echo(json.dumps([plain(one, words) for one in found], ensure_ascii=False, indent=2))
        worst = max((EXIT[one.level] for one in found), default=5)
        if not as_json:
            count = {level: sum(one.level is level for one in found) for level in Level}
            click.echo(words("doctor.total", **{level.value: number for level, number in count.items()}))
        if worst:
            raise click.exceptions.Exit(worst)

    return doctor


def lines(one: Found, words: Words) -> Iterator[str]:
    """The line of a check, and what to do under it."""
    said, advice = text(one, words)
    first, *rest = said.split("\n")
    yield f"{words('doctor.level.' + one.level.value)}  {first}"
    for line in [*rest, *(advice.split("\n") if advice else [])]:
        yield f"      {line}"


def text(one: Found, words: Words) -> tuple[str, str]:
    """What was found, and what to do; empty when there is nothing to do."""
    if "fault" in one.values:
        fault = one.values["fault"]
        values = {name: inert(str(value)) for name, value in fault.values.items()}
        return words(fault.code, **values), words.maybe(fault.code + "_advice", "", **values)
    if "mistakes" in one.values:
        mistakes = "\n".join(mistake.text(words) for mistake in one.values["mistakes"])
        return words(f"doctor.{one.code}") + "\n" + mistakes, words.maybe(f"doctor.{one.code}_advice", "")
    values = {name: inert(str(value)) for name, value in one.values.items()}
    if one.code == "database":
        return words(str(one.values["key"]), detail=values["detail"]), words("doctor.database_advice")
    advice = words.maybe(f"doctor.{one.code}_advice", "", **values) if one.level is not Level.OK else ""
    return words(f"doctor.{one.code}", **values), advice


def plain(one: Found, words: Words) -> dict[str, Any]:
    """For machines."""
    said, advice = text(one, words)
    return {"level": one.level.value, "check": one.code, "text": said, "advice": advice}
