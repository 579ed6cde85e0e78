"""muster restore: a deployment out of a backup, or only the check that it would make one."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from muster_server.cli import Context, Failure, evidence
from muster_server.operator import operator
from muster_server.render.inert import inert
from muster_server.settings import POSTGRESQL
from muster_server.words import Words


def command(words: Words) -> click.Command:
    """The command, in the language of ``words``."""

    @click.command(
        "restore", help=words("restore.help"), epilog=words("restore.examples"), short_help=words("restore.short")
    )
    @click.argument("path", metavar="FILE.tar", type=click.Path(path_type=Path, dir_okay=False))
    @click.option("--to", metavar="DIR", type=click.Path(path_type=Path), help=words("restore.to"))
    @click.option("--database", metavar="postgresql://…", help=words("restore.database"))
    @click.option("--verify", is_flag=True, help=words("restore.verify"))
    @click.pass_obj
    def restore(context: Context, path: Path, to: Path | None, database: str | None, verify: bool) -> None:
        if to is None and not verify:
            raise Failure(words("restore.what"), words("restore.what_advice"), 2)
        if database is not None and (to is None or not database.startswith(POSTGRESQL)):
            raise Failure(words("restore.bad_database"), exit_code=2)
        _run(path, to, database, verify, words)

    return restore


def _run(path: Path, to: Path | None, database: str | None, verify: bool, words: Words) -> None:
    from muster_server.backup import restoring
    from muster_server.backup.archive import BadBackup

    began = time.monotonic()
    try:
        with evidence.progress(words) as told:
            if to is None:
                done = restoring.check(path, told)
            else:
                done = restoring.restore(path, to, database, told if verify else None, operator(), datetime.now(UTC))
    except restoring.Occupied as error:
        raise Failure(words("restore.occupied", where=inert(str(error))), words("restore.occupied_advice"), 2) from None
    except BadBackup as error:
        said = words("backup.bad." + error.code, what=inert(error.what))
        raise Failure(words("restore.bad", path=inert(str(path)), why=said)) from None
    _say(done, words, time.monotonic() - began)
    if done.verified is not None and not done.verified.findings.sound:
        raise Failure(words("restore.not_sound", count=done.verified.findings.wrong_count))
    if to is None:
        click.echo(words("restore.would"))
        return
    click.echo(words("restore.done", path=inert(str(to)), database=inert(database or str(to / "muster.db"))))
    click.echo(words("restore.next"))


def _say(done: Any, words: Words, seconds: float) -> None:
    said = done.manifest.said
    head = said["head"]
    made = {"at": inert(str(said["made_at"])), "version": inert(str(said["made_by"])), "schema": inert(said["schema"])}
    click.echo(words("restore.of", **made, files=len(done.manifest.members)))
    click.echo(words("restore.head", head=f"{head['position']}:{head['chain']}"))
    if done.migrated:
        click.echo(words("restore.migrated", schema=inert(said["schema"])))
    if done.verified is not None:
        for line in evidence.said(done.verified.findings, seconds, words):
            click.echo(line)
    else:
        click.echo(words("restore.unverified"))
