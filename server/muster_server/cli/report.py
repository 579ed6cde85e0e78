"""`muster report`: the office, one PC, one rule, or the report of a month."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from muster_server.cli import Context, Failure, typed
from muster_server.render.inert import inert
from muster_server.render.terminal import document, office, pc, rule
from muster_server.render.terminal.screen import Screen
from muster_server.store.space import full_since
from muster_server.tally import Tally
from muster_server.tally.naming import Unknown, find_pc, find_rule
from muster_server.words import Words

PAPER = 100  # columns where nobody says how wide the paper is: a pipe, a file, a mail (reports.md §2.2)
NARROWEST = 40
OFFERED = 10  # names given when several fit, or none does


@dataclass(frozen=True)
class Asked:
    """What was typed."""

    pc: str | None
    rule: str | None
    month: str | None
    html: Path | None
    as_json: bool
    everything: bool
    limit: int | None
    color: str


def command(words: Words) -> click.Command:
    """Build the command in the language of ``words``."""

    @click.command(
        "report", help=words("report.help"), epilog=words("report.examples"), short_help=words("report.short")
    )
    @click.option("--pc", metavar="NAME", help=words("report.option.pc"))
    @click.option("--rule", metavar="ID", help=words("report.option.rule"))
    @click.option("--month", metavar="YYYY-MM", help=words("report.option.month"))
    @click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help=words("report.option.html"))
    @click.option("--json", "as_json", is_flag=True, help=words("report.option.json"))
    @click.option("--all", "everything", is_flag=True, help=words("report.option.all"))
    @click.option("--limit", type=click.IntRange(min=0), metavar="N", help=words("report.option.limit"))
    @click.option(
        "--color", type=click.Choice(("auto", "always", "never")), default="auto", help=words("report.option.color")
    )
    @click.pass_context
    def report(ctx: click.Context, /, **typed: Any) -> None:
        run(ctx, Asked(**typed))

    return report


def run(ctx: click.Context, asked: Asked) -> None:
    """Answer one question, or write the month. A bad office is an answer, so it exits 0."""
    context: Context = ctx.obj
    words = context.words
    refuse_wrong_combinations(asked, words)
    tty = sys.stdout is not None and sys.stdout.isatty()
    screen = Screen(
        words=words,
        columns=columns(tty, os.environ),
        colour=wants_colour(asked.color, tty, os.environ),
        limit=asked.limit,
        everything=asked.everything,
        command=_address(ctx),
    )
    with _said_clearly(asked, screen):
        if context.server is not None:
            from muster_server.cli import report_remote

            report_remote.run(context, asked, screen)
        else:
            _run_here(context, asked, screen)


def _run_here(context: Context, asked: Asked, screen: Screen) -> None:
    from muster_server import assessment
    from muster_server.render import html

    data, units = context.deployment(), _units(context)
    since = full_since(data)
    if since is not None:  # nothing has come in since then, so whatever follows is older than it looks
        click.echo(screen.words("report.storage_full", since=since.astimezone().isoformat(" ", "minutes")), err=True)
    if asked.html is not None:
        month = assessment.month(data, asked.month or this_month(), units)
        save(asked.html, html.render(month, screen.words).encode("utf-8"), screen.words)
        say_written(month.name, month.over, asked.html, screen.words)
        return
    tally = assessment.assess(data, units=units) if asked.month is None else _month(data, asked.month, units)
    if asked.pc is not None:
        one_pc = find_pc(tally, asked.pc)
        _show(asked, screen, lambda: document.pc(tally, one_pc), lambda: pc.lines(tally, one_pc, screen))
    elif asked.rule is not None:
        one = find_rule(tally, asked.rule)
        _show(
            asked, screen, lambda: document.rule(tally, one, asked.limit or 0), lambda: rule.lines(tally, one, screen)
        )
    else:
        _show(asked, screen, lambda: document.office(tally, asked.limit or 0), lambda: office.lines(tally, screen))


def this_month() -> str:
    """The month that runs, in this machine's zone."""
    return datetime.now().astimezone().strftime("%Y-%m")


