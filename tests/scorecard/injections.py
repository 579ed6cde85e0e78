"""Scorecard line 16: two hundred hostile texts through every output of the readers' side; how many stay alive.

``python tests/scorecard/injections.py`` prints live and tried; the target is 0. A text is alive where it could act: as
a tag, an attribute, a handler or an address in HTML, as a control or an invisible mark on a terminal, as more than one
line in a log, as anything but itself in JSON.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import tempfile
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import small_office
from hostile import MARK, TEXTS

from muster_server.receive import log
from muster_server.receive.refusal import Refusal

# What stands in a page whatever the PCs say; a test holds pages of harmless names to the same.
PAGE = "html head meta title link style body nav ul ol li a main h1 h2 h3 p pre span"
MONTH = """article aside b br caption code col colgroup dd details div dl dt em figcaption figure footer header i
section small strong summary table tbody td tfoot th thead time tr svg g path rect line text defs pattern polyline
circle desc use polygon"""
TAGS, MONTH_TAGS = set(PAGE.split()), set(MONTH.split())
ADDRESS = re.compile(
    r"(/office|/pcs/[0-9a-f-]{36}|/rules/[A-Z]+-[0-9]{3}|/months/[0-9]{4}-[0-9]{2})?(\?[a-z0-9=&-]*)?|#[a-z0-9-]*|data:,"
)
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
PAINT = re.compile("\x1b\\[(?:0|32|1;31|33|1)m")


class Page(HTMLParser):
    """Collects what of a page acts that must not."""

    def __init__(self, tags: set[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.live: list[str] = []
        self._tags = tags
        self._in: list[str] = []
        self.styles = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag and its attributes."""
        if tag not in self._tags:
            self.live.append(f"<{tag}>")
        self.styles += tag == "style"
        self._in.append(tag)
        for name, value in attrs:
            text = value or ""
            if name.startswith("on") or name in ("src", "srcdoc", "action", "formaction", "data", "xlink:href", "ping"):
                self.live.append(f"{tag} {name}")
            if name == "href" and not ADDRESS.fullmatch(text):
                self.live.append(f"{tag} href={text}")
            if name == "style" or (MARK in text and name not in ("aria-label", "title")):
                self.live.append(f"{tag} {name}={text}")
            if MARK.lower() in name:
                self.live.append(f"{tag} {name}")

    def handle_endtag(self, tag: str) -> None:
        """The end of a tag."""
        while self._in and self._in.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Text: harmless but where it is a script or a style, or holds what hides or acts."""
        if self._in and self._in[-1] in ("script", "style") and MARK in data:
            self.live.append(f"in {self._in[-1]}")
        self.live += [f"U+{ord(one):04X}" for one in acting(data, "\n")]

    def handle_comment(self, data: str) -> None:
        """There are none in a page."""
        self.live.append("comment")

    def handle_pi(self, data: str) -> None:
        """Nor these."""
        self.live.append("processing instruction")


def acting(text: str, but: str) -> list[str]:
    """Characters that act on a terminal or hide."""
    return [one for one in text if one not in but and unicodedata.category(one) in HIDDEN]


def in_html(body: bytes, month: bool = False) -> list[str]:
    """What is alive in a page."""
    page = Page(TAGS | MONTH_TAGS if month else TAGS)
    page.feed(body.decode("utf-8"))
    page.close()
    return page.live + ["style"] * (page.styles - 1)


def in_text(body: bytes) -> list[str]:
    """What is alive in lines for a pipe."""
    return acting(body.decode("utf-8"), "\n")


def in_painted(body: bytes) -> list[str]:
    """What is alive in lines with colours."""
    return acting(PAINT.sub("", body.decode("utf-8")), "\n")


def in_json(body: bytes) -> list[str]:
    """What is alive in a document: it has to be read as what was put in, and to hurt nobody who prints it."""
    json.loads(body)
    return seen(acting(body.decode("utf-8"), "\n"))


def in_log(line: str) -> list[str]:
    """What is alive in a line of the log."""
    return seen(acting(line, ""))


def seen(found: list[str]) -> list[str]:
    """Without what is private, not assigned or a tag character: it shows as a box, and no terminal acts on it."""
    return [one for one in found if unicodedata.category(one) not in ("Co", "Cn") and ord(one) < 0xE0000]


def record(text: str) -> logging.LogRecord:
    """An event that carries a hostile text wherever one may stand."""
    made = logging.LogRecord("muster.test", logging.WARNING, __file__, 1, "%s", ("refused",), None)
    made.event = "refused"
    made.fields = {"code": "bad_parameter", "peer": "127.0.0.1", "path": text, "detail": text}
    return made


def outputs(office: Any, ids: dict[str, str]) -> Iterator[tuple[str, int, list[str]]]:
    """Every output: its name, how many texts stand in it, and what is alive in it."""
    everyone = len(ids)
    for lang in ("zh", "en"):
        for path, form, check in (
            ("/office?all=1", "html", in_html),
            ("/rules/AV-001?all=1", "html", in_html),
            ("/rules/NET-001?all=1", "html", in_html),
            ("/v1/office?all=1", "text", in_text),
            ("/v1/office?all=1&colour=1&columns=60", "text", in_painted),
            ("/v1/rules/AV-001?all=1", "text", in_text),
            ("/v1/office?limit=0", "json", in_json),
            ("/v1/rules/NET-001?limit=0", "json", in_json),
        ):
            answer = office.get(f"{path}&form={form}&lang={lang}")
            assert answer.status == 200, answer.text
            yield f"{path} {form} {lang}", everyone, check(answer.body)
        month = office.get(f"/months/{small_office.this_month()}?form=html&lang={lang}")
        assert month.status == 200
        yield f"month {lang}", everyone, in_html(month.body, month=True)
    for name, id in ids.items():
        for form, check in (("html", in_html), ("text", in_text), ("json", in_json)):
            answer = office.get(f"/v1/pcs/{id}?form={form}&lang=en")
            assert answer.status == 200
            yield f"pc {name!r} {form}", 1, check(answer.body)
    for text in TEXTS:
        for formatter in (log.JsonLines(), log.TextLines()):
            yield f"log {text!r}", 1, in_log(formatter.format(record(text)))


def addresses(office: Any) -> Iterator[tuple[str, int, list[str]]]:
    """Hostile texts as what is asked for: what comes back repeats none of them where it could act."""
    from urllib.parse import quote

    for text in (f"{text}?" for text in TEXTS):  # nobody is called so
        for path in (f"/pcs/{quote(text, safe='')}", f"/rules/{quote(text, safe='')}", f"/office?lang={quote(text)}"):
            answer = office.get(path, Accept="text/html")
            assert answer.status in (404, 422), (path, answer.status)
            yield f"{path} html", 1, in_html(answer.body)


def injected(texts: tuple[str, ...] = TEXTS) -> tuple[list[str], int]:
    """What is alive, and how many times a text met an output."""
    with tempfile.TemporaryDirectory() as folder:
        office = small_office.make(Path(folder) / "data", names=(), other=())
        try:
            ids = {}
            for text in texts:
                try:
                    ids[text] = office.add_pc(text.replace("\0", ""), small_office.UNITS[0], small_office.facts(text))
                except Refusal as refusal:  # the door does not take a NUL: it is alive nowhere
                    assert "\0" in text, (text, refusal)
            live, tried = [], 0
            for name, count, found in (*outputs(office, ids), *addresses(office)):
                live += [f"{name}: {one!r}" for one in found]
                tried += count
            return live, tried
        finally:
            office.close()


def injections() -> tuple[int, int]:
    """Live and tried."""
    live, tried = injected()
    return len(live), tried


if __name__ == "__main__":
    found, count = injected()
    for one in found[:40]:
        print(one, file=sys.stderr)
    print(f"{len(found)} alive of {count} tried")
