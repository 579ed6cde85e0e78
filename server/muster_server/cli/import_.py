"""muster import: take in what PCs without a network sent by stick."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from muster_agent.sending.stick import BadFile, write_new
from muster_agent.text import inert
from muster_server.cli import Context, Failure
from muster_server.deployment import Deployment
from muster_server.operator import operator
from muster_server.receive.stick import Stick, Taken, write_receipts
from muster_server.words import Words

INCOMPLETE, NOTHING = 3, 5


def command(words: Words) -> click.Command:
    """The command, in the language of ``words``."""

    @click.command(
        "import", help=words("import.help"), epilog=words("import.examples"), short_help=words("import.short")
    )
    @click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
    @click.option(
        "--receipts",
        metavar="DIR",
        type=click.Path(path_type=Path, file_okay=False),
        help=words("import.receipts"),
    )
    @click.pass_obj
    def import_(context: Context, files: tuple[Path, ...], receipts: Path | None) -> None:
        deployment = Deployment(context.deployment())
        if receipts is not None and not receipts.is_dir():
            raise Failure(words("import.no_folder", path=receipts), exit_code=2)
        try:
            key = deployment.key()
        except (OSError, ValueError) as error:
            raise Failure(words("serve.no_key", error=error), words("serve.no_key_advice")) from None
        database = deployment.database()
        try:
            takes = Stick(database, key, operator())
            done = [one(takes, path, receipts, words) for path in files]
        finally:
            database.close()
        if not all(done):
            raise click.exceptions.Exit(INCOMPLETE if any(found is not None for found in done) else NOTHING)

    return import_


def one(takes: Stick, path: Path, receipts: Path | None, words: Words) -> bool | None:
    """Take one file in and say what became of it. True when all of it was taken, None when nothing."""
    try:
        taken = takes.take(path)
    except BadFile as error:
        bad(path, error, words)
        return None
    if taken.enrolled is not None:
        return enrolled(path, taken, words)
    click.echo(words("import.done", path=inert(str(path)), count=taken.outcomes.total(), said=counted(taken, words)))
    for code, count in sorted(taken.refusals.items()):
        click.echo("  " + words("import.refusal", code=code, count=count))
    if taken.bad is not None:
        bad(path, taken.bad, words)
    if receipts is not None:
        for made in write_receipts(receipts, taken.receipts, datetime.now(UTC)):
            click.echo(words("import.written", path=made))
    elif any(taken.receipts.values()):
        click.echo(words("import.no_receipts"))
    return True if taken.whole else False if taken.good else None


def counted(taken: Taken, words: Words) -> str:
    """How many became what."""
    names = ("accepted", "duplicate", "conflict", "revoked", "refused")
    said = [words("import." + name, count=taken.outcomes[name]) for name in names if taken.outcomes[name]]
    return words("import.and").join(said) or words("import.nothing")


def enrolled(path: Path, taken: Taken, words: Words) -> bool:
    """Write the answer to a request beside it; an answer of before is replaced, because asking again is harmless."""
    answer = path.with_name(path.name + ".answer")
    assert taken.enrolled is not None
    try:
        write_new(answer, taken.answer, replace=True)
    except OSError as error:
        said = words("import.no_answer", path=answer, error=error.strerror or error)
        raise Failure(said, words("import.no_answer_advice")) from None
    who = {"unit": taken.enrolled.unit, "agent": taken.enrolled.id}
    click.echo(words("import.enrolled", path=inert(str(path)), answer=inert(str(answer)), **who))
    if not taken.enrolled.approved:
        click.echo(words("import.awaiting"))
    return True


def bad(path: Path, error: BadFile, words: Words) -> None:
    """Name a bad file; the others go on."""
    said = words("import.bad." + error.code, detail=error.detail)
    click.echo(words("import.bad", path=inert(str(path)), why=said), err=True)
