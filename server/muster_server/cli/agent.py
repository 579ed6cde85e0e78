"""muster agent: packages of the agent, ready to be handed out."""

from __future__ import annotations

import contextlib
import hashlib
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from muster_agent.sending.conf import TOKEN_LIMIT
from muster_agent.sending.http import BadAddress, check_address
from muster_server.cli import Context, Failure
from muster_server.cli.package_ca import authority, mistake
from muster_server.deployment import Deployment
from muster_server.packaging import KINDS, build
from muster_server.packaging.contents import Made, Order, Provided, Unbuildable, epoch
from muster_server.store import tokens
from muster_server.words import Words

MOST_RELEASES = 9999


def command(words: Words) -> click.Group:
    """The group ``agent`` in the language of ``words``."""

    @click.group(
        "agent",
        help=words("agent.group.help"),
        epilog=words("agent.package.examples"),
        short_help=words("agent.group.short"),
    )
    def agent() -> None:
        pass

    @agent.command("package", help=words("agent.package.help"), epilog=words("agent.package.examples"))
    @click.option("--server", required=True, metavar="URL", help=words("agent.package.server"))
    @click.option("--unit", required=True, metavar="NAME", help=words("agent.package.unit"))
    @click.option("--token", metavar="T", help=words("agent.package.token"))
    @click.option("--token-file", metavar="FILE", type=click.Path(path_type=Path), help=words("agent.package.file"))
    @click.option(
        "--for",
        "kinds",
        required=True,
        multiple=True,
        type=click.Choice(KINDS),
        metavar="|".join(KINDS),
        help=words("agent.package.for"),
    )
    @click.option("--ca", metavar="FILE", type=click.Path(path_type=Path), help=words("agent.package.ca"))
    @click.option("--system-ca", is_flag=True, help=words("agent.package.system_ca"))
    @click.option("--proxy", is_flag=True, help=words("agent.package.proxy"))
    @click.option(
        "--out",
        metavar="DIR",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path("dist"),
        show_default=True,
        help=words("agent.package.out"),
    )
    @click.option("--python", metavar="ZIP", type=click.Path(path_type=Path), help=words("agent.package.python"))
    @click.option("--wheels", metavar="DIR", type=click.Path(path_type=Path), help=words("agent.package.wheels"))
    @click.option(
        "--release",
        metavar="N",
        type=click.IntRange(1, MOST_RELEASES),
        default=1,
        show_default=True,
        help=words("agent.package.release"),
    )
    @click.pass_obj
    def package(
        context: Context,
        server: str,
        unit: str,
        token: str | None,
        token_file: Path | None,
        kinds: tuple[str, ...],
        ca: Path | None,
        system_ca: bool,
        proxy: bool,
        out: Path,
        python: Path | None,
        wheels: Path | None,
        release: int,
    ) -> None:
        asked = _Asked(context, words)
        wanted = asked.kinds(kinds, python, wheels)
        provided = asked.deployment(
            Provided(
                asked.address(server),
                asked.unit(unit),
                asked.token(token, token_file),
                authority(context, words, server, ca, system_ca, proxy),
            )
        )
        try:
            order = Order(provided, release=release, epoch=epoch(), python=python, wheels=wheels)
            made = [(kind, build(kind, order)) for kind in wanted]
        except Unbuildable as error:
            raise Failure(words(error.code, **error.values), _advice(error, words), 2) from None
        for kind, one in made:
            _hand_out(kind, one, out, words)
        click.echo(words("agent.package.secret"))

    return agent


class _Asked:
    """Checks what was asked for before anything is made."""

    def __init__(self, context: Context, words: Words) -> None:
        self.context = context
        self.say = words

    def wrong(self, key: str, **values: object) -> Failure:
        """A mistake in what was typed, with what to do where that is worded."""
        return mistake(self.say, key, **values)

    def kinds(self, kinds: tuple[str, ...], python: Path | None, wheels: Path | None) -> tuple[str, ...]:
        """The kinds of package. What only one kind takes in is not left out of the others without a word."""
        for option, path in (("--python", python), ("--wheels", wheels)):
            if path is not None and "windows" not in kinds:
                raise self.wrong("agent.package.windows_only", option=option, kinds=", ".join(kinds))
        return tuple(dict.fromkeys(kinds))

    def address(self, server: str) -> str:
        """The server's address. A package goes to PCs, so loopback is for trying out on the server itself only."""
        try:
            return check_address(server)
        except BadAddress as error:
            raise self.wrong("agent.package." + str(error), server=server) from None

    def unit(self, unit: str) -> str:
        """The unit's name."""
        unit = unit.strip()
        if not unit or not unit.isprintable() or len(unit) > 100:
            raise self.wrong("token.bad_unit")
        return unit

    def token(self, given: str | None, file: Path | None) -> str:
        """The token, from the option or from the file that ``muster token --output`` wrote."""
        if (given is None) is (file is None):
            raise self.wrong("agent.package.one_token")
        if file is not None:
            try:
                given = file.read_text("ascii")
            except (OSError, ValueError) as error:
                raise self.wrong("agent.package.token_file", path=file, error=error) from None
        found = (given or "").strip()
        if not found or len(found) > TOKEN_LIMIT or not found.isascii() or not found.isprintable():
            raise self.wrong("agent.package.bad_token")
        return found

    def deployment(self, provided: Provided) -> Provided:
        """Where a deployment is named: refuse a token that would fail on the PCs, and add the server's key."""
        if self.context.data is None:
            click.echo(self.say("agent.package.unchecked"), err=True)
            return provided
        deployment = Deployment(self.context.deployment())
        database = deployment.database()
        try:
            with database.read() as connection:
                found = tokens.find(connection, tokens.token_hash(provided.token))
        finally:
            database.close()
        if found is None:
            raise self.wrong("agent.package.unknown_token", data=deployment.path)
        if found.uses_left < 1 or found.expires_at <= datetime.now(UTC):
            raise self.wrong("agent.package.spent_token", unit=found.unit)
        if found.unit != provided.unit:
            raise self.wrong("agent.package.other_unit", token=found.unit, unit=provided.unit)
        until = found.expires_at.astimezone().strftime("%Y-%m-%d %H:%M")
        click.echo(self.say("agent.package.checked", unit=found.unit, uses=found.uses_left, until=until), err=True)
        try:
            key = deployment.key()
        except (OSError, ValueError) as error:
            raise Failure(self.say("serve.no_key", error=error), self.say("serve.no_key_advice")) from None
        return replace(provided, server_key=key.public.hex())


def _advice(error: Unbuildable, words: Words) -> str:
    return words.maybe(error.code + "_advice", "", **error.values)


def _hand_out(kind: str, made: Made, folder: Path, words: Words) -> None:
    """Write the package so that only its owner can read it, and say what it is and what comes next."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / made.name
    unfinished = folder / (made.name + ".new")
    with contextlib.suppress(FileNotFoundError):
        unfinished.unlink()
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(made.data)
    unfinished.replace(path)
    size = f"{len(made.data) / 1000:,.0f}"
    click.echo(words("agent.package.made", path=path, size=size, sha256=hashlib.sha256(made.data).hexdigest()))
    click.echo(words(f"agent.package.next.{kind}", name=made.name))
    click.echo()
