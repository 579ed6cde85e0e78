"""muster init: make a deployment, with all that its PCs will trust."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from muster_server.cli import Context, Failure
from muster_server.cli.tls import asked_for, cautions, files_made, given, organisations, recorded, refusal
from muster_server.deployment import KEY, Deployment
from muster_server.operator import operator
from muster_server.settings import FILE as SETTINGS
from muster_server.settings import POSTGRESQL
from muster_server.store.database import FILE, Database, Missing, WrongSchema
from muster_server.store.postgresql import has_password
from muster_server.tls import Refused, acts, folder, hosts
from muster_server.tls.acts import Change, Given
from muster_server.tls.condition import Condition
from muster_server.tls.folder import Files
from muster_server.words import Words

PORT = 8470  # that `muster serve` listens on unless told


def command(words: Words) -> click.Command:
    """The command, in the language of ``words``."""

    @click.command("init", help=words("init.help"), epilog=words("init.examples"), short_help=words("init.short"))
    @click.option(
        "--name", metavar="NAME", default=words("init.default_name"), show_default=True, help=words("init.name")
    )
    @click.option("--host", "names", metavar="HOST", multiple=True, help=words("init.host"))
    @click.option("--database", metavar="URL", help=words("init.database"))
    @organisations(words)
    @click.pass_obj
    def init(
        context: Context,
        name: str,
        names: tuple[str, ...],
        database: str | None,
        tls_cert: Path | None,
        tls_key: Path | None,
        tls_ca: Path | None,
    ) -> None:
        data = context.data
        if data is None:
            raise Failure(words("cli.no_data"), words("cli.no_data_advice"), 2)
        name = name.strip()
        if not name or not name.isprintable():
            raise Failure(words("init.bad_name"), exit_code=2)
        files = given(tls_cert, tls_key, tls_ca, words)
        try:
            wanted = checked(names, files)
            if there_is_one(data):
                raise FileExistsError
            if database is not None:
                usable(database, data, words)
            # The database comes last: without it there is no deployment, and init can be run again.
            data.mkdir(mode=0o700, parents=True, exist_ok=True)
            change = made(data, name, wanted, files)
            recorded(Deployment.create(data, name, words, database), "make" if files is None else "use", lambda: change)
        except Refused as error:
            raise refusal(error, words) from None
        except FileExistsError:
            raise Failure(words("init.exists", data=data), words("init.exists_advice")) from None
        except OSError as error:
            raise Failure(words("init.failed", data=data, error=error.strerror or error)) from None
        credential = Deployment(data).first_administrator(operator())
        for line in said(data, change.after, credential, words):
            click.echo(line)

    return init


def there_is_one(data: Path) -> bool:
    """Whether a deployment is here: a database of its own, or one that its settings name. Raises ``DatabaseError`` when
    that cannot be told, and ``PolicyError``."""
    if (data / FILE).exists():
        return True
    if not (data / SETTINGS).exists():
        return False
    try:
        Deployment(data).database().close()
    except Missing:
        return False
    except WrongSchema:
        pass
    return True


def usable(database: str, data: Path, words: Words) -> None:
    """Look whether a PostgreSQL takes a new deployment, before anything is made. Raises ``DatabaseError``."""
    if not database.startswith(POSTGRESQL) or not database.isprintable():
        raise Failure(words("store.not_postgresql"), exit_code=2)
    if has_password(database):
        raise Failure(words("store.password_in_argument"), exit_code=2)
    if (data / SETTINGS).exists() and Deployment(data).settings().database != database:
        raise Failure(words("init.other_database", path=data / SETTINGS), exit_code=2)
    Database.must_be_empty(database)


def checked(names: tuple[str, ...], files: Given | None) -> tuple[str, ...]:
    """The hosts of the certificate. Everything that can be wrong with what was named is found here, before anything is
    made. Raises :class:`Refused` or ``OSError``."""
    if files is None:
        return asked_for(names)
    wanted = tuple(hosts.checked(name) for name in names)
    there = Files(files.authority, files.authority.with_name(folder.CA_KEY), files.certificate, files.key)
    acts.sound(there, wanted, datetime.now(UTC))
    return wanted


def made(data: Path, office: str, wanted: tuple[str, ...], files: Given | None) -> Change:
    """Make the certificates, or take the organisation's. What an interrupted start left is gone over again."""
    now = datetime.now(UTC)
    if files is None:
        return acts.make(data, office, wanted, now)
    return acts.use(data, files, wanted, now, other_authority=True)  # there is no PC yet that could lose it


def said(data: Path, found: Condition, credential: str, words: Words) -> Iterator[str]:
    """What was made, in which files, and what comes next."""
    assert found.server is not None
    yield words("init.done", data=data)
    yield f"  {data / SETTINGS}\n      " + words("init.file.settings")
    yield f"  {data / KEY}\n      " + words("init.file.key")
    yield from files_made(found, words)
    yield words("init.administrator", credential=credential)
    yield from cautions(found, words)
    outside = (name for name in found.server.names if not hosts.loopback(name) and "*" not in name)
    host = next(outside, found.server.name_to_try)
    address = f"https://{f'[{host}]' if ':' in host else host}:{PORT}"
    yield words("init.next", data=data, server=address)
