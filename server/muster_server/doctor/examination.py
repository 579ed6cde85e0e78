"""The whole examination, in the order in which one thing rests on another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.exc import DBAPIError

from muster_server.deployment import Deployment
from muster_server.doctor import Found, Level, content, fail, ok, running, system, unknown
from muster_server.document.mistakes import PolicyError
from muster_server.settings import Settings
from muster_server.store.database import FILE, Database
from muster_server.store.schema import HEAD
from muster_server.store.unusable import DatabaseError, named
from muster_server.tls import folder
from muster_server.tls.condition import condition


def examine(deployment: Deployment) -> Iterator[Found]:
    """Every check. One that fails in a way nobody foresaw is unknown, and the rest go on."""
    now = datetime.now(UTC)
    data = deployment.path
    yield from _tried("python", system.python)
    yield from _tried("sqlite", system.sqlite)
    yield from _tried("files", system.files)
    yield from _tried("owners", system.owners, data)
    settings = _settings(deployment)
    if isinstance(settings, Found):
        yield settings
    else:
        yield ok("settings")
        yield from _tried("disk", system.disk, data, settings)
    yield from _tried("policies", _policies, deployment)
    yield from _tried("key", _key, deployment)
    yield from _tried("certificate", _certificate, deployment, now)
    if not isinstance(settings, Found):
        yield from _tried("database", _database, deployment, settings, now)
    yield from _tried("backup", content.backups, data, now)
    yield from _tried("server", running.server, data, folder.files(data).ca)


def _tried(name: str, check: Callable[..., Iterator[Found]], *given: Any) -> Iterator[Found]:
    try:
        yield from check(*given)
    except (DatabaseError, DBAPIError) as error:
        known = named(error) if isinstance(error, DBAPIError) else error
        yield fail("database", key=known.code, detail=known.detail)
    except Exception as error:
        yield unknown("not_checked", name=name, why=str(error)[:300])


def _settings(deployment: Deployment) -> Settings | Found:
    try:
        return deployment.settings()
    except PolicyError as error:
        return fail("settings_wrong", mistakes=error.mistakes)


def _policies(deployment: Deployment) -> Iterator[Found]:
    try:
        found = deployment.policies()
        deployment.end_of_support()
    except PolicyError as error:
        yield fail("policies_wrong", mistakes=error.mistakes)
    else:
        yield ok("policies", count=len(found), rules=sum(len(policy.rules) for policy in found))


def _key(deployment: Deployment) -> Iterator[Found]:
    try:
        yield ok("key", id=deployment.key().id)
    except (OSError, ValueError) as error:
        yield fail("key_unusable", why=str(error))


def _certificate(deployment: Deployment, now: datetime) -> Iterator[Found]:
    found = condition(deployment.path, now)
    for fault in found.faults:
        yield Found(Level.FAIL if fault.severe else Level.WARN, "certificate_fault", {"fault": fault})
    if not found.faults and found.server is not None:
        yield ok("certificate", names=", ".join(found.server.names), days=found.days_left)


def _database(deployment: Deployment, settings: Settings, now: datetime) -> Iterator[Found]:
    address = deployment.database_address()
    with closing(Database.at(address)) as database:
        if settings.database is not None:
            with database.read() as connection:
                yield from content.server_of(connection)
        found = list(content.schema(database))
        yield from found
        if settings.database is None:
            yield from content.pages(deployment.path / FILE)
        if database.version() != HEAD:
            return
        with database.read() as connection:
            yield from _tried("clock", system.clock, now, content.last_report(connection))
            yield from _tried("chain", content.chain, connection, deployment.path)
            yield from _tried("audit", content.log, connection)
            yield from _tried("access", content.access, connection, now)
            yield from _tried("people", content.people, connection, now)
