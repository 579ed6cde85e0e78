"""muster upgrade: bring the database of an older version up to date: backup first, migrate, verify."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from muster_server.cli import Context, Failure, backup, evidence
from muster_server.deployment import Deployment
from muster_server.words import Words

FOLDER = "before-upgrade"


def command(words: Words) -> click.Command:
    """The command, in the language of ``words``."""

    @click.command(
        "upgrade", help=words("upgrade.help"), epilog=words("upgrade.examples"), short_help=words("upgrade.short")
    )
    @click.option("--backup", "path", metavar="FILE.tar", type=click.Path(path_type=Path), help=words("upgrade.backup"))
    @click.pass_obj
    def upgrade(context: Context, path: Path | None) -> None:
        deployment = Deployment(context.deployment())
        with alone(deployment, words):
            run(deployment, path, words)

    return upgrade


@contextmanager
def alone(deployment: Deployment, words: Words) -> Iterator[None]:
    """No server runs on this deployment, and none starts meanwhile. Fails in a clear line when one does."""
    descriptor = os.open(deployment.path / "serve.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Failure(words("upgrade.running"), words("upgrade.running_advice")) from None
        yield
    finally:
        os.close(descriptor)


def run(deployment: Deployment, path: Path | None, words: Words) -> None:
    """Do it. Interrupted anywhere, it can be done again: the migration is one transaction."""
    from muster_server.store.database import Database
    from muster_server.store.schema import HEAD
    from muster_server.store.unusable import NewerSchema

    database = Database.at(deployment.database_address())
    try:
        found = database.version()
        if found > HEAD:
            raise NewerSchema(f"{database.where}: {found} <> {HEAD}")
        if found == HEAD:
            click.echo(words("upgrade.current", version=HEAD))
            return
        click.echo(words("upgrade.from", old=found, new=HEAD))
        if path is None:
            folder = deployment.path / FOLDER
            folder.mkdir(mode=0o700, exist_ok=True)
            path = folder / f"{found}-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}.tar"
        backup.make(deployment, path, words)
        database.migrate()
    finally:
        database.close()
    click.echo(words("upgrade.migrated", version=HEAD))
    upgraded = deployment.database()
    try:
        evidence.verify_database(upgraded, None, words)
    finally:
        upgraded.close()
    click.echo(words("upgrade.done", path=path))
