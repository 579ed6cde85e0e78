"""muster token: issue an enrolment token for a unit."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from muster_server.acts.performing import perform
from muster_server.cli import Context, Failure
from muster_server.deployment import Deployment
from muster_server.operator import operator
from muster_server.words import Words

MOST_USES = 10_000
MOST_DAYS = 90


def issue(deployment: Deployment, unit: str, uses: int, days: int, tags: tuple[str, ...] = ()) -> str:
    """Issue a token; it is returned for the only time. Raises ``DatabaseError`` and ``Refused``."""
    database = deployment.database()
    try:
        with database.write() as connection:
            asked = {"unit": unit, "uses": uses, "days": days, "tags": list(tags)}
            done = perform(connection, "tokens.issue", asked, operator(), datetime.now(UTC))
            return str(done["token"])
    finally:
        database.close()


def command(words: Words) -> click.Command:
    """The command, in the language of ``words``."""

    @click.command("token", help=words("token.help"), epilog=words("token.examples"), short_help=words("token.short"))
    @click.option("--unit", required=True, metavar="NAME", help=words("token.unit"))
    @click.option(
        "--uses", type=click.IntRange(1, MOST_USES), metavar="N", default=1, show_default=True, help=words("token.uses")
    )
    @click.option(
        "--days", type=click.IntRange(1, MOST_DAYS), metavar="N", default=1, show_default=True, help=words("token.days")
    )
    @click.option(
        "--output", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help=words("token.output")
    )
    @click.pass_obj
    def token(context: Context, unit: str, uses: int, days: int, output: Path | None) -> None:
        unit = unit.strip()
        if not unit or not unit.isprintable() or len(unit) > 100:
            raise Failure(words("token.bad_unit"), exit_code=2)
        deployment = Deployment(context.deployment())
        if output is not None and output.exists():
            raise Failure(words("token.output_exists", path=output), exit_code=2)
        if output is None:
            click.echo(issue(deployment, unit, uses, days))
        else:
            try:
                output.touch(mode=0o600, exist_ok=False)  # before the token exists: one that is lost would stay valid
            except OSError as error:
                raise Failure(words("token.output_failed", path=output, error=error.strerror or error)) from None
            output.write_text(issue(deployment, unit, uses, days) + "\n", "ascii")
        click.echo(words("token.done", unit=unit, uses=uses, days=days), err=True)

    return token
