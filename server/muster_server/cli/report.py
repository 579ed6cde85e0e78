"""`muster report`: the office, one PC, one rule, or the report of a month."""

from __future__ import annotations

import difflib
import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
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
from muster_server.tally import PCTally, RuleTally, Tally
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

    @click.command("report", help=words("report.help"), epilog=words("report.examples"))
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
    data = context.deployment()
    with _empty_month_told(words):
        if asked.html is not None:
            this_month = datetime.now().astimezone().strftime("%Y-%m")
            _write_month(data, asked.month or this_month, asked.html, words)
            return
        tally = _tally(data, asked.month)
    tty = sys.stdout is not None and sys.stdout.isatty()
    screen = Screen(
        words=words,
        columns=columns(tty, os.environ),
        colour=wants_colour(asked.color, tty, os.environ),
        limit=asked.limit,
        everything=asked.everything,
        command=_address(ctx),
    )
    if asked.pc is not None:
        one_pc = find_pc(tally, asked.pc, screen)
        _show(asked, screen, lambda: document.pc(tally, one_pc), lambda: pc.lines(tally, one_pc, screen))
    elif asked.rule is not None:
        one = find_rule(tally, asked.rule, screen)
        _show(
            asked, screen, lambda: document.rule(tally, one, asked.limit or 0), lambda: rule.lines(tally, one, screen)
        )
    else:
        _show(asked, screen, lambda: document.office(tally, asked.limit or 0), lambda: office.lines(tally, screen))


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


def find_pc(tally: Tally, asked: str, screen: Screen) -> PCTally:
    """The PC of that name in any case, else the one whose id begins so. Several, or none, end in a clear line."""
    words = screen.words
    folded = asked.casefold()
    # Behind a name that several PCs bear stands a piece of the id; who types the bare name means any of them.
    found = [one for one in tally.pcs if folded in (one.pc.name.casefold(), bare(one).casefold())]
    if not found and folded:
        found = [one for one in tally.pcs if one.pc.id.casefold().startswith(folded)]
    if len(found) == 1:
        return found[0]
    given = inert(asked)
    if found:
        names = [f"{bare(one)} ({one.pc.id})" for one in found]
        raise Failure(words("report.error.many_pcs", given=given, n=len(found)), _offer(names, "candidates", screen))
    near = _nearest(asked, [one.pc.name for one in tally.pcs])
    raise Failure(words("report.error.no_pc", given=given), _offer(near, "nearest", screen))


def bare(one: PCTally) -> str:
    """The PC's own name, without the piece of its id that tells it from another of that name."""
    return one.pc.name.removesuffix(f" ({one.pc.id[:8]})")


def find_rule(tally: Tally, asked: str, screen: Screen) -> RuleTally:
    """The rule of that id, in any case. None ends in a clear line with the nearest ids."""
    for one in tally.rules:
        if one.rule.id.casefold() == asked.casefold():
            return one
    ids = sorted(one.rule.id for one in tally.rules)
    near = _nearest(asked, ids) or ids
    raise Failure(screen.words("report.error.no_rule", given=inert(asked)), _offer(near, "nearest", screen))


def _nearest(asked: str, names: Iterable[str]) -> list[str]:
    """Names that were probably meant: those that contain it, then those that look like it."""
    by_folded = {name.casefold(): name for name in names}
    folded = asked.casefold()
    within = [known for known in by_folded if folded and folded in known]
    close = difflib.get_close_matches(folded, by_folded, n=5, cutoff=0.6)
    return [by_folded[known] for known in dict.fromkeys([*within, *close])]


def _offer(names: list[str], key: str, screen: Screen) -> str:
    if not names:
        return screen.words("report.error.no_nearest", command=screen.command)
    said = ", ".join(inert(name) for name in names[:OFFERED])
    return screen.words("report.error." + key, names=said + (", .." if len(names) > OFFERED else ""))


def _tally(data: Path, month: str | None) -> Tally:
    from muster_server import assessment

    if month is None:
        return assessment.assess(data)
    return assessment.month(data, month).tally


def _write_month(data: Path, name: str, path: Path, words: Words) -> None:
    from muster_server import assessment
    from muster_server.render import html

    month = assessment.month(data, name)
    try:
        html.write(month, path, words)
    except OSError as error:
        why = error.strerror or str(error)
        raise Failure(words("report.error.write", path=inert(path), why=inert(why))) from error
    key = "report.written" if month.over else "report.written_draft"
    click.echo(words(key, month=month.name, path=inert(path)))


@contextmanager
def _empty_month_told(words: Words) -> Iterator[None]:
    """A month without data is a clear line that names the months with data."""
    from muster_server.assessment import NoData

    try:
        yield
    except NoData as error:
        if error.months:
            advice = words("report.error.months", months=", ".join(error.months))
        else:
            advice = words("report.error.no_months")
        raise Failure(words("report.error.no_data", month=error.month), advice) from error


def _address(ctx: click.Context) -> str:
    """How this deployment was named, so that the command a view ends with works as it stands."""
    parent = ctx.parent
    if parent is None:
        return typed()
    said = [shlex.quote(typed())]
    for name in ("data", "lang"):
        if parent.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            said += [f"--{name}", shlex.quote(inert(parent.params[name]))]
    return " ".join(said)


def _show(asked: Asked, screen: Screen, plain: Callable[[], dict[str, Any]], lines: Callable[[], list[str]]) -> None:
    if sys.stdout is None:  # closed by whoever started us: there is nobody to tell
        return
    if asked.as_json:
        text = json.dumps(plain(), ensure_ascii=False, indent=2, default=str)
        # Machines read this: UTF-8 whatever the console speaks, and a lone half of a surrogate pair as its escape.
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace") + b"\n")
        return
    click.echo("\n".join(lines()), color=screen.colour)
