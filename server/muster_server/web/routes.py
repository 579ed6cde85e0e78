"""The readers' routes, each with what it needs and what is published of it."""

from __future__ import annotations

from muster_server.access.roles import Need
from muster_server.web import acting, forms
from muster_server.web.acting import Acting
from muster_server.web.declared import Answer, Declared, Endpoint, Parameter
from muster_server.web.measures import Measures
from muster_server.web.schemas import ANYTHING, TEXT, named
from muster_server.web.views import LISTS, VIEW, Views

IDENTIFIER = {"type": "string", "minLength": 1}
PC = Parameter("pc", "Its id, the beginning of it, or its name in any case.", IDENTIFIER, "path")
RULE = Parameter("rule", "Its id, in any case.", IDENTIFIER, "path")
MONTH = Parameter("month", "YYYY-MM.", {"type": "string", "pattern": f"^{forms.MONTH}$"}, "path")
ACT = Parameter("act", "The name of an act, e.g. tokens.issue.", IDENTIFIER, "path")

WRONG = {422: Answer("A parameter is wrong.", {"application/json": named("Error")})}
ABSENT = {404: Answer("There is none, for this reader.", {"application/json": named("Error")})}
LATER = {503: Answer("Not now; Retry-After says when.", {"application/json": named("Error")})}


def declared(views: Views, acts: Acting, measures: Measures, published: Endpoint) -> list[Declared]:
    """Every route for readers."""
    return [
        Declared("/", Need.REPORTS, views.start, "To /office.", {307: Answer("The way there.")}),
        *_both("/office", "Office", views.office, "How the office stands.", (), VIEW),
        *_both("/pcs/{pc}", "OnePC", views.pc, "How one PC stands.", (PC,), VIEW),
        *_both("/rules/{rule}", "OneRule", views.rule, "Where one rule fails.", (RULE,), VIEW),
        *_both("/months/{month}", "Office", views.month, "A month: its report, or how it ended.", (MONTH,), LISTS),
        Declared(
            "/v1/acts/{act}",
            Need.ACT,
            acts.act,
            "Does an act of an administrator and logs it. Takes Authorization: Bearer only.",
            {
                200: Answer("Done. May hold a secret that is shown this once.", {"application/json": ANYTHING}),
                400: Answer("The body is not JSON.", {"application/json": named("Error")}),
                404: Answer("There is no such act.", {"application/json": named("Error")}),
                409: Answer("The act cannot be done; nothing was changed.", {"application/json": named("Error")}),
                413: Answer("The body is too large.", {"application/json": named("Error")}),
                415: Answer("The body is not application/json.", {"application/json": named("Error")}),
                422: Answer("The act asks for something else.", {"application/json": named("Error")}),
                **LATER,
            },
            (ACT,),
            "POST",
            ANYTHING,
            "acts",
        ),
        Declared(
            "/v1/audit",
            Need.AUDIT,
            acts.audit,
            "The log of all acts, oldest first, each checked against the one before.",
            {
                200: Answer("Entries; next is the position to go on behind.", {"application/json": named("Audit")}),
                **WRONG,
            },
            (acting.AFTER, acting.LIMIT),
            tag="acts",
        ),
        Declared(
            "/metrics",
            Need.METRICS,
            measures.measures,
            "What the server counts, for Prometheus.",
            {200: Answer("Text exposition format 0.0.4.", {"text/plain": TEXT})},
            tag="operation",
        ),
        Declared(
            "/v1/openapi.json",
            Need.REPORTS,
            published,
            "This document.",
            {200: Answer("OpenAPI 3.1.", {"application/json": ANYTHING})},
            tag="operation",
        ),
    ]


def _both(
    path: str, schema: str, endpoint: Endpoint, about: str, place: tuple[Parameter, ...], query: tuple[Parameter, ...]
) -> list[Declared]:
    """The page, and the same under /v1, where it is JSON unless asked otherwise."""
    forms_of = {"application/json": named(schema), "text/plain": TEXT, "text/html": TEXT}
    absent = ABSENT if place or forms.AT_MONTH in query else {}
    answers = {200: Answer("In the form asked for.", forms_of), **absent, **WRONG, **LATER}
    return [Declared(at, Need.REPORTS, endpoint, about, answers, (*place, *query)) for at in (path, "/v1" + path)]
