"""muster tls: see, renew and replace the server's certificate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from muster_server.acts.performing import perform
from muster_server.cli import Context, Failure
from muster_server.deployment import Deployment
from muster_server.operator import operator
from muster_server.tls import Refused, acts, hosts
from muster_server.tls.acts import Change, Given
from muster_server.tls.certificate import Certificate
from muster_server.tls.condition import Condition, Fault, condition
from muster_server.words import Words

Command = TypeVar("Command", bound=Callable[..., Any])


def command(words: Words) -> click.Group:
    """The group ``tls`` in the language of ``words``."""

    @click.group("tls", help=words("tls.help"), epilog=words("tls.examples"), short_help=words("tls.short"))
    def tls() -> None:
        pass

    tls.add_command(_show(words))
    tls.add_command(_renew(words))
    tls.add_command(_use(words))
    tls.add_command(_make(words))
    return tls


def organisations(words: Words) -> Callable[[Command], Command]:
    """The three options that name the organisation's own files."""

    def add(command: Command) -> Command:
        for option in ("ca", "key", "cert"):  # decorators apply from the last one up
            kind = click.Path(path_type=Path, dir_okay=False)
            said = words(f"tls.option.{option}")
            command = click.option(f"--tls-{option}", metavar="FILE", type=kind, help=said)(command)
        return command

    return add


def given(cert: Path | None, key: Path | None, ca: Path | None, words: Words) -> Given | None:
    """The organisation's files, all three or none."""
    if cert is None and key is None and ca is None:
        return None
    if cert is None or key is None or ca is None:
        raise Failure(words("tls.three"), exit_code=2)
    return Given(cert, key, ca)


def refusal(error: Refused, words: Words, exit_code: int = 2) -> Failure:
    """The clear line for what was refused: mostly for what was typed, or a file that was named."""
    return Failure(
        words(error.code, **error.values), words.maybe(error.code + "_advice", "", **error.values), exit_code
    )


def fault_lines(fault: Fault, words: Words) -> Iterator[str]:
    """What is wrong, and under it what to do."""
    yield words(fault.code, **fault.values)
    advice = words.maybe(fault.code + "_advice", "", **fault.values)
    if advice:
        yield "  " + advice


def recorded(deployment: Deployment, did: str, act: Callable[[], Change]) -> Change:
    """Do an act inside a transaction of the audit log, so that none is done which the log could not take."""
    database = deployment.database()
    try:
        with database.write() as connection:
            change = act()
            perform(connection, "tls.record", change.recorded(did), operator(), _now())
    finally:
        database.close()
    return change


def _now() -> datetime:
    return datetime.now(UTC)


def _show(words: Words) -> click.Command:
    @click.command(
        "show",
        help=words("tls.show.help"),
        epilog=words("tls.show.examples"),
        short_help=words("tls.show.short"),
    )
    @click.pass_obj
    def show(context: Context) -> None:
        found = condition(Deployment(context.deployment()).path, _now())
        for line in shown(found, words):
            click.echo(line)
        for fault in found.faults:
            for line in fault_lines(fault, words):
                click.echo(line, err=True)
        if not found.sound:
            raise click.exceptions.Exit(5)
        click.echo(words("tls.shown.well"))

    return show


def shown(found: Condition, words: Words) -> Iterator[str]:
    """What the certificates say."""
    now = _now()
    if found.server is not None:
        yield words("tls.shown.server", path=found.files.server)
        yield words("tls.shown.names", names=", ".join(found.server.names))
        yield from _dates(found.server, now, words)
    if found.authority is not None:
        yield words("tls.shown.ca", path=found.files.ca)
        yield words("tls.shown.title", title=found.authority.title)
        yield from _dates(found.authority, now, words)
        yield words("tls.shown.own", path=found.files.ca_key) if found.own else words("tls.shown.foreign")


def _dates(one: Certificate, now: datetime, words: Words) -> Iterator[str]:
    yield words("tls.shown.until", until=one.ends.date(), days=one.days_left(now))
    yield words("tls.shown.sha256", sha256=one.sha256)


