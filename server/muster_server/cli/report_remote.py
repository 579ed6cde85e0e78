"""`muster report` of a server: what it would print at the server comes back as it is."""

from __future__ import annotations

import sys

import click

from muster_server.cli import Context, remote
from muster_server.cli.report import Asked, no_data, not_there, save, say_bytes, say_written, this_month
from muster_server.render.terminal.screen import Screen

WIDEST = 500  # columns a server lays out


def run(context: Context, asked: Asked, screen: Screen) -> None:
    """Ask and print. Fails in a clear line."""
    words = context.words
    common = {"lang": words.lang}
    try:
        if asked.html is not None:
            month = asked.month or this_month()
            found = remote.get(context, ("months", month), {**common, "form": "html"}, {})
            save(asked.html, found.body, words)
            say_written(month, found.headers.get("muster-draft") != "1", asked.html, words)
            return
        path, query = _place(asked)
        form = "json" if asked.as_json else "text"
        query = {**query, **common, "form": form, "limit": asked.limit, "all": "1" if asked.everything else None}
        if not asked.as_json:
            query |= {"columns": min(screen.columns, WIDEST), "colour": "1" if screen.colour else "0"}
        headers = {} if asked.as_json else {"Muster-Command": screen.command.encode("ascii", "replace").decode()[:300]}
        found = remote.get(context, path, query, headers)
    except remote.NotThere as error:
        if error.code == "no_data":
            raise no_data(asked.month or this_month(), error.names, words) from None
        given = asked.pc if asked.pc is not None else asked.rule or ""
        raise not_there(error.code, given, error.names, error.count, screen) from None
    if sys.stdout is None:
        return
    if asked.as_json:
        say_bytes(found.body)
    else:
        click.echo(found.body.decode("utf-8", "replace"), nl=False, color=screen.colour)


def _place(asked: Asked) -> tuple[tuple[str, ...], dict[str, object]]:
    if asked.pc is not None:
        return ("pcs", asked.pc), {"month": asked.month}
    if asked.rule is not None:
        return ("rules", asked.rule), {"month": asked.month}
    if asked.month is not None:
        return ("months", asked.month), {}
    return ("office",), {}
