"""The office, a PC, a rule and a month, in the form that is wanted, for whom it is meant.

A viewer's answers are made from the PCs of the viewer's unit alone: another unit's PC is as unknown as one that does
not exist, and neither its name nor its number comes near an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import anyio
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from muster_server.access.roles import unit_of
from muster_server.assessment import NoData
from muster_server.render import html
from muster_server.render.inert import inert
from muster_server.render.terminal import document, office, pc, rule
from muster_server.store.readers import Reader
from muster_server.tally import Month, PCTally, RuleTally, Tally
from muster_server.tally.naming import Unknown, find_pc, find_rule
from muster_server.web import forms, page
from muster_server.web.forms import Wanted, wanted
from muster_server.web.looks import Looks

TOGETHER = 2  # answers that are written at the same time; those of 10,000 PCs take half a second
OFFERED = 10  # names that are offered where none fits, or several do
MONTHS = 1200

LISTS = (forms.FORM, forms.LANG, forms.COLUMNS, forms.COLOUR, forms.LIMIT, forms.ALL, forms.SHOWN)
VIEW = (*LISTS, forms.AT_MONTH)


class Unfound(Exception):
    """What was asked for is not there, for whom asked. ``code`` is a key under ``report.error.``."""

    def __init__(self, code: str, names: list[str]) -> None:
        super().__init__(code)
        self.code = code
        self.names = [
            inert(name) for name in names[: OFFERED + 1]
        ]  # that were perhaps meant, and whether there are more
        self.count = len(names)


@dataclass(frozen=True)
class Shown:
    """One answer in its three forms, each made when it is wanted."""

    document: Callable[[], dict[str, Any]]
    lines: Callable[[], list[str]]
    page: Callable[[], str]


class Views:
    """The handlers of the readers' routes."""

    def __init__(self, looks: Looks) -> None:
        self._looks = looks
        self._limiter = anyio.CapacityLimiter(TOGETHER)

    async def start(self, request: Request, reader: Reader) -> Response:
        """Where a browser goes that was given the bare address. The place is relative: Host is believed by nobody."""
        return RedirectResponse("/office", 307)

    async def office(self, request: Request, reader: Reader) -> Response:
        """The whole, or a viewer's unit."""
        asked = wanted(request, VIEW)
        tally = await self._tally(reader, asked.month)
        return await self._answer(asked, lambda: shown_office(tally, asked))

    async def pc(self, request: Request, reader: Reader) -> Response:
        """One PC."""
        asked = wanted(request, VIEW)
        tally = await self._tally(reader, asked.month)
        name = request.path_params["pc"]
        return await self._answer(asked, lambda: shown_pc(tally, found(lambda: find_pc(tally, name)), asked))

    async def rule(self, request: Request, reader: Reader) -> Response:
        """One rule."""
        asked = wanted(request, VIEW)
        tally = await self._tally(reader, asked.month)
        name = request.path_params["rule"]
        return await self._answer(asked, lambda: shown_rule(tally, found(lambda: find_rule(tally, name)), asked))

    async def month(self, request: Request, reader: Reader) -> Response:
        """A month: its report in HTML, else the office as it ended."""
        asked = wanted(request, LISTS)
        name = request.path_params["month"]
        forms.check_month(name)
        month = await self._month(reader, name)
        answer = await self._answer(asked, lambda: shown_month(month, asked))
        if not month.over:
            answer.headers["Muster-Draft"] = "1"
        return answer

    async def _tally(self, reader: Reader, month: str | None) -> Tally:
        if month is None:
            return await self._looks.tally(unit_of(reader))
        return (await self._month(reader, month)).tally

    async def _month(self, reader: Reader, name: str) -> Month:
        try:
            return await self._looks.month(name, unit_of(reader))
        except NoData as error:
            raise Unfound("no_data", error.months) from None

    async def _answer(self, asked: Wanted, shown: Callable[[], Shown]) -> Response:
        def made() -> Response:
            one = shown()
            if asked.form == "json":
                return Response(document.written(one.document()), media_type="application/json")
            if asked.form == "html":
                return page.response(one.page())
            text = "\n".join(one.lines()) + "\n"
            return Response(text.encode("utf-8"), media_type="text/plain")

        return await to_thread.run_sync(made, limiter=self._limiter)


def found(search: Callable[[], Any]) -> Any:
    """What ``search`` finds. Raises :class:`Unfound`."""
    try:
        return search()
    except Unknown as error:
        raise Unfound(error.code, error.names) from None


def shown_office(tally: Tally, asked: Wanted) -> Shown:
    """The office."""
    screen = asked.screen
    return Shown(
        lambda: document.office(tally, asked.limit),
        lambda: office.lines(tally, screen),
        lambda: page.office(tally, office.lines(tally, screen), asked),
    )


def shown_pc(tally: Tally, one: PCTally, asked: Wanted) -> Shown:
    """One PC."""
    screen = asked.screen
    return Shown(
        lambda: document.pc(tally, one),
        lambda: pc.lines(tally, one, screen),
        lambda: page.pc(tally, one, pc.lines(tally, one, screen), asked),
    )


def shown_rule(tally: Tally, one: RuleTally, asked: Wanted) -> Shown:
    """One rule."""
    screen = asked.screen
    return Shown(
        lambda: document.rule(tally, one, asked.limit),
        lambda: rule.lines(tally, one, screen),
        lambda: page.rule(tally, one, rule.lines(tally, one, screen), asked),
    )


def shown_month(month: Month, asked: Wanted) -> Shown:
    """A month."""
    return Shown(
        lambda: document.office(month.tally, asked.limit),
        lambda: office.lines(month.tally, asked.screen),
        lambda: html.render(month, asked.screen.words),
    )
