"""The month's report as a document: what must hold for whoever opens, prints, hears or attacks it."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from muster_server.render.html import render, write
from muster_server.render.inert import inert
from muster_server.tally import Month
from muster_server.words import Words

VOID = {"meta", "link", "br"}
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}}{% raw %}",
    "</style><b>",
    "PC\x1b[31m\x07",
    "PC-\u202e10",
    "W" * 200,
    "\ud800",
)


class Document(HTMLParser):
    """The parsed report: every element with its attributes and text, and whether every element was closed."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.stack: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute stands twice in <{tag}>"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self.stack[-1] if self.stack else "", data.strip()))

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag in tags]

    def said(self, tag: str) -> list[str]:
        return [text for where, text in self.texts if where == tag]


CASES = {
    "office of 40": {},
    "over": {"over": True},
    "one month": {"months": 1},
    "two months": {"months": 2},
    "policy changed": {"changed": True},
    "simulated": {"tags": ("simulated",)},
    "empty": {"number": 0, "months": 1},
    "empty for a year": {"number": 0},
    "one PC": {"number": 1, "months": 1},
    "many units": {"number": 400, "units": [f"科室{n}" for n in range(130)]},
}


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def month(request: pytest.FixtureRequest, make: Callable[..., Month]) -> Month:
    return make(**request.param)