def _renew(words: Words) -> click.Command:
    @click.command(
        "renew",
        help=words("tls.renew.help"),
        epilog=words("tls.renew.examples"),
        short_help=words("tls.renew.short"),
    )
    @click.option("--host", "add", metavar="HOST", multiple=True, help=words("tls.renew.host"))
    @click.option("--drop", metavar="HOST", multiple=True, help=words("tls.renew.drop"))
    @click.pass_obj
    def renew(context: Context, add: tuple[str, ...], drop: tuple[str, ...]) -> None:
        deployment = Deployment(context.deployment())
        try:
            added, dropped = (tuple(hosts.checked(host) for host in some) for some in (add, drop))
            change = recorded(deployment, "renew", lambda: acts.renew(deployment.path, _now(), added, dropped))
        except Refused as error:
            raise refusal(error, words) from None
        for line in changed(change, words):
            click.echo(line)

    return renew


def _use(words: Words) -> click.Command:
    @click.command(
        "use",
        help=words("tls.use.help"),
        epilog=words("tls.use.examples"),
        short_help=words("tls.use.short"),
    )
    @organisations(words)
    @click.option("--host", "names", metavar="HOST", multiple=True, help=words("tls.use.host"))
    @click.option("--other-ca", is_flag=True, help=words("tls.use.other_ca"))
    @click.pass_obj
    def use(
        context: Context,
        tls_cert: Path | None,
        tls_key: Path | None,
        tls_ca: Path | None,
        names: tuple[str, ...],
        other_ca: bool,
    ) -> None:
        deployment = Deployment(context.deployment())
        files = given(tls_cert, tls_key, tls_ca, words)
        if files is None:
            raise Failure(words("tls.three"), exit_code=2)
        try:
            wanted = tuple(hosts.checked(name) for name in names)
            change = recorded(deployment, "use", lambda: acts.use(deployment.path, files, wanted, _now(), other_ca))
        except Refused as error:
            raise refusal(error, words) from None
        for line in changed(change, words):
            click.echo(line)

    return use


def _make(words: Words) -> click.Command:
    @click.command(
        "make",
        help=words("tls.make.help"),
        epilog=words("tls.make.examples"),
        short_help=words("tls.make.short"),
    )
    @click.option("--host", "names", metavar="HOST", multiple=True, help=words("init.host"))
    @click.pass_obj
    def make(context: Context, names: tuple[str, ...]) -> None:
        deployment = Deployment(context.deployment())
        found = condition(deployment.path, _now())
        try:
            if found.files.there:
                raise Refused("tls.there_already", folder=found.files.folder)
            office = deployment.office().name[words.lang]
            wanted = asked_for(names)
            change = recorded(deployment, "make", lambda: acts.make(deployment.path, office, wanted, _now()))
        except Refused as error:
            raise refusal(error, words) from None
        for line in (*files_made(change.after, words), *changed(change, words)):
            click.echo(line)

    return make


def asked_for(names: tuple[str, ...]) -> tuple[str, ...]:
    """The hosts a new certificate is for: those named, or this machine's; and loopback, for work on the server itself.
    Raises :class:`Refused`."""
    return hosts.all_checked((*(names or hosts.of_this_machine()), *hosts.LOOPBACK))


def files_made(found: Condition, words: Words) -> Iterator[str]:
    """Each file, and what it is."""
    assert found.server is not None and found.authority is not None
    title, until = found.authority.title, found.authority.ends.date()
    yield f"  {found.files.ca}\n      " + words("tls.file.ca", title=title, until=until)
    yield f"      SHA-256 {found.authority.sha256}"
    if found.own:
        yield f"  {found.files.ca_key}\n      " + words("tls.file.ca_key")
    names = ", ".join(found.server.names)
    yield f"  {found.files.server}\n      " + words("tls.file.server", until=found.server.ends.date(), names=names)
    yield f"  {found.files.server_key}\n      " + words("tls.file.server_key")


def changed(change: Change, words: Words) -> Iterator[str]:
    """What was changed, and what has to be done about it."""
    after = change.after
    assert after.server is not None
    yield words("tls.made", names=", ".join(after.server.names), days=after.days_left)
    yield words("tls.shown.sha256", sha256=after.server.sha256)
    if change.former is not None:
        yield words("tls.former", folder=change.former)
    lost = [name for name in change.names_lost if not hosts.loopback(name)]
    if lost:
        yield words("tls.names_lost", names=", ".join(lost))
    if change.other_authority:
        yield words("tls.cut_off")
    yield from cautions(after, words)
    yield words("tls.taken_up")


def cautions(found: Condition, words: Words) -> Iterator[str]:
    """What will go wrong later."""
    assert found.server is not None
    if all(hosts.loopback(name) for name in found.server.names):
        yield words("tls.loopback_only")
    for fault in found.faults:
        yield from fault_lines(fault, words)
