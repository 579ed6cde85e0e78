"""Who may call what: every route of the assembled application, and every credential that is wrong in one way."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route

from muster_server.access.roles import Need
from muster_server.application import CALLERS, Unmarked, assembled, readers_routes
from muster_server.web.declared import Caller, Declared
from muster_server.web.guard import Guard

GRANTED = {
    Need.REPORTS: {"viewer", "other viewer", "auditor", "administrator"},
    Need.AUDIT: {"auditor", "administrator"},
    Need.ACT: {"administrator"},
    Need.METRICS: {"monitor", "auditor", "administrator"},
}
EVERYBODY = {"viewer", "other viewer", "auditor", "administrator", "monitor"}


def test_only_three_routes_answer_without_a_credential(office: Any) -> None:
    import routes

    assert routes.unguarded(office) == []
    unmarked = {path for path, caller in CALLERS.items() if caller is not Caller.AGENT}
    assert unmarked == routes.OPEN
    assert {mark for _, path, mark in routes.addresses(office) if path in routes.OPEN} <= set(Caller)


def test_what_belongs_to_a_pc_opens_nothing_for_readers(office: Any) -> None:
    import routes

    assert routes.opened_by_pcs(office) == []


def test_every_credential_that_is_wrong_in_one_way_is_refused_by_every_route(office: Any) -> None:
    """L1, L2, L9."""
    import routes

    tried = 0
    for name, headers in routes.wrong_for_readers(office).items():
        for method, path, mark in routes.addresses(office):
            if isinstance(mark, Need):
                given = [*headers, ("Content-Type", "application/json")]
                answer = office.client.ask(method, path, given, b"{}")
                assert answer.status in routes.REFUSED, (name, method, path)
                assert answer.header("WWW-Authenticate") or answer.status == 403
                tried += 1
    assert tried > 400
    assert office.get("/v1/office").status == 200


def test_no_wrong_credential_opens_the_door_of_pcs(office: Any) -> None:
    import routes

    good = office.credentials["administrator"]
    password = base64.b64encode(f"x:{good}".encode()).decode()
    cases = {
        "nothing": [],
        "a reader's": [("Authorization", f"Bearer {good}")],
        "a reader's, basic": [("Authorization", f"Basic {password}")],
        "a reader's beside a signature": [*routes.signed(), ("Authorization", f"Bearer {good}")],
        "empty": [("Muster-Envelope", ""), ("Muster-Signature", "")],
        "not base64": [("Muster-Envelope", "!"), ("Muster-Signature", "!")],
        "two signatures": [*routes.signed(), ("Muster-Signature", "AAAA")],
        "an envelope alone": routes.signed()[:1],
    }
    for name, headers in cases.items():
        for method, path, mark in routes.addresses(office):
            if mark is Caller.AGENT:
                answer = office.client.ask(method, path, headers, b"x")
                assert answer.status == (403 if "reader" in name else 401), (name, path)
    answer = office.client.ask("POST", "/v1/enrol", {"Authorization": f"Bearer {good}"}, b"{}")
    assert answer.status == 403


@pytest.mark.parametrize("who", sorted(EVERYBODY))
def test_a_role_opens_what_it_is_granted_and_nothing_else(office: Any, who: str) -> None:
    import routes

    for method, path, mark in routes.addresses(office):
        if isinstance(mark, Need):
            body = b"[]"  # an act that is asked for so is refused behind the guard, and does nothing
            answer = office.client.ask(
                method,
                path,
                {**office.bearer(who), "Content-Type": "application/json"},
                body if method == "POST" else b"",
            )
            assert (answer.status == 403) is (who not in GRANTED[mark]), (method, path, answer.status)
            assert answer.status != 401


def test_basic_with_the_credential_as_password_reads_and_does_not_act(office: Any) -> None:
    """A browser sends what it remembers with the requests of foreign pages too."""
    password = base64.b64encode(f"whoever:{office.credentials['administrator']}".encode()).decode()
    basic = {"Authorization": f"Basic {password}"}
    assert office.client.ask("GET", "/office", basic).status == 200
    answer = office.client.ask(
        "POST", "/v1/acts/tokens.issue", {**basic, "Content-Type": "application/json"}, b'{"unit": "x"}'
    )
    assert answer.status == 403
    assert office.get("/v1/audit").json["entries"] == []


def test_a_browser_is_asked_for_a_credential(office: Any) -> None:
    answer = office.client.ask("GET", "/office", {"Accept": "text/html,*/*;q=0.8", "Accept-Language": "zh-CN"})
    assert answer.status == 401
    assert answer.header("WWW-Authenticate").startswith("Basic realm=")
    assert "凭据" in answer.text


def test_a_route_without_a_mark_stops_the_server(office: Any) -> None:
    async def endpoint(request: Any) -> Any:
        raise AssertionError

    guard = Guard(office.database)
    with pytest.raises(Unmarked):
        assembled(guard, [], [Route("/v1/new", endpoint, methods=["POST"])])
    nobody: Any = None
    with pytest.raises(Unmarked):
        assembled(guard, [Declared("/new", nobody, endpoint, "", {})], [])


def test_every_answer_has_the_headers_and_no_cookie(office: Any) -> None:
    import routes

    answers = [office.get("/nothing"), office.client.ask("GET", "/office"), office.client.ask("BREW", "/office")]
    for method, path, _ in routes.addresses(office):
        answers.append(office.client.ask(method, path, office.bearer("administrator"), b""))
    for answer in answers:
        names = [name for name, _ in answer.headers]
        assert answer.header("X-Content-Type-Options") == "nosniff"
        assert answer.header("Cache-Control") == "no-store"
        assert answer.header("Referrer-Policy") == "no-referrer"
        assert "default-src 'none'" in answer.header("Content-Security-Policy")
        assert "frame-ancestors 'none'" in answer.header("Content-Security-Policy")
        assert "set-cookie" not in names
        assert "server" not in names


def test_nothing_is_changed_by_get_and_host_is_believed_by_nobody(office: Any) -> None:
    for declared in readers_routes():
        assert (declared.method == "POST") is (declared.need is Need.ACT)
    for path in ("/", "/office/", "//evil.example/", "/v1/office/", "/nothing"):
        answer = office.get(path, Host="evil.example", **{"X-Forwarded-Host": "evil.example"})
        assert "evil.example" not in str(answer.headers) + answer.text, path
        assert answer.header("Location") in ("", "/office")


def test_a_fault_of_ours_says_nothing_of_itself(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from muster_server.render.terminal import document

    def fails(*_: object) -> None:
        raise RuntimeError("a secret path /srv/muster")

    monkeypatch.setattr(document, "office", fails)
    answer = office.get("/v1/office")
    assert (answer.status, answer.json["error"]) == (500, "failed")
    assert "secret" not in answer.text
    assert answer.header("X-Content-Type-Options") == "nosniff"


def test_a_revoked_credential_is_refused_at_once(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    import small_office

    from muster_server.store import readers

    office = small_office.make(tmp_path / "data")
    try:
        assert office.get("/v1/office", "viewer").status == 200
        with office.database.write() as connection:
            readers.revoke(connection, "viewer", datetime.now(UTC))
        assert office.get("/v1/office", "viewer").status == 401
    finally:
        office.close()
