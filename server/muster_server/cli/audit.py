"""muster audit: what administrators did, and whether the log of it is whole."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

import click

from muster_agent.sending.envelope import FIRST
from muster_server.access.roles import Need
from muster_server.cli import Context, Failure, listing
from muster_server.cli.performing import reading
from muster_server.render.inert import inert
from muster_server.render.terminal.cells import Cell, Column, Row, cut
from muster_server.store import audit
from muster_server.store.audit import Logged
from muster_server.words import Words

USUAL = 50  # entries that are shown unless told
SUBJECT = 20  # cells of whom it was done to


def command(words: Words) -> click.Group:
    """The group ``audit`` in the language of ``words``."""

    @click.group("audit", help=words("audit.help"), epilog=words("audit.examples"), short_help=words("audit.short"))
    def group() -> None:
        pass

    group.add_command(_show(words))
    group.add_command(_verify(words))
    return group


def _show(words: Words) -> click.Command:
    @click.command(
        "show", help=words("audit.show.help"), epilog=words("audit.show.examples"), short_help=words("audit.show.short")
    )
    @click.option("--since", metavar="YYYY-MM-DD", help=words("audit.option.since"))
    @click.option("--act", metavar="NAME", help=words("audit.option.act"))
    @click.option("--limit", type=click.IntRange(min=0), metavar="N", help=words("audit.option.limit"))
    @click.option("--json", "as_json", is_flag=True, help=words("list.json"))
    @click.pass_obj
    def show(context: Context, since: str | None, act: str | None, limit: int | None, as_json: bool) -> None:
        start = None if since is None else _day(since, words)
        if limit is None:
            limit = 0 if as_json else USUAL
        with reading(context, Need.AUDIT) as (connection, _):
            last: deque[Logged] = deque(maxlen=limit or None)
            matching = 0
            for one in _chosen(audit.entries(connection), start, act):
                matching += 1
                last.append(one)
        if as_json:
            listing.show_json({"entries": [document(one) for one in last], "matching": matching})
            return
        if not last:
            click.echo(words("audit.none"))
            return
        listing.show(_columns(words), [_row(one, words) for one in last])
        if matching > len(last):
            click.echo(words("audit.shown", shown=len(last), of=matching))

    return show


def _day(said: str, words: Words) -> datetime:
    """The beginning of a day, in this server's time zone. Fails in a clear line."""
    try:
        if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", said) is None:
            raise ValueError
        day = date.fromisoformat(said)
        return datetime(day.year, day.month, day.day).astimezone()
    except (ValueError, OverflowError):
        raise Failure(words("audit.bad_day", given=inert(said)), exit_code=2) from None


def _chosen(entries: Iterable[Logged], start: datetime | None, act: str | None) -> Iterator[Logged]:
    """Those since ``start`` whose act has that name, or begins with it. What is damaged is never left out."""
    for one in entries:
        at = _at(one)
        old = start is not None and at is not None and at < start
        other = act is not None and one.entry.act != act and not one.entry.act.startswith(act + ".")
        if not one.sound or not (old or other):
            yield one


def _at(one: Logged) -> datetime | None:
    try:
        found = datetime.fromisoformat(one.entry.at)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def document(one: Logged) -> dict[str, Any]:
    """An entry in JSON."""
    return {**vars(one.entry), "position": one.position, "chain": one.chain, "sound": one.sound}


def _columns(words: Words) -> list[Column]:
    return [
        Column(words("audit.column.position"), right=True),
        Column(words("audit.column.at")),
        Column(words("audit.column.operator"), cut=8),
        Column(words("audit.column.act")),
        Column(words("audit.column.subject")),
        Column(words("audit.column.detail"), cut=20, below=True),
    ]


def _row(one: Logged, words: Words) -> Row:
    entry = one.entry
    detail = ", ".join(f"{name}={_plain(value)}" for name, value in entry.detail.items() if value not in (None, False))
    mark = "" if one.sound else "! "
    at = _at(one)
    subject = str(entry.subject)
    if re.fullmatch("[0-9a-f-]{36}", subject):
        subject = subject[:8]
    return Row(
        [
            Cell(f"{mark}{one.position}"),
            Cell(str(entry.at) if at is None else at.astimezone().strftime("%Y-%m-%d %H:%M:%S")),
            Cell(str(entry.operator)),
            Cell(words.maybe(f"audit.act.{entry.act}", str(entry.act))),
            Cell(cut(inert(subject), SUBJECT)),
            Cell(detail or "-"),
        ]
    )


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _verify(words: Words) -> click.Command:
    @click.command(
        "verify",
        help=words("audit.verify.help"),
        epilog=words("audit.verify.examples"),
        short_help=words("audit.verify.short"),
    )
    @click.option("--head", metavar="HEAD", help=words("audit.option.head"))
    @click.pass_obj
    def verify(context: Context, head: str | None) -> None:
        if head is not None:
            # `muster backup` and `muster evidence verify` put the entry's number before it.
            head = re.sub("^[0-9]{1,18}:", "", head.strip().lower())
            if re.fullmatch("[0-9a-f]{64}", head) is None:
                raise Failure(words("audit.bad_head"), exit_code=2)
        count, last, known = 0, FIRST, 0
        with reading(context, Need.AUDIT) as (connection, _):
            for one in audit.entries(connection):
                if not one.sound:
                    raise Failure(
                        words("audit.broken", position=one.position, before=count), words("audit.broken_advice")
                    )
                count, last = one.position, one.chain
                known = one.position if one.chain == head else known
        if head not in (None, FIRST) and not known:
            raise Failure(words("audit.head_gone", n=count), words("audit.broken_advice"))
        click.echo(words("audit.sound", n=count))
        if known:
            click.echo(words("audit.head_there", position=known))
        click.echo(words("audit.note", head=last))

    return verify
