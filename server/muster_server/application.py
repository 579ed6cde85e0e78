"""The server's HTTP application, put together from the agents' door and the readers' routes.

Deny by default: a route is in it only with a word on who may call it, which is what guards it too. A route of the
agents' door that nobody has said that word about stops the server at its start (security.md L1).
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec
from rich.cells import cell_len
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Message, Receive, Scope, Send

from muster_agent.facts import TABLES
from muster_server.access.roles import Need
from muster_server.deployment import Deployment
from muster_server.receive import thorough
from muster_server.receive.app import Receiver
from muster_server.receive.refusal import Refusal
from muster_server.render.html import environment
from muster_server.store.database import Database
from muster_server.store.readers import Reader
from muster_server.web import openapi, page
from muster_server.web.acting import Acting, ActRefused, acts
from muster_server.web.declared import Caller, Declared
from muster_server.web.forms import language_of, liked
from muster_server.web.guard import REALM, Guard, Handler
from muster_server.web.looks import Looks
from muster_server.web.measures import Measures
from muster_server.web.routes import declared
from muster_server.web.views import Unfound, Views
from muster_server.words import Words

# Who may call what is not for readers. Whatever stands neither here nor among the declared routes does not exist.
CALLERS = {
    "/healthz": Caller.ANYONE,
    "/readyz": Caller.ANYONE,
    "/v1/enrol": Caller.NEWCOMER,
    "/v1/reports": Caller.AGENT,
    "/v1/keys": Caller.AGENT,
}
# The headers without which a PC has no credential at all; whether they hold is for the door to say.
SIGNED = {
    "/v1/reports": ("Muster-Envelope", "Muster-Signature"),
    "/v1/keys": ("Muster-Signature", "Muster-Predecessor-Signature"),
}

# What the standard library and our dependencies import only when it is used first.
LATE = ("_strptime", "anyio._backends._asyncio", "encodings.idna", "encodings.unicode_escape")

# On every answer. A page brings its own content policy; there are no cookies, and nothing is told to other sites.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Unmarked(Exception):
    """A route that nobody said who may call."""


class Application:
    """What the listener serves. ``routes`` are all there are, ``marks`` says of each who may call it."""

    def __init__(self, app: Starlette, marks: dict[tuple[str, str], Caller | Need], looks: Looks) -> None:
        self._app = app
        self._looks = looks
        self.marks = marks

    @property
    def routes(self) -> list[BaseRoute]:
        """Every route."""
        return list(self._app.routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the headers that every answer has, those of faults included."""

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, sent if scope["type"] == "http" else send)

    def warm(self) -> None:
        """Judge the office once before anybody asks."""
        self._looks.warm()

    def close(self) -> None:
        """Stop judging."""
        self._looks.close()


def application(deployment: Deployment, database: Database, receiver: Receiver) -> Application:
    """Put the application together. Raises :class:`Unmarked`. Close it when it is done with."""
    load()
    looks = Looks(deployment)
    readers = declared(Views(looks), Acting(database, receiver.writer), Measures(receiver.metrics), _published)
    routes, marks = assembled(Guard(database), readers, receiver.routes())
    answers = Problems(receiver)
    app = Starlette(
        routes=routes,
        exception_handlers={
            **receiver.exception_handlers(),
            Refusal: answers.refused,
            ActRefused: answers.act_refused,
            Unfound: answers.unfound,
            HTTPException: answers.not_found,
        },
    )
    app.router.redirect_slashes = False  # it would build the address from Host
    return Application(app, marks, looks)


def load() -> None:
    """Load what a request would otherwise be the first to load: no request ever makes this process run code that it
    did not have when it began to listen (tests/scorecard/audit_hook.py)."""
    for module in (*(f"muster_server.acts.{module}" for module in acts().values()), *LATE):
        importlib.import_module(module)
    for module in acts().values():
        _looked_at(importlib.import_module(f"muster_server.acts.{module}").Asked)
    for table in TABLES.values():
        _looked_at(list[table])  # type: ignore[valid-type]
    with contextlib.suppress(Refusal):
        thorough.read(b"null")
    cell_len("科")
    document()
    for template in environment().list_templates():
        environment().get_template(template)  # compiled once, and kept


