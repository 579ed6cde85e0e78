"""muster prune: remove what has passed its term; the server does the same by itself once a day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

from muster_server.cli import Context
from muster_server.deployment import Deployment
from muster_server.words import Words


def command(words: Words) -> click.Command:
    """The command, in the language of ``words``."""

    @click.command("prune", help=words("prune.help"), epilog=words("prune.examples"), short_help=words("prune.short"))
    @click.option("--dry-run", is_flag=True, help=words("prune.dry_run"))
    @click.pass_obj
    def prune(context: Context, dry_run: bool) -> None:
        from muster_server.store import retention

        deployment = Deployment(context.deployment())
        keep = max(deployment.settings().keep_history, retention.LEAST)
        before = retention.limit(keep, datetime.now(UTC))
        database = deployment.database()
        try:
            with database.read() as connection:
                cut = retention.due(connection, before)
            if cut is None:
                click.echo(words("prune.nothing", days=keep.days, before=before.date()))
            else:
                key = "prune.would" if dry_run else "prune.going"
                click.echo(words(key, count=cut.count, until=cut.at.date(), days=keep.days))
            if dry_run:
                return

            def run(job: Callable[[Any], Any]) -> Any:
                with database.write() as writing:
                    return job(writing)

            done = retention.prune(database, run, before)
        finally:
            database.close()
        for name, count in sorted(done.removed.items()):
            if count:
                click.echo(f"  {count:>12,}  {words('prune.removed.' + name)}")
        if any(done.removed.values()):
            click.echo(words("prune.space"))

    return prune
