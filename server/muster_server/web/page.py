"""A view as a web page: the terminal's lines as they are, and the links that lead on.

Links are made from ids alone, which the server gave or a policy was checked to have; never from what a PC said. All
text is escaped by the template, which knows no other way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from starlette.responses import Response

from muster_server.render.html import environment
from muster_server.render.html.style import COMMENT, content_policy
from muster_server.render.inert import inert
from muster_server.render.terminal.pc import open_verdicts
from muster_server.resources import bundled
from muster_server.tally import PCTally, RuleTally, State, Tally
from muster_server.web.forms import Wanted
from muster_server.words import LANGUAGES, Words

MOST = 100  # links of a list
LANGUAGE_TAGS = {"zh": "zh-CN", "en": "en"}
NAMES = {"zh": "中文", "en": "English"}
# The four looks of render/terminal/cells.py as they are painted; nothing else in a line can hold an escape.
PAINTED = re.compile("\x1b\\[(0|32|1;31|33|1)m")
CLASSES = {"32": "good", "1;31": "bad", "33": "doubt", "1": "head"}
FRAMED = "; frame-ancestors 'none'"  # has no effect in a page's own policy, so it travels in the header


@dataclass(frozen=True)
class Link:
    """A place of ours and its text."""

    href: str
    text: str
    about: str = ""


@dataclass(frozen=True)
class Piece:
    """A piece of a line: its text, its look, and where it leads."""

    text: str
    look: str
    href: str = ""


@dataclass(frozen=True)
class Group:
    """Links under one heading."""

    title: str
    links: tuple[Link, ...]


def response(text: str, status: int = 200) -> Response:
    """The answer that holds a page; the header repeats the page's own content policy."""
    style = text.partition("<style>")[2].partition("</style>")[0]  # the first is ours: everything else is escaped
    headers = {"Content-Security-Policy": content_policy(style) + FRAMED}
    return Response(text.encode("utf-8"), status, headers, "text/html")


def office(tally: Tally, lines: Sequence[str], asked: Wanted) -> str:
    """The office and ways to what is wrong in it."""
    words = asked.screen.words
    urgent = [one for one in tally.pcs if one.state is not State.COMPLIANT]
    failing = [one for one in tally.rules if one.failing or one.unclear]
    groups = [_pcs("web.pcs", urgent, asked), _rules("web.rules", [one.rule.id for one in failing], tally, asked)]
    return _page(inert(words.of(tally.office.name)), lines, groups, tally, asked)


def pc(tally: Tally, one: PCTally, lines: Sequence[str], asked: Wanted) -> str:
    """One PC and ways to the rules it does not pass."""
    ids = [rule.id for rule, _, _ in open_verdicts(tally, one)]
    return _page(inert(one.pc.name), lines, [_rules("web.rules", ids, tally, asked)], tally, asked)


def rule(tally: Tally, one: RuleTally, lines: Sequence[str], asked: Wanted) -> str:
    """One rule and ways to the PCs that do not pass it."""
    groups = [_pcs("web.failing", one.failing, asked), _pcs("web.unclear", one.unclear, asked)]
    return _page(one.rule.id, lines, groups, tally, asked)


def problem(code: str, words: Words, names: Sequence[str] = (), wait: int | None = None) -> str:
    """Why there is no view: one line, and the way back. ``wait``: seconds after which the browser asks again."""
    said = words.maybe(f"web.problem.{code}", code)
    shown = [said, *([words("web.perhaps", names=", ".join(names))] if names else [])]
    return _rendered(
        words, said, [[Piece(line, "")] for line in shown], [], [Link("/office", words("web.office"))], wait
    )


def _page(title: str, lines: Sequence[str], groups: Iterable[Group], tally: Tally, asked: Wanted) -> str:
    words = asked.screen.words
    rules = {one.rule.id for one in tally.rules}
    month = f"{tally.as_of:%Y-%m}"
    ways = [
        Link("/office" + _query(asked), words("web.office")),
        Link(f"/months/{month}?form=html&lang={words.lang}", words("web.month", month=month)),
        *(Link(f"?lang={lang}{_month(asked)}", NAMES[lang]) for lang in LANGUAGES if lang != words.lang),
    ]
    pieces = [_pieces(line, rules, asked) for line in lines]
    return _rendered(words, title, pieces, [group for group in groups if group.links], ways)


def _rendered(
    words: Words,
    title: str,
    lines: Sequence[Sequence[Piece]],
    groups: Sequence[Group],
    ways: Sequence[Link],
    wait: int | None = None,
) -> str:
    style = COMMENT.sub("", bundled("reports").joinpath("styles", "view.css").read_text("utf-8")).strip()
    return (
        environment()
        .get_template("view.html.j2")
        .render(
            say=words,
            language=LANGUAGE_TAGS[words.lang],
            style=style,
            policy=content_policy(style),
            title=title,
            lines=lines,
            groups=groups,
            ways=ways,
            wait=wait,
        )
    )


def _pieces(line: str, rules: set[str], asked: Wanted) -> list[Piece]:
    """A painted line as pieces; the ids of rules lead to them."""
    pieces: list[Piece] = []
    look = ""
    for number, part in enumerate(PAINTED.split(line)):
        if number % 2:
            look = CLASSES.get(part, "")
            continue
        # Every odd part is a word that can be an id.
        for place, word in enumerate(re.split(r"([A-Za-z0-9][A-Za-z0-9_-]*)", part)):
            if place % 2 and word in rules:
                pieces.append(Piece(word, look, _rule_address(word, asked)))
            elif word and pieces and not pieces[-1].href and pieces[-1].look == look:
                pieces[-1] = Piece(pieces[-1].text + word, look)
            elif word:
                pieces.append(Piece(word, look))
    return pieces


def _pcs(key: str, pcs: Sequence[PCTally], asked: Wanted) -> Group:
    words = asked.screen.words
    links = (
        Link(f"/pcs/{quote(one.pc.id, safe='')}{_query(asked)}", inert(one.pc.name), words(f"report.state.{one.state}"))
        for one in pcs[:MOST]
    )
    return Group(words(key, shown=min(len(pcs), MOST), of=len(pcs)), tuple(links))


def _rules(key: str, ids: Sequence[str], tally: Tally, asked: Wanted) -> Group:
    words = asked.screen.words
    titles = {one.rule.id: words.of(one.rule.title) for one in tally.rules}
    links = (Link(_rule_address(id, asked), id, inert(titles[id])) for id in ids[:MOST] if id in titles)
    return Group(words(key, shown=min(len(ids), MOST), of=len(ids)), tuple(links))


def _rule_address(id: str, asked: Wanted) -> str:
    return f"/rules/{quote(id, safe='')}{_query(asked)}"


def _query(asked: Wanted) -> str:
    return f"?lang={asked.screen.words.lang}{_month(asked)}"


def _month(asked: Wanted) -> str:
    return "" if asked.month is None else f"&month={asked.month}"
