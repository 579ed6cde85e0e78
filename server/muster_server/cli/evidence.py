"""muster evidence: what a PC signed, for whoever has to be convinced; and whether all of it still stands."""

from __future__ import annotations

import difflib
import hashlib
import re
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from muster_server.cli import Context, Failure
from muster_server.deployment import Deployment
from muster_server.render.inert import inert
from muster_server.resources import bundled
from muster_server.words import LANGUAGES, Words

SHOWN = 50  # wrong things, gaps and forks that are named; all of them are counted
HEAD = re.compile("([0-9]{1,18}):([0-9a-f]{64})")
DAY = click.DateTime(["%Y-%m-%d"])


def command(words: Words) -> click.Group:
    """The group ``evidence`` in the language of ``words``."""

    @click.group(
        "evidence", help=words("evidence.help"), epilog=words("evidence.examples"), short_help=words("evidence.short")
    )
    def evidence() -> None:
        pass

    evidence.add_command(_export(words))
    evidence.add_command(_verify(words))
    return evidence


def _export(words: Words) -> click.Command:
    @click.command("export", help=words("evidence.export.help"), short_help=words("evidence.export.short"))
    @click.argument("pc", metavar="PC")
    @click.option(
        "--out", required=True, metavar="FILE.zip|DIR", type=click.Path(path_type=Path), help=words("evidence.out")
    )
    @click.option("--since", metavar="YYYY-MM-DD", type=DAY, help=words("evidence.since"))
    @click.option("--until", metavar="YYYY-MM-DD", type=DAY, help=words("evidence.until"))
    @click.option("--whole-chain", is_flag=True, help=words("evidence.whole_chain"))
    @click.pass_obj
    def export(
        context: Context, pc: str, out: Path, since: datetime | None, until: datetime | None, whole_chain: bool
    ) -> None:
        from muster_server.evidence import keeping
        from muster_server.evidence.export import Asked, Exported, files

        deployment = Deployment(context.deployment())
        key = deployment.key()
        told = Exported()
        database = deployment.database()
        try:
            with database.read() as connection:
                agent = find(connection, pc, words)
                asked = Asked(
                    agent=agent,
                    since=since and since.astimezone(),
                    until=until and (until + timedelta(days=1)).astimezone(),
                    whole_chain=whole_chain,
                    readme=readme(key.public),
                    script=(bundled("reports") / "evidence" / "verify.sh").read_bytes(),
                )
                keeping.keep(out, files(connection, asked, key.public, key.sign, told))
        except FileExistsError:
            raise Failure(words("evidence.out_exists", path=out), exit_code=2) from None
        except (TypeError, ValueError, AttributeError, OverflowError) as error:  # no part of an envelope: tampered with
            raise Failure(words("evidence.damaged", why=inert(str(error))), words("evidence.damaged_advice")) from None
        finally:
            database.close()
        click.echo(words("evidence.exported", **vars(told), pc=agent, path=inert(str(out))))
        if not told.reports:
            raise Failure(words("evidence.none"), exit_code=3)

    return export


def find(connection: Any, asked: str, words: Words) -> str:
    """The id of the PC of that name in any case, or whose id begins so."""
    from muster_server.store import evidence

    folded = asked.casefold()
    known = evidence.pcs(connection)
    found = [id for id, name in known if name.casefold() == folded]
    if not found and folded:
        found = [id for id, _ in known if id.startswith(folded)]
    if len(found) == 1:
        return found[0]
    if found:
        raise Failure(words("evidence.many", given=inert(asked), n=len(found)), ", ".join(found[:10]), 2)
    near = difflib.get_close_matches(asked, [name for _, name in known], n=5)
    advice = words("evidence.nearest", names=", ".join(map(inert, near))) if near else ""
    raise Failure(words("evidence.no_pc", given=inert(asked)), advice, 2)


def readme(server: bytes) -> str:
    """README.txt, in every language."""
    return "\n".join(Words(lang)("evidence.readme", sha256=hashlib.sha256(server).hexdigest()) for lang in LANGUAGES)


def _verify(words: Words) -> click.Command:
    @click.command("verify", help=words("evidence.verify.help"), short_help=words("evidence.verify.short"))
    @click.argument("path", metavar="[FILE.zip|DIR]", required=False, type=click.Path(path_type=Path))
    @click.option("--head", "noted", metavar="POSITION:HASH", help=words("evidence.head"))
    @click.option(
        "--server-key", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help=words("evidence.key")
    )
    @click.pass_obj
    def verify(context: Context, path: Path | None, noted: str | None, server_key: Path | None) -> None:
        if path is not None:
            if noted is not None:
                raise Failure(words("evidence.head_alone"), exit_code=2)
            _verify_export(path, server_key, words)
            return
        if server_key is not None:
            raise Failure(words("evidence.key_alone"), exit_code=2)
        head = head_of(noted, words)
        database = Deployment(context.deployment()).database()
        try:
            verify_database(database, head, words)
        finally:
            database.close()

    return verify


