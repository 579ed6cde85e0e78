"""The shapes of what the readers' routes answer, in the words of JSON Schema: what openapi.py publishes.

The names are those of render/terminal/document.py. A test holds real answers against them, and with ``closed`` objects
a name that is added there and forgotten here fails it.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
COUNT: Schema = {"type": "integer", "minimum": 0}
YES_NO: Schema = {"type": "boolean"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
ANYTHING: Schema = {"type": "object"}


def maybe(schema: Schema) -> Schema:
    """The same, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def rows(schema: Schema) -> Schema:
    """A list of it."""
    return {"type": "array", "items": schema}


def closed(**names: Schema) -> Schema:
    """An object of exactly these names."""
    return {"type": "object", "properties": names, "required": list(names), "additionalProperties": False}


def named(name: str) -> Schema:
    """A reference to one of :data:`COMPONENTS`."""
    return {"$ref": f"#/components/schemas/{name}"}


BOTH = closed(zh=TEXT, en=TEXT)
RATE = closed(n=COUNT, of=COUNT, percent=TEXT)
RATES = closed(confirmed=named("Rate"), coverage=named("Rate"), checked=named("Rate"))
STATES: Schema = {"type": "object", "additionalProperties": COUNT}
FINDING = {
    "first_seen": MOMENT,
    "opened": MOMENT,
    "due": MOMENT,
    "days_left": WHOLE,
    "overdue": YES_NO,
    "relapsed": YES_NO,
    "silent": YES_NO,
}
OUTCOME = {
    "result": maybe(TEXT),
    "reason": maybe(closed(code=TEXT, args=ANYTHING)),
    "evidence": rows(ANYTHING),
    "evidence_total": COUNT,
}
PC = {
    "id": TEXT,
    "name": TEXT,
    "unit": TEXT,
    "responsible": maybe(TEXT),
    "tags": rows(TEXT),
    "state": TEXT,
    "conflict": YES_NO,
    "last_report": maybe(MOMENT),
    "silent_days": maybe(COUNT),
    "overdue": YES_NO,
    "days_left": maybe(WHOLE),
    "passed": COUNT,
    "undetermined": COUNT,
    "not_applicable": COUNT,
    "items": rows(TEXT),
}
RULE = {
    "id": TEXT,
    "title": named("Both"),
    "severity": TEXT,
    "results": STATES,
    "applicable": COUNT,
    "overdue": COUNT,
    "units": COUNT,
}
PROBLEM: Schema = {"type": "object", "required": ["status", "code"]}
HEAD = {
    "schema_version": {"type": "integer", "const": 1},
    "as_of": MOMENT,
    "last_report": maybe(MOMENT),
    "office": closed(name=named("Both"), target=WHOLE, silent_after_days=WHOLE),
    "policies": rows(closed(id=TEXT, title=named("Both"), version=TEXT, digest=TEXT)),
}
TABLE = closed(status=TEXT, problem=maybe(PROBLEM), notes=rows(PROBLEM))
ON = {"id": TEXT, "name": TEXT, "unit": TEXT, "responsible": maybe(TEXT), **OUTCOME, "finding": maybe(named("Finding"))}
UNIT = closed(
    name=maybe(TEXT),
    responsible=maybe(TEXT),
    registered=COUNT,
    states=STATES,
    overdue=COUNT,
    items=COUNT,
    items_overdue=COUNT,
    ranked=YES_NO,
    rates=named("Rates"),
)

COMPONENTS: dict[str, Schema] = {
    "Both": BOTH,
    "Rate": RATE,
    "Rates": RATES,
    "Finding": closed(**FINDING),
    "Unit": UNIT,
    "PC": closed(**PC),
    "Rule": closed(**RULE),
    "Item": closed(pc=TEXT, name=TEXT, unit=TEXT, rule=TEXT, severity=TEXT, **FINDING),
    "Verdict": closed(
        rule=TEXT, title=named("Both"), severity=TEXT, **OUTCOME, fix=named("Both"), finding=maybe(named("Finding"))
    ),
    "On": closed(**ON),
    "Office": closed(
        **HEAD,
        headline=closed(met=YES_NO, missing=COUNT, n=COUNT, of=COUNT, percent=TEXT),
        totals=closed(
            registered=COUNT,
            registered_basis=TEXT,
            awaiting=COUNT,
            duplicates=COUNT,
            simulated=COUNT,
            overdue=COUNT,
            units=COUNT,
            pcs=COUNT,
            rules=COUNT,
            items=COUNT,
            items_overdue=COUNT,
        ),
        states=STATES,
        rates=named("Rates"),
        pass_rate=named("Rate"),
        units=rows(named("Unit")),
        pcs=rows(named("PC")),
        rules=rows(named("Rule")),
        items=rows(named("Item")),
        flow=closed(since=MOMENT, before=WHOLE, new=COUNT, relapsed=COUNT, mended=COUNT, neutral=COUNT, after=WHOLE),
    ),
    "OnePC": closed(
        **HEAD,
        pc=closed(
            **PC,
            enrolled_at=MOMENT,
            verdicts=rows(named("Verdict")),
            tables=maybe({"type": "object", "additionalProperties": TABLE}),
        ),
    ),
    "OneRule": closed(
        **HEAD,
        rule=closed(
            **RULE,
            why=maybe(named("Both")),
            fix=named("Both"),
            due_days=COUNT,
            references={"type": "object", "additionalProperties": rows(TEXT)},
            by_unit=rows(closed(unit=TEXT, responsible=maybe(TEXT), failing=COUNT, overdue=COUNT)),
            failing=rows(named("On")),
            unclear=rows(named("On")),
        ),
    ),
    "Entry": closed(
        position=COUNT,
        at=TEXT,
        operator=TEXT,
        act=TEXT,
        subject=TEXT,
        detail=ANYTHING,
        chain=TEXT,
        sound=YES_NO,
    ),
    "Audit": closed(entries=rows(named("Entry")), next=maybe(COUNT)),
    "Status": closed(status=TEXT),
    "Error": {
        "type": "object",
        "properties": {"error": TEXT, "detail": TEXT, "names": rows(TEXT), "values": ANYTHING},
        "required": ["error", "detail"],
        "additionalProperties": False,
    },
}
