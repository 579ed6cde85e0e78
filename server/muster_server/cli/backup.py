"""muster backup: the whole deployment in one file, while the server runs."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import click

from muster_server.cli import Context, Failure
from muster_server.deployment import Deployment
from muster_server.render.inert import inert
from muster_server.words import Words

COUNTED = ("agents", "keys", "reports", "sent", "findings", "audit")  # tables whose rows are told


def command(words: Words) -> click.Command:
    """The command, in the language of ``words``."""

    @click.command(
        "backup", help=words("backup.help"), epilog=words("backup.examples"), short_help=words("backup.short")
    )
    @click.argument("path", metavar="FILE.tar", type=click.Path(path_type=Path))
    @click.pass_obj
    def backup(context: Context, path: Path) -> None:
        make(Deployment(context.deployment()), path, words)

    return backup


def make(deployment: Deployment, path: Path, words: Words) -> None:
    """Make the backup and say what is in it."""
    from muster_server.backup import making
    from muster_server.backup.archive import BadBackup

    began = time.monotonic()
    try:
        made = making.make(deployment.path, deployment.database_address(), path.absolute(), datetime.now(UTC))
    except FileExistsError:
        raise Failure(words("backup.exists", path=inert(str(path))), exit_code=2) from None
    except BadBackup as error:
        raise Failure(words("backup.bad." + error.code, what=inert(error.what))) from None
    click.echo(words("backup.done", path=inert(str(path)), size=f"{made.size / 1e6:,.1f}", files=made.files))
    for name in COUNTED:
        if name in made.counts:
            click.echo(f"  {made.counts[name]:>12,}  {words('backup.counted.' + name)}")
    click.echo(words("backup.heads", head=made.head, audit=made.audit or "-"))
    click.echo(words("backup.took", seconds=f"{time.monotonic() - began:.1f}"))
    click.echo(words("backup.secret"))