def refuse_wrong_combinations(asked: Asked, words: Words) -> None:
    """Options that contradict each other are a mistake to be told, not a choice to be guessed."""
    if asked.pc is not None and asked.rule is not None:
        raise Failure(words("report.error.pc_or_rule"), exit_code=2)
    if asked.everything and asked.limit is not None:
        raise Failure(words("report.error.all_or_limit"), exit_code=2)
    if asked.html is not None:
        others = {
            "--pc": asked.pc is not None,
            "--rule": asked.rule is not None,
            "--json": asked.as_json,
            "--all": asked.everything,
            "--limit": asked.limit is not None,
        }
        for name, given in others.items():
            if given:
                raise Failure(words("report.error.html_alone", other=name), exit_code=2)
    if asked.month is not None and not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", asked.month):
        raise Failure(words("report.error.month", given=inert(asked.month)), exit_code=2)


def columns(tty: bool, environment: Mapping[str, str]) -> int:
    """How wide the screen is."""
    if tty:
        return max(shutil.get_terminal_size((PAPER, 24)).columns, NARROWEST)
    said = environment.get("COLUMNS", "")
    # int() would also read digits of other scripts and underscores; a shell writes neither.
    return max(int(said), NARROWEST) if re.fullmatch(r"[0-9]{1,5}", said) else PAPER


def wants_colour(asked: str, tty: bool, environment: Mapping[str, str]) -> bool:
    """--color, then NO_COLOR (no-color.org), then FORCE_COLOR or CLICOLOR_FORCE, then a dumb terminal, then the TTY."""
    if asked != "auto":
        return asked == "always"
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR") or environment.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return tty and environment.get("TERM") != "dumb"


def _offer(names: list[str], key: str, screen: Screen) -> str:
    if not names:
        return screen.words("report.error.no_nearest", command=screen.command)
    said = ", ".join(inert(name) for name in names[:OFFERED])
    return screen.words("report.error." + key, names=said + (", .." if len(names) > OFFERED else ""))


def _month(data: Path, name: str, units: Collection[str] | None) -> Tally:
    from muster_server import assessment

    return assessment.month(data, name, units).tally


def _units(context: Context) -> Collection[str] | None:
    """The units whose PCs the holder of --access sees; None for all."""
    if context.access is None:
        return None
    from muster_server.access.roles import Need
    from muster_server.cli.performing import reading

    with reading(context, Need.REPORTS) as (_, unit):
        return None if unit is None else {unit}


def save(path: Path, report: bytes, words: Words) -> None:
    """Write the month's report, whole or not at all. Fails in a clear line."""
    from muster_server.render import html

    try:
        html.save(path, report)
    except OSError as error:
        why = error.strerror or str(error)
        raise Failure(words("report.error.write", path=inert(path), why=inert(why))) from error


def say_written(month: str, over: bool, path: Path, words: Words) -> None:
    """That it is written, and whether it is a draft."""
    click.echo(words("report.written" if over else "report.written_draft", month=month, path=inert(path)))


@contextmanager
def _said_clearly(asked: Asked, screen: Screen) -> Iterator[None]:
    """What is not there is a clear line, with what was perhaps meant."""
    from muster_server.assessment import NoData

    try:
        yield
    except NoData as error:
        raise no_data(error.month, error.months, screen.words) from error
    except Unknown as error:
        raise not_there(error.code, error.given, error.names, len(error.names), screen) from error


def no_data(month: str, months: list[str], words: Words) -> Failure:
    """A month without data; names those with data."""
    if months:
        advice = words("report.error.months", months=", ".join(months))
    else:
        advice = words("report.error.no_months")
    return Failure(words("report.error.no_data", month=month), advice)


def not_there(code: str, given: str, names: list[str], count: int, screen: Screen) -> Failure:
    """A PC or a rule that is not there, or of which there are several."""
    offer = {"many_pcs": "candidates"}.get(code, "nearest")
    return Failure(screen.words(f"report.error.{code}", given=inert(given), n=count), _offer(names, offer, screen))


def _address(ctx: click.Context) -> str:
    """How this deployment was named, so that the command a view ends with works as it stands."""
    parent = ctx.parent
    if parent is None:
        return typed()
    said = [shlex.quote(typed())]
    for name in ("data", "server", "access", "ca", "lang"):
        if parent.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            said += [f"--{name}", shlex.quote(inert(parent.params[name]))]
    return " ".join(said)


def _show(asked: Asked, screen: Screen, plain: Callable[[], dict[str, Any]], lines: Callable[[], list[str]]) -> None:
    if sys.stdout is None:  # closed by whoever started us: there is nobody to tell
        return
    if asked.as_json:
        say_bytes(document.written(plain()))
        return
    click.echo("\n".join(lines()), color=screen.colour)


def say_bytes(text: bytes) -> None:
    """Print what machines read: UTF-8 whatever the console speaks."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text)
