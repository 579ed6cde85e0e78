"""Which certificate authority goes into a package of the agent, and whether PCs with it will reach the server."""

from __future__ import annotations

import contextlib
import ssl
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import click

from muster_server.cli import Context, Failure
from muster_server.cli.tls import fault_lines
from muster_server.tls import Refused, hosts, trial
from muster_server.tls.condition import Condition, condition
from muster_server.words import Words

CA_LIMIT = 512 * 1024  # bytes


def mistake(words: Words, key: str, **values: object) -> Failure:
    """A mistake in what was typed, with what to do where that is worded."""
    return Failure(words(key, **values), words.maybe(key + "_advice", "", **values), 2)


def authority(
    context: Context, words: Words, server: str, path: Path | None, system: bool, proxy: bool
) -> bytes | None:
    """The authority that https needs, as PEM that holds nothing which must stay here; None where none goes in.

    A deployment with TLS files is asked whether PCs with that authority would reach it at ``server``, unless a
    ``proxy`` answers there with a certificate of its own.
    """
    if path is not None and system:
        raise mistake(words, "agent.package.two_authorities")
    if proxy and path is None and not system:
        raise mistake(words, "agent.package.proxy_ca")
    if not server.startswith("https:"):
        return None if path is None else _given(path, words)
    given = None if path is None else _given(path, words)
    if proxy:
        return given
    found = None if context.data is None else condition(context.deployment(), datetime.now(UTC))
    if found is None or not found.files.there:
        if given is None and not system:
            raise mistake(words, "agent.package.no_ca")
        return given
    _reachable(found, server, path, system, words)
    if given is not None or system:
        return given
    return _given(found.files.ca, words)


def _reachable(found: Condition, server: str, path: Path | None, system: bool, words: Words) -> None:
    """Fail unless the deployment's certificate is sound, for that address, and of the authority that goes in."""
    for fault in found.faults:
        if fault.severe:
            line, *advice = fault_lines(fault, words)
            raise Failure(line, "\n".join(advice).strip(), 5)
    assert found.server is not None
    host = urlsplit(server).hostname or ""
    with contextlib.suppress(Refused):
        host = hosts.checked(host)
    if not hosts.covers(found.server.names, host):
        names = ", ".join(found.server.names)
        raise mistake(words, "agent.package.other_name", host=host, names=names)
    if not system:
        refused = trial.refusal(path or found.files.ca, found.files.server, found.files.server_key, host)
        if refused is not None:
            raise mistake(words, "agent.package.foreign_ca", path=path or found.files.ca, error=refused)
    for fault in found.faults:
        for line in fault_lines(fault, words):
            click.echo(line, err=True)


def _given(path: Path, words: Words) -> bytes:
    """The file that was named, looked into as far as any PC would."""
    try:
        with path.open("rb") as file:
            data = file.read(CA_LIMIT)
    except OSError as error:
        raise mistake(words, "agent.package.ca_unreadable", path=path, error=error.strerror or error) from None
    if b"PRIVATE KEY" in data:
        raise mistake(words, "agent.package.ca_with_key", path=path)
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=data.decode("ascii"))
        known = context.get_ca_certs()
    except (ssl.SSLError, ValueError) as error:
        raise mistake(words, "agent.package.bad_ca", path=path, error=error) from None
    ends = max((ssl.cert_time_to_seconds(str(one["notAfter"])) for one in known), default=None)
    if ends is not None and ends < datetime.now(UTC).timestamp():
        raise mistake(words, "agent.package.ca_expired", path=path)
    return data