def _looked_at(kind: Any) -> None:
    """msgspec reads the types of a struct, which are text in the code, when it first meets it."""
    with contextlib.suppress(msgspec.ValidationError):
        msgspec.convert(None, kind)


def assembled(
    guard: Guard, readers: Iterable[Declared], doors: Iterable[Route]
) -> tuple[list[Route], dict[tuple[str, str], Caller | Need]]:
    """Every route behind its guard, and who may call it. Raises :class:`Unmarked`."""
    routes: list[Route] = []
    marks: dict[tuple[str, str], Caller | Need] = {}
    for door in doors:
        caller = CALLERS.get(door.path)
        if caller is None or not door.methods:
            raise Unmarked(door.path)
        handler: Handler = door.endpoint
        if caller is Caller.NEWCOMER:
            handler = guard.tokens(handler)
        elif caller is Caller.AGENT:
            handler = guard.agents(handler, SIGNED[door.path])
        marks.update({(method, door.path): caller for method in door.methods})
        routes.append(Route(door.path, handler, methods=list(door.methods)))
    for one in readers:
        if not isinstance(one.need, Need):
            raise Unmarked(one.path)
        # A PC's name is free text and may hold a slash.
        path = one.path.replace("{pc}", "{pc:path}").replace("{rule}", "{rule:path}")
        route = Route(path, guard.readers(one), methods=[one.method])
        marks.update({(method, one.path): one.need for method in route.methods or ()})
        routes.append(route)
    return routes, marks


def readers_routes() -> list[Declared]:
    """The declarations alone, for who writes about them: nothing stands behind them, and nothing can be called."""
    nothing: Any = _Nothing()
    return declared(nothing, nothing, nothing, _published)


class _Nothing:
    def __getattr__(self, name: str) -> Any:
        return name


@cache
def document() -> bytes:
    """What is published of this server."""
    return openapi.written(readers_routes()).encode("utf-8")


async def _published(request: Request, reader: Reader) -> Response:
    return Response(document(), media_type="application/json")


class Problems:
    """How a refusal is told: the one shape in JSON, or a page to a browser. The door counts and logs them all."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    async def refused(self, request: Request, error: Exception) -> Response:
        """A :class:`Refusal`."""
        assert isinstance(error, Refusal)
        told = await self._receiver.refused(request, error)
        shown = _problem(request, error.code, error.status, wait=error.retry_after)
        if shown is not None:
            shown.headers.update(
                {name: told.headers[name] for name in ("Retry-After", "Connection") if name in told.headers}
            )
            told = shown
        if error.status == 401:
            told.headers["WWW-Authenticate"] = REALM
        return told

    async def not_found(self, request: Request, error: Exception) -> Response:
        """A route or method that does not exist."""
        assert isinstance(error, HTTPException)
        told = await self.refused(request, Refusal(error.status_code, "no_such_route"))
        if error.headers is not None and "Allow" in error.headers:
            told.headers["Allow"] = error.headers["Allow"]
        return told

    async def act_refused(self, request: Request, error: Exception) -> Response:
        """An act that was not done, with what its line is made of."""
        assert isinstance(error, ActRefused)
        return JSONResponse({"error": error.code, "detail": "", "values": error.values}, error.status)

    async def unfound(self, request: Request, error: Exception) -> Response:
        """What is not there, with what was perhaps meant."""
        assert isinstance(error, Unfound)
        shown = _problem(request, error.code, 404, error.names)
        said = {"error": error.code, "detail": "", "names": error.names, "values": {"n": error.count}}
        return shown or JSONResponse(said, 404)


def _problem(
    request: Request, code: str, status: int, names: Iterable[str] = (), wait: int | None = None
) -> Response | None:
    """The page that tells a browser; None for everybody else."""
    if request.url.path.startswith("/v1/") or liked(request.headers.get("Accept", "")) != "html":
        return None
    return page.response(page.problem(code, Words(language_of(request)), list(names), wait), status)
