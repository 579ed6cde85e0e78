"""A server that is asked instead of a folder: the same lines come back that the command would print there.

What is trusted is what an agent trusts: TLS 1.2 or newer, a certificate of the authority that was named, plain HTTP to
this machine itself and nowhere else, no redirects, no proxies of the environment.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import click

from muster_agent.sending.http import BadAddress, Unreachable, check_address, connection_to, named
from muster_server.cli import Context, Failure
from muster_server.cli.performing import credential
from muster_server.render.inert import inert

TIME_LIMIT = 60.0  # seconds for connecting and for each wait on an answer
PATIENCE = 600.0  # seconds that a server may take to work something out
PAUSE = 30.0  # seconds between two questions at most, whatever the server says
LIMIT = 256 * 1024 * 1024  # bytes of an answer: every list of 100,000 PCs in full


class NotThere(Exception):
    """The server has no such PC, rule or month, for this credential. ``code`` stands under ``report.error.``."""

    def __init__(self, code: str, names: list[str], count: int) -> None:
        super().__init__(code)
        self.code = code
        self.names = names
        self.count = count  # how many there are, when several are meant


class Unwilling(Exception):
    """An act was refused: its code and values, as acts.act.Refused has them."""

    def __init__(self, code: str, values: dict[str, Any]) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


@dataclass(frozen=True)
class Fetched:
    """An answer that was given."""

    body: bytes
    headers: Mapping[str, str]


def get(context: Context, path: tuple[str, ...], query: Mapping[str, Any], headers: Mapping[str, str]) -> Fetched:
    """Ask for a view, and again while the server works it out. Raises :class:`NotThere`; fails in a clear line."""
    address = "/v1/" + "/".join(quote(part, safe="") for part in path)
    address += "?" + urlencode({name: value for name, value in query.items() if value is not None})
    until = time.monotonic() + PATIENCE
    told = False
    while True:
        status, answered, body = _exchange(context, "GET", address, headers, None)
        said = _said(body)
        if status == 503 and said.get("error") == "being_judged":
            if time.monotonic() > until:
                raise _failure(context, "too_long")
            if not told:
                click.echo(context.words("remote.waiting"), err=True)
                told = True
            time.sleep(_pause(answered.get("retry-after", "")))
            continue
        if status == 200:
            return Fetched(body, answered)
        names = [name for name in said.get("names", ()) if isinstance(name, str)]
        if status == 404 and "names" in said:
            count = said.get("values", {}).get("n", len(names))
            raise NotThere(str(said.get("error")), names, count if isinstance(count, int) else len(names))
        raise _refused(context, status, said)


def act(context: Context, name: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Have the server do an act; returns what it tells. Raises :class:`Unwilling`; fails in a clear line."""
    body = json.dumps(asked).encode("ascii")
    headers = {"Content-Type": "application/json"}
    status, _, answer = _exchange(context, "POST", "/v1/acts/" + quote(name, safe=""), headers, body)
    said = _said(answer)
    if status == 200:
        return said
    if isinstance(said.get("values"), dict):
        raise Unwilling(str(said.get("error")), said["values"])
    raise _refused(context, status, said)


def _exchange(
    context: Context, method: str, address: str, headers: Mapping[str, str], body: bytes | None
) -> tuple[int, dict[str, str], bytes]:
    assert context.server is not None and context.access is not None
    secret = credential(context.access, context.words)
    connection = None
    server = context.server
    try:
        server = check_address(server)
        connection = connection_to(server, None if context.ca is None else str(context.ca), TIME_LIMIT)
        connection.request(method, address, body, {**headers, "Authorization": f"Bearer {secret}"})
        response = connection.getresponse()
        data = response.read(LIMIT + 1)
    except BadAddress as error:
        raise _failure(context, str(error), server=inert(server), code=2) from None
    except Exception as error:
        found = named(error, server)
        if not isinstance(found, Unreachable):
            raise
        raise _failure(context, found.code, detail=inert(found.detail)) from None
    finally:
        if connection is not None:
            connection.close()
    if len(data) > LIMIT:
        raise _failure(context, "not_muster", detail=inert(server))
    return response.status, {name.lower(): value for name, value in response.getheaders()}, data


def _said(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _pause(said: str) -> float:
    return min(float(said), PAUSE) if said.isascii() and said.isdigit() and len(said) < 6 else 1.0


def _refused(context: Context, status: int, said: dict[str, Any]) -> Failure:
    code = said.get("error")
    if not isinstance(code, str):
        return _failure(context, "not_muster", detail=inert(context.server))
    if code in ("unauthorised", "forbidden"):
        return _failure(context, code, path=inert(context.access))
    if code == "no_such_route":
        return _failure(context, code)
    return _failure(context, "said", status=status, code_said=inert(code), detail=inert(said.get("detail", "")))


def _failure(context: Context, key: str, code: int = 5, code_said: str = "", **values: object) -> Failure:
    words = context.words
    if not words.maybe(f"remote.{key}_advice", ""):  # a code that a newer agent gave a fault
        key, values = "unreachable", {"detail": values.get("detail", inert(context.server))}
    said = words(f"remote.{key}", **({**values, "code": code_said} if code_said else values))
    return Failure(said, words(f"remote.{key}_advice"), code)
