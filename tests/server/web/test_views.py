"""What readers see: each their own, in the form they ask for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from muster_server.assessment import assess
from muster_server.render.terminal import document
from muster_server.render.terminal import office as office_view
from muster_server.render.terminal.screen import Screen
from muster_server.words import Words

THEIRS = "PC-9001"


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """An office with people, two PCs of one name, and one with a slash in it."""
    import small_office

    made = small_office.make(
        tmp_path_factory.mktemp("crowd") / "data", names=("PC-0001", "Twin", "a/b"), other=(THEIRS, "twin")
    )
    settings = made.path / "muster.yaml"
    lines = [line for line in settings.read_text("utf-8").splitlines() if not line.startswith("units:")]
    lines += ["units:", "  信息科: 孙明国", "  财务科: 周杰"]
    settings.write_text("\n".join(lines) + "\n", "utf-8")
    yield made
    made.close()


def test_a_viewer_gets_the_unit_and_nothing_of_another_in_any_form(crowd: Any) -> None:
    import small_office

    month = small_office.this_month()
    places = ["/v1/office", "/v1/rules/AV-001", "/v1/pcs/PC-0001", f"/v1/months/{month}", f"/v1/office?month={month}"]
    other = crowd.pcs[THEIRS]
    for path in places:
        for form in ("json", "text", "html"):
            answer = crowd.get(f"{path}{'&' if '?' in path else '?'}form={form}&lang=zh", "viewer")
            assert answer.status == 200, (path, form)
            for theirs in (THEIRS, other, other[:8], "财务科", "周杰"):
                assert theirs not in answer.text, (path, form, theirs)
            assert "PC-0001" in answer.text or (form == "html" and "months" in path)
    whole = crowd.get("/v1/office").json
    mine = crowd.get("/v1/office", "viewer").json
    assert (whole["totals"]["registered"], mine["totals"]["registered"]) == (5, 3)
    assert [unit["name"] for unit in mine["units"]] == ["信息科"]
    assert {pc["name"] for pc in mine["pcs"]} == {"PC-0001", "Twin", "a/b"}  # no other of that name to be told from
    assert sum(rule["results"]["fail"] for rule in mine["rules"]) < sum(
        rule["results"]["fail"] for rule in whole["rules"]
    )


def test_another_units_pc_is_as_unknown_as_one_that_does_not_exist(crowd: Any) -> None:
    for given in (crowd.pcs[THEIRS], THEIRS, crowd.pcs[THEIRS][:8], crowd.pcs["twin"]):
        for path in ("/v1/pcs/", "/pcs/"):
            unknown = crowd.get(path + "nothing-like-it", "viewer")
            theirs = crowd.get(path + given, "viewer")
            assert (unknown.status, theirs.status) == (404, 404)
            assert [name for name, _ in theirs.headers] == [name for name, _ in unknown.headers]
            assert set(theirs.json) == set(unknown.json)
            assert crowd.pcs[THEIRS] not in theirs.text
            assert THEIRS not in theirs.text
    assert crowd.get(f"/v1/pcs/{THEIRS}", "auditor").status == 200
    assert crowd.get(f"/v1/pcs/{THEIRS}", "other viewer").status == 200
    assert crowd.get("/v1/pcs/PC-0001", "other viewer").status == 404


def test_a_viewer_without_a_unit_sees_nothing(crowd: Any) -> None:
    with crowd.database.write() as connection:
        connection.exec_driver_sql("UPDATE readers SET unit = NULL WHERE name = 'viewer'")
    try:
        assert crowd.get("/v1/office", "viewer").json["totals"]["registered"] == 0
    finally:
        with crowd.database.write() as connection:
            connection.exec_driver_sql("UPDATE readers SET unit = '信息科' WHERE name = 'viewer'")


def test_the_document_is_the_command_lines(crowd: Any) -> None:
    tally = assess(crowd.path)
    there, here = crowd.get("/v1/office"), document.written(document.office(tally))
    assert without_moment(there.body) == without_moment(here)
    screen = Screen(Words("en"), columns=90)
    lines = crowd.get("/v1/office?form=text&lang=en&columns=90").text
    tally = assess(crowd.path)
    assert lines == "\n".join(office_view.lines(tally, screen)) + "\n"


def without_moment(body: bytes) -> Any:
    """A document without the second at which it was made."""
    found = json.loads(body)
    del found["as_of"]
    return found


def test_a_pc_is_found_by_name_in_any_case_by_its_id_and_with_a_slash(crowd: Any) -> None:
    id = crowd.pcs["PC-0001"]
    for given in ("PC-0001", "pc-0001", id, id[:8], id.upper()):
        assert crowd.get(f"/v1/pcs/{given}").json["pc"]["id"] == id
    assert crowd.get("/v1/pcs/a/b").json["pc"]["name"] == "a/b"
    assert crowd.get("/v1/pcs/a%2Fb").json["pc"]["name"] == "a/b"
    twins = crowd.get("/v1/pcs/twin")
    assert twins.status == 404
    assert twins.json["error"] == "many_pcs"
    assert sorted(twins.json["names"]) == sorted(f"{name} ({crowd.pcs[name]})" for name in ("Twin", "twin"))
    near = crowd.get("/v1/pcs/PC-0002")
    assert near.json["error"] == "no_pc"
    assert "PC-0001" in near.json["names"]
    assert crowd.get("/v1/rules/av-001").json["rule"]["id"] == "AV-001"
    assert crowd.get("/v1/rules/AV-9").json["error"] == "no_rule"
    assert crowd.get("/v1/pcs/").json["error"] == "no_pc"


def test_the_form_is_what_is_asked_for(crowd: Any) -> None:
    html, text, plain = "text/html; charset=utf-8", "text/plain; charset=utf-8", "application/json"
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    for path, accept, expected in (
        ("/office", browser, html),
        ("/office", "", html),
        ("/office", "application/json", plain),
        ("/office", "text/plain", text),
        ("/office", "application/json;q=0.2, text/plain;q=0.9", text),
        ("/office", "text/html;q=0, text/plain;q=0.1", text),
        ("/office?form=json", browser, plain),
        ("/v1/office", "*/*", plain),
        ("/v1/office", "", plain),
        ("/v1/office?form=text", "application/json", text),
        ("/v1/office?form=html", "application/json", html),
    ):
        answer = crowd.get(path, Accept=accept)
        assert (answer.status, answer.header("Content-Type")) == (200, expected), (path, accept)


def test_the_language_is_what_is_asked_for(crowd: Any) -> None:
    assert "确认合规" in crowd.get("/office?lang=zh&form=text").text
    assert "confirmed compliant" in crowd.get("/office?lang=en&form=text").text
    assert "confirmed compliant" in crowd.get("/office?form=text", **{"Accept-Language": "fr,en-GB;q=0.7"}).text
    page = crowd.get("/office?form=html", **{"Accept-Language": "zh-CN,zh;q=0.9"}).text
    assert '<html lang="zh-CN">' in page
    assert ">English</a>" in page


@pytest.mark.parametrize(
    "query",
    [
        "form=pdf",
        "lang=fr",
        "columns=39",
        "columns=501",
        "columns=８0",
        "columns=1_0_0",
        "columns=-80",
        "columns=80.0",
        "colour=yes",
        "limit=-1",
        "limit=999999",
        "limit=1&all=1",
        "month=2026-13",
        "month=2026-1",
        "month=0001-01",
        "month=%00",
        "form=json&form=text",
        "nothing=1",
        "all=",
    ],
)
def test_a_wrong_parameter_is_refused_and_not_left_out(crowd: Any, query: str) -> None:
    answer = crowd.get("/v1/office?" + query.replace("８", "%EF%BC%98"))
    assert (answer.status, answer.json["error"]) == (422, "bad_parameter")


def test_limits_and_widths_are_kept(crowd: Any) -> None:
    assert len(crowd.get("/v1/office?limit=2").json["pcs"]) == 2
    assert len(crowd.get("/v1/office?limit=0").json["pcs"]) == 5
    assert max(map(len, crowd.get("/v1/office?form=text&columns=40&lang=en").text.splitlines())) < 40


def test_a_month_is_its_report_or_how_it_ended(crowd: Any) -> None:
    import small_office

    month = small_office.this_month()
    page = crowd.get(f"/months/{month}?lang=en", Accept="text/html")
    assert page.status == 200
    assert page.header("Muster-Draft") == "1"
    style = page.text.partition("<style>")[2].partition("</style>")[0]
    assert style
    assert "sha256-" in page.header("Content-Security-Policy")
    assert crowd.get(f"/v1/months/{month}").json["totals"]["registered"] == 5
    empty = crowd.get("/v1/months/1999-01")
    assert (empty.status, empty.json["error"], empty.json["names"]) == (404, "no_data", [month])
    assert crowd.get("/v1/months/2999-01").status == 404
    assert crowd.get("/v1/months/2026-99").status == 422


def test_pages_lead_on_by_ids_alone(crowd: Any) -> None:
    page = crowd.get("/office?form=html&lang=en").text
    for id in crowd.pcs.values():
        assert f'href="/pcs/{id}?lang=en"' in page
    assert 'href="/rules/AV-001?lang=en"' in page
    pc = crowd.get(f"/pcs/{crowd.pcs['a/b']}?form=html&lang=en").text
    assert 'href="/rules/AV-001?lang=en"' in pc
    assert "<title>a/b · Muster</title>" in pc
    rule = crowd.get("/rules/AV-001?form=html&lang=en&month=2026-11")
    assert rule.status in (200, 404)


def test_policies_that_cannot_be_used_are_said_and_mended(tmp_path: Path) -> None:
    import small_office

    office = small_office.make(tmp_path / "data")
    try:
        file = office.path / "policies" / "own.yaml"
        good = file.read_text("utf-8")
        file.write_text(good.replace("any: antivirus", "any: nothing"), "utf-8")
        answer = office.get("/v1/office")
        assert (answer.status, answer.json["error"], answer.header("Retry-After")) == (503, "policies", "60")
        assert str(tmp_path) not in answer.text
        file.write_text(good, "utf-8")
        assert office.get("/v1/office").status == 200
    finally:
        office.close()
