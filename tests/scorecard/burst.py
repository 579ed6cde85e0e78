"""Asks the application everything its OpenAPI allows, and more: schemathesis, in this process, with every credential.

What counts as a fault: a status of 500 or more that is not a 503, an answer that is not what the document says, and a
request with a wrong credential that is let in. ``python tests/torture/schemathesis_run.py`` does it as long as told.
"""

from __future__ import annotations

import base64
import gzip
import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from muster_server.application import readers_routes
from muster_server.web.openapi import written

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@schemathesis.serializer("application/gzip")
def packed(context: Any, value: Any) -> bytes:
    """A body as gzip; every other one is not quite."""
    body = gzip.compress(str(value).encode("utf-8", "replace"))
    return body if len(body) % 2 else body[:-3]


@dataclass
class Found:
    """What a burst met."""

    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    began: float | None = None  # with the first request: to read the document takes schemathesis seconds

    def over(self, seconds: float) -> bool:
        """Whether they have passed since the first request."""
        return self.began is not None and time.monotonic() - self.began > seconds

    @property
    def cases(self) -> int:
        """How many requests were made."""
        return sum(self.statuses.values())


def headers_of(office: Any) -> dict[str, dict[str, str]]:
    """Each credential, and none."""
    names = ("administrator", "auditor", "viewer", "monitor", "expired")
    found = {name: office.bearer(name) for name in names}
    password = base64.b64encode(f"x:{office.credentials['administrator']}".encode()).decode()
    return {**found, "basic": {"Authorization": f"Basic {password}"}, "none": {}}


def burst(office: Any, seconds: float, examples: int, seed: int = 0, only: str = "", url: str | None = None) -> Found:
    """Ask until ``seconds`` have passed or every operation has had ``examples`` from every credential.

    ``only`` is a path to which it is limited; ``url`` is a server that is asked, instead of the application in this
    process.
    """
    found = Found()
    schema = schemathesis.openapi.from_dict(json.loads(written(readers_routes())))
    if url is None:
        schema.app = office.application
    else:
        schema.config.update(base_url=url)
    operations = [result.ok() for result in schema.get_all_operations()]
    random.Random(seed).shuffle(operations)  # so that a short burst does not always meet the same ones
    for operation in operations:
        for who, headers in headers_of(office).items():
            if only in ("", operation.path):
                _each(operation, who, headers, found, seconds, examples, seed)
    return found


def _each(
    operation: Any, who: str, headers: dict[str, str], found: Found, seconds: float, examples: int, seed: int
) -> None:
    if found.over(seconds):
        return

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        if not found.over(seconds):
            _one(case, who, headers, found)

    ask()


def _one(case: Any, who: str, headers: dict[str, str], found: Found) -> None:
    case.headers = {name: value for name, value in (case.headers or {}).items() if name.lower() != "authorization"}
    found.began = found.began or time.monotonic()
    response = case.call(headers=headers)
    found.statuses[response.status_code] += 1
    where = f"{who}: {case.method} {case.path} -> {response.status_code}"
    if who in ("none", "expired") and response.status_code < 400 and case.path not in ("/healthz", "/readyz"):
        found.faults.append(f"{where}: let in")
    try:
        case.validate_response(response, checks=CHECKS, headers=headers)
    except FailureGroup as error:
        if response.status_code != 503:
            found.faults.append(f"{where}: {error.exceptions[0]!s:.600}")
