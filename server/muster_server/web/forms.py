"""In which form an answer is wanted: HTML for a browser, text for a terminal, JSON for a program; how wide, in which
language, and how much of it.

``?form=`` says it, else Accept. Under /v1 the form is JSON unless asked otherwise. A parameter that is not known, is
given twice or holds something else is refused: an answer to another question than the one asked would be a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from muster_server.receive.refusal import Refusal
from muster_server.render.terminal.screen import Screen
from muster_server.web.declared import Parameter
from muster_server.words import LANGUAGES, Words

FORMS = {"html": "text/html", "text": "text/plain", "json": "application/json"}
NARROWEST, WIDEST, PAPER = 40, 500, 100  # columns; 100 where nobody says how wide the paper is
MOST = 100_000  # rows of a list
COMMAND = "Muster-Command"  # a header, not a parameter: no link can put a command into what a reader is shown
COMMAND_LIMIT = 300
MONTH = r"[0-9]{4}-(0[1-9]|1[0-2])"
SWITCH = {"0": False, "1": True}

_SWITCH: Mapping[str, Any] = {"type": "string", "enum": list(SWITCH)}
FORM = Parameter("form", "The form of the answer; else Accept says it.", {"type": "string", "enum": list(FORMS)})
LANG = Parameter("lang", "The language; else Accept-Language says it.", {"type": "string", "enum": list(LANGUAGES)})
COLUMNS = Parameter("columns", "Width of text.", {"type": "integer", "minimum": NARROWEST, "maximum": WIDEST})
COLOUR = Parameter("colour", "1: text with ANSI colours.", _SWITCH)
LIMIT = Parameter("limit", "Rows of each list; 0 for all.", {"type": "integer", "minimum": 0, "maximum": MOST})
ALL = Parameter("all", "1: passed checks too, and lists in full.", _SWITCH)
AT_MONTH = Parameter("month", "As of the end of that month.", {"type": "string", "pattern": f"^{MONTH}$"})
SHOWN = Parameter(
    COMMAND,
    "What text names as the command to type next.",
    {"type": "string", "maxLength": COMMAND_LIMIT, "pattern": "^[ -~]*$"},
    "header",
)


@dataclass(frozen=True)
class Wanted:
    """What was asked for."""

    form: str
    screen: Screen
    month: str | None  # YYYY-MM; None: now
    limit: int


def wanted(request: Request, parameters: tuple[Parameter, ...]) -> Wanted:
    """Read what is wanted. Raises :class:`Refusal`."""
    query = _query(request, {one.name for one in parameters if one.place == "query"})
    month = query.get("month")
    if month is not None:
        check_month(month)
    everything = _switch(query, "all")
    limit = _number(query, "limit", 0, MOST)
    if everything and limit is not None:
        raise wrong("limit")
    form = _form(request, query.get("form"))
    command = request.headers.get(COMMAND, "muster")
    if len(command) > COMMAND_LIMIT or not command.isascii() or not command.isprintable():
        raise Refusal(422, "bad_parameter", COMMAND)
    columns = _number(query, "columns", NARROWEST, WIDEST)
    screen = Screen(
        words=Words(_language(request, query.get("lang"))),
        columns=columns if columns is not None else PAPER,
        colour=_switch(query, "colour") or form == "html",
        limit=limit,
        everything=everything,
        command=command if form == "text" else "muster",
    )
    return Wanted(form, screen, month, limit or 0)


def check_month(text: str) -> None:
    """Raise :class:`Refusal` unless it is a month."""
    if re.fullmatch(MONTH, text) is None or text < "1970":
        raise wrong("month")


def wrong(name: str) -> Refusal:
    """A parameter that is not what it has to be; what was given is not repeated."""
    return Refusal(422, "bad_parameter", name)


def _query(request: Request, known: set[str]) -> dict[str, str]:
    given = request.query_params.multi_items()
    found = dict(given)
    if len(found) < len(given) or not found.keys() <= known:
        raise Refusal(422, "bad_parameter", "known: " + ", ".join(sorted(known)))
    return found


def _switch(query: Mapping[str, str], name: str) -> bool:
    if query.get(name, "0") not in SWITCH:
        raise wrong(name)
    return SWITCH[query.get(name, "0")]


def _number(query: Mapping[str, str], name: str, least: int, most: int) -> int | None:
    if name not in query:
        return None
    # int() would also read digits of other scripts, blanks and underscores.
    if not re.fullmatch(r"[0-9]{1,6}", query[name]) or not least <= int(query[name]) <= most:
        raise wrong(name)
    return int(query[name])


def _form(request: Request, said: str | None) -> str:
    if said is not None:
        if said not in FORMS:
            raise wrong("form")
        return said
    usual = "json" if request.url.path.startswith("/v1/") else "html"
    best = liked(request.headers.get("Accept", ""))
    return usual if best is None else best


def liked(accept: str) -> str | None:
    """The form that Accept likes best; None when it is all the same."""
    weights: dict[str, float] = {}
    for part in accept[:1000].split(","):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
        form = next((form for form, media in FORMS.items() if media == kind), None)
        if form is not None and re.fullmatch(r"[01](\.[0-9]{0,3})?", weight) and float(weight) > weights.get(form, 0):
            weights[form] = float(weight)
    return max(weights, key=lambda form: weights[form], default=None)


def _language(request: Request, said: str | None) -> str | None:
    if said is not None and said not in LANGUAGES:
        raise wrong("lang")
    return said or language_of(request)


def language_of(request: Request) -> str | None:
    """The language a browser prefers; None when it prefers none of ours."""
    for part in request.headers.get("Accept-Language", "")[:200].split(","):
        lang = part.strip().lower()[:2]
        if lang in LANGUAGES:
            return lang
    return None
