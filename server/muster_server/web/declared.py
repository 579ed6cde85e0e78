"""What a route is declared with: without a word on who may call it there is no route."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from muster_server.access.roles import Need
from muster_server.store.readers import Reader


class Caller(StrEnum):
    """Who may call a route that is not for readers."""

    ANYONE = "anyone"  # no credential at all: /healthz and /readyz
    NEWCOMER = "newcomer"  # a PC that is not known yet, with an enrolment token: /v1/enrol
    AGENT = "agent"  # a PC that signs what it sends


@dataclass(frozen=True)
class Parameter:
    """Something that stands in the address."""

    name: str
    about: str
    schema: Mapping[str, Any]
    place: str = "query"  # or path, header


@dataclass(frozen=True)
class Answer:
    """What comes back with one status: a schema by media type."""

    about: str
    content: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


Endpoint = Callable[[Request, Reader], Awaitable[Response]]


@dataclass(frozen=True)
class Declared:
    """A route for readers: who may call it, what does it, and what is published of it."""

    path: str
    need: Need
    endpoint: Endpoint
    about: str
    answers: Mapping[int, Answer]
    parameters: tuple[Parameter, ...] = ()
    method: str = "GET"
    body: Mapping[str, Any] | None = None  # the schema of the JSON it takes
    tag: str = "reports"