def head_of(noted: str | None, words: Words) -> Any:
    """The head that was typed."""
    from muster_server.store.evidence import Head

    if noted is None:
        return None
    found = HEAD.fullmatch(noted.strip())
    if found is None:
        raise Failure(words("evidence.bad_head"), exit_code=2)
    return Head(int(found[1]), found[2])


def verify_database(database: Any, noted: Any, words: Words) -> None:
    """Check a whole database and say what was found. Raises ``Exit`` with 5 when something is wrong."""
    from muster_server.evidence import database as whole

    began = time.monotonic()
    with database.read() as connection, progress(words) as told:
        done = whole.verify(connection, told, noted)
    for line in said(done.findings, time.monotonic() - began, words):
        click.echo(line)
    if done.pruned_until is not None:
        click.echo(words("evidence.begins", position=done.begins.position + 1, until=inert(done.pruned_until)[:10]))
    click.echo(words("evidence.heads", head=done.head, audit=done.audit))
    _verdict(done.findings, words)


def _verify_export(path: Path, server_key: Path | None, words: Words) -> None:
    from muster_server.evidence import package
    from muster_server.evidence.opening import NotAnExport, opened

    expected = None if server_key is None else public_key(server_key, words)
    began = time.monotonic()
    try:
        with opened(path) as files, progress(words) as told:
            done = package.check(files, told, expected)
    except NotAnExport as error:
        raise Failure(words("evidence.not_export", path=inert(str(path)), why=inert(str(error)))) from None
    click.echo(words("evidence.of_pc", name=inert(done.name), agent=inert(done.agent)))
    for line in said(done.findings, time.monotonic() - began, words):
        click.echo(line)
    click.echo(words("evidence.server_key", sha256=hashlib.sha256(done.server_key).hexdigest()))
    if expected is None:
        click.echo("  " + words("evidence.server_key_advice"))
    _verdict(done.findings, words)


def public_key(path: Path, words: Words) -> bytes:
    """The server's public key: server.pem of an export that is trusted, or its 64 hexadecimal digits."""
    from muster_server.evidence.export import from_pem

    data = path.read_bytes()[:10_000]
    try:
        if re.fullmatch(rb"[0-9a-f]{64}\s*", data):
            return bytes.fromhex(data.decode("ascii"))
        return from_pem(data)
    except ValueError:
        raise Failure(words("evidence.bad_key", path=inert(str(path))), exit_code=2) from None


def said(findings: Any, seconds: float, words: Words) -> Iterator[str]:
    """How much was checked, what is missing, and what is wrong."""
    for what, count in findings.checked.items():
        yield f"  {count:>12,}  {words('evidence.checked.' + what)}"
    reports = findings.checked.get("reports", 0)
    yield words("evidence.took", seconds=f"{seconds:.1f}", rate=f"{reports / max(seconds, 0.001):,.0f}")
    if findings.gap_count:
        yield words("evidence.gaps", count=findings.gap_count, missing=findings.missing)
        for gap in findings.gaps[:SHOWN]:
            yield "  " + words("evidence.gap", agent=inert(gap.agent), first=gap.first, last=gap.last)
    if findings.fork_count:
        yield words("evidence.forks", count=findings.fork_count)
        for agent, seq in findings.forks[:SHOWN]:
            yield "  " + words("evidence.fork", agent=inert(agent), seq=seq)
    if findings.wrong_count:
        yield words("evidence.wrong", count=findings.wrong_count)
        for one in findings.wrong[:SHOWN]:
            values = {name: inert(str(value)) for name, value in one.values.items()}
            yield "  " + words("evidence.wrong." + one.code, **values)
        if findings.wrong_count > SHOWN:
            yield "  " + words("evidence.more", count=findings.wrong_count - SHOWN)


def _verdict(findings: Any, words: Words) -> None:
    if not findings.sound:
        click.echo(words("evidence.not_sound", count=findings.wrong_count), err=True)
        raise click.exceptions.Exit(5)
    click.echo(words("evidence.sound"))


class progress:  # a context manager, used like a function
    """Says on a terminal, once a second, how far it is."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._next = time.monotonic() + 1
        self._shown = False

    def __enter__(self) -> Callable[[int, int], None]:
        return self._tell

    def __exit__(self, *_: object) -> None:
        if self._shown:
            click.echo("\r\x1b[K", nl=False, err=True)

    def _tell(self, done: int, total: int) -> None:
        if sys.stderr is None or not sys.stderr.isatty() or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + 1
        self._shown = True
        click.echo("\r" + self._words("evidence.progress", done=f"{done:,}", total=f"{total:,}"), nl=False, err=True)
