"""What is published of the server is what it is: from the same declarations, checked in, and held against answers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from muster_server.access.roles import Need
from muster_server.application import CALLERS, readers_routes
from muster_server.web.openapi import written

ROOT = Path(__file__).resolve().parents[3]


def test_the_document_that_is_checked_in_is_the_one_that_is_made() -> None:
    checked_in = (ROOT / "docs" / "openapi.json").read_text("utf-8")
    assert checked_in == written(readers_routes()), "run: make docs"


def test_it_holds_every_route_that_is_versioned_and_the_health_routes(office: Any) -> None:
    document = office.get("/v1/openapi.json").json
    paths = {re.sub("/v1/acts/.*", "/v1/acts/{act}", path) for path in document["paths"]}
    routes = {route.path.replace(":path}", "}") for route in office.application.routes}
    assert paths == {path for path in routes if path.startswith("/v1/") or path in CALLERS or path == "/metrics"}
    assert "/v1/acts/tokens.issue" in document["paths"]
    assert "/v1/acts/tls.record" not in document["paths"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            mark = office.application.marks.get((method.upper(), re.sub("/v1/acts/.*", "/v1/acts/{act}", path)))
            assert bool(operation["security"]) is (path not in ("/healthz", "/readyz"))
            if mark is Need.ACT:
                assert operation["security"] == [{"reader": []}]
    names = [operation["operationId"] for operations in document["paths"].values() for operation in operations.values()]
    assert len(names) == len(set(names))


def test_nothing_in_it_refers_to_nothing() -> None:
    text = written(readers_routes())
    schemas = set(re.findall(r'"#/components/schemas/([A-Za-z]+)"', text))
    import json

    assert schemas <= set(json.loads(text)["components"]["schemas"])


def test_B17_a_burst_of_what_it_allows_and_more_meets_no_fault(tmp_path: Path) -> None:
    import burst
    import small_office

    office = small_office.make(tmp_path / "data", names=("PC-0001", "a/b"))
    try:
        found = burst.burst(office, seconds=4, examples=1)
    finally:
        office.close()
    assert found.faults == []
    assert found.cases > 40
    assert not any(status >= 500 for status in found.statuses)
    assert {200, 401, 403} <= set(found.statuses)


def test_a_burst_sees_an_answer_that_is_not_what_was_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import burst
    import small_office

    from muster_server.render.terminal import document

    right = document.office
    monkeypatch.setattr(document, "office", lambda tally, limit=0: {**right(tally, limit), "more": 1})
    office = small_office.make(tmp_path / "data")
    try:
        found = burst.burst(office, seconds=10, examples=1, only="/v1/office")
    finally:
        office.close()
    assert any("Additional properties" in fault for fault in found.faults)