def test_every_report_is_well_formed_and_accessible(month: Month, words: Words) -> None:
    document = Document(render(month, words))
    assert document.stack == []
    assert document.all("html")[0]["lang"] == {"zh": "zh-CN", "en": "en"}[words.lang]
    ids = [attributes["id"] for _, attributes in document.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    referred = [
        name
        for _, attributes in document.elements
        for key in ("aria-labelledby", "aria-describedby")
        for name in (attributes.get(key) or "").split()
    ]
    referred += [str(link["href"])[1:] for link in document.all("a")]
    assert set(referred) <= set(ids)
    levels = [int(tag[1]) for tag, _ in document.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert len(document.all("h2")) == 9
    tables = document.all("table")
    assert len(document.all("caption")) == len(tables) > 0
    assert all(head.get("scope") in ("col", "row") for head in document.all("th"))
    regions = [div for div in document.all("div") if div.get("class") == "table"]
    assert len(regions) >= len(tables)
    assert all(div["tabindex"] == "0" and div["role"] == "region" for div in regions)
    images = [svg for svg in document.all("svg") if svg.get("aria-hidden") != "true"]
    assert all(svg["role"] == "img" and svg["aria-labelledby"] for svg in images)
    first = next(tag for tag, attributes in document.elements if attributes.get("class") == "skip")
    assert first == "a"


def test_nothing_is_loaded_run_or_styled_from_anywhere_else(month: Month, words: Words) -> None:
    source = render(month, words)
    document = Document(source)
    assert "http:" not in source
    assert "https:" not in source
    assert "//" not in re.sub(r"</?[^>]*>", "", source).replace("://", "//")
    assert document.all("script", "iframe", "object", "form", "img") == []
    assert not [a for _, attributes in document.elements for a in attributes if a == "style" or a.startswith("on")]
    (style,) = document.said("style")
    assert re.findall(r"url\(([^)]*)\)", style) == ["#dots"] * style.count("url(")
    assert "@import" not in style
    (policy,) = [str(meta["content"]) for meta in document.all("meta") if "http-equiv" in meta]
    raw = source.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(raw.encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:;")


@pytest.mark.parametrize("hostile", HOSTILE, ids=ascii)
def test_a_hostile_name_is_only_ever_shown(hostile: str, make: Callable[..., Month], words: Words) -> None:
    plain = make(units=["信息科"])
    source = render(_rename(plain, hostile), words)
    harmless = render(_rename(plain, "harmless"), words)
    document = Document(source)
    assert [tag for tag, _ in document.elements] == [tag for tag, _ in Document(harmless).elements]
    assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", source)
    assert any(inert(hostile) in text for text in document.said("th"))  # shown as it is: no expression was worked out
    source.encode("utf-8")


def test_an_office_cannot_end_the_style_sheet_by_its_name(make: Callable[..., Month], words: Words) -> None:
    plain = make()
    wicked = '"; } </style><script>x</script>\n@import "x'
    office = replace(plain.tally.office, name={"zh": wicked, "en": wicked})
    source = render(replace(plain, tally=replace(plain.tally, office=office)), words)
    document = Document(source)
    assert document.all("script") == []
    assert len(document.all("style")) == 1
    (style,) = document.said("style")
    assert re.search(r'@top-left \{ content: "[^"]*"; font', style)
    assert "import" not in re.sub(r'"[^"]*"', "", style)


def test_the_same_month_gives_the_same_bytes(make: Callable[..., Month], words: Words) -> None:
    assert render(make(), words) == render(make(), words)


def test_both_languages_bear_one_id_and_other_numbers_another(make: Callable[..., Month]) -> None:
    def identity(month: Month, lang: str) -> str:
        (code,) = set(re.findall(r"<code>([0-9a-f]{12})</code>", render(month, Words(lang))))
        return str(code)

    ids = {identity(make(), "zh"), identity(make(), "en")}
    assert len(ids) == 1
    for other in (make(seed=8), make(over=True), make(changed=True), make(months=11), make(number=41)):
        assert identity(other, "zh") not in ids
        ids.add(identity(other, "zh"))


def test_a_demonstration_says_so_on_the_page_and_on_every_sheet(make: Callable[..., Month], words: Words) -> None:
    real, shown = render(make(), words), render(make(tags=("simulated",)), words)
    said = words("month.simulated.text", registered=40, simulated=40)
    assert said in shown
    assert words("month.simulated.title") not in real
    head = re.search(r'@top-right \{ content: "([^"]*)"', Document(shown).said("style")[0])
    assert head is not None
    assert re.sub(r"\\([0-9a-f]+) ", lambda code: chr(int(code[1], 16)), head[1]).endswith(
        words("month.simulated.short")
    )


def test_a_draft_says_draft_and_a_finished_month_does_not(make: Callable[..., Month], words: Words) -> None:
    draft, final = (Document(render(make(over=over), words)).said("strong") for over in (False, True))
    assert words("month.draft") in draft
    assert words("month.draft") not in final
    assert words("month.final") in final


def test_10000_pcs_stay_within_150_kilobytes(make: Callable[..., Month], capsys: pytest.CaptureFixture[str]) -> None:
    month = make(number=10_000, units=[f"某某市某某局下属第{n}中心" for n in range(120)])
    began = time.perf_counter()
    size = len(render(month, Words("zh")).encode())
    with capsys.disabled():
        print(f" [month of 10,000 PCs: {size / 1024:.0f} KiB in {time.perf_counter() - began:.2f} s]", end="")
    assert size <= 150_000


def test_an_unwritable_path_is_the_callers_error_and_leaves_nothing(
    make: Callable[..., Month], words: Words, tmp_path: Path
) -> None:
    with pytest.raises(OSError, match="missing"):
        write(make(), tmp_path / "missing" / "month.html", words)
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        write(make(), tmp_path / "taken", words)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_a_report_replaces_the_one_before_and_leaves_no_other_file(
    make: Callable[..., Month], words: Words, tmp_path: Path
) -> None:
    path = tmp_path / "month.html"
    path.write_text("old")
    write(make(), path, words)
    assert path.read_bytes() == render(make(), words).encode()
    assert list(tmp_path.iterdir()) == [path]


def _rename(month: Month, name: str) -> Month:
    """The month with every PC, unit, person, rule title and policy title called ``name``."""
    both = {"zh": name, "en": name}
    now = month.tally
    rules = {one.rule.id: replace(one.rule, title=both, fix=both, references={name: (name,)}) for one in now.rules}
    pcs = tuple(
        replace(
            pc,
            responsible=name,
            judged=replace(pc.judged, subject=replace(pc.judged.subject, pc=replace(pc.pc, name=name, unit=name))),
        )
        for pc in now.pcs
    )
    return replace(
        month,
        tally=replace(
            now,
            office=replace(now.office, name=both, responsible={name: name}),
            policies=tuple(replace(policy, title=both, version=name) for policy in now.policies),
            pcs=pcs,
            units=tuple(replace(unit, name=name, responsible=name) for unit in now.units),
            items=tuple(
                replace(item, pc=replace(item.pc, name=name, unit=name), rule=rules[item.rule.id]) for item in now.items
            ),
            rules=tuple(replace(one, rule=rules[one.rule.id]) for one in now.rules),
        ),
        before=None,
    )
