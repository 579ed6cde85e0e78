"""Cases beside a policy: facts of a PC and the verdict they must give, written by whoever writes the rule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from muster_agent.columns import BOOLEAN, INTEGER
from muster_agent.facts import STATUSES, Problem, Table, Tables
from muster_server.document.mistakes import Place, PolicyError, nearest
from muster_server.document.moments import moment
from muster_server.document.nodes import Fields, Items, Node, Scalar, compose, open_source
from muster_server.document.reading import Reader
from muster_server.feeds.os_support import TABLE as OS_SUPPORT
from muster_server.feeds.os_support import EndOfSupport
from muster_server.judge.judging import judge
from muster_server.judge.policy import Policy
from muster_server.judge.tables import ALL, columns
from muster_server.judge.verdict import Result, Verdict
from muster_server.subject import PC, Subject

TOP_KEYS = ("policy", "as_of", "cases")
CASE_KEYS = ("rule", "case", "tables", "expect", "evidence")


@dataclass(frozen=True)
class Case:
    """One PC as far as a rule looks at it, and what must come of it."""

    rule: str
    what: str  # what the case shows, in the words of its author
    tables: Tables
    as_of: datetime
    expect: Result
    evidence: int  # number of evidence rows
    line: int

    def run(self, policy: Policy, end_of_support: EndOfSupport) -> Verdict:
        """The verdict that the rule gives. Raises ``KeyError`` when the policy has no such rule."""
        rule = policy.rule(self.rule)
        tables = self.tables
        if "os_version" in tables and OS_SUPPORT not in tables:
            tables = end_of_support.derive(tables)
        pc = PC("case", "case", "", (), self.as_of, self.as_of)
        verdicts = {verdict.rule: verdict for verdict in judge(policy, Subject(pc, tables), self.as_of)}
        return verdicts[rule.id]


def load_cases(path: Path) -> tuple[str, list[Case]]:
    """The id of the policy that the file is for, and its cases. Raises ``PolicyError`` with every mistake in it."""
    source = open_source(path)
    loader = _Loader(source)
    policy, cases = loader.load(compose(source))
    if source.wrong:
        raise PolicyError(source.mistakes)
    return policy, cases


class _Loader(Reader):
    """Checks the nodes of a case file and keeps what they say."""

    def load(self, root: Node | None) -> tuple[str, list[Case]]:
        top = self.fields(root, TOP_KEYS) if root is not None else None
        if root is None or top is None:
            if not self.source.wrong:
                self.source.mistake(Place(1, 1), "empty_file")
            return "", []
        said = self.named(top, "as_of", root)
        as_of = moment(said) if said is not None else None
        if said is not None and as_of is None:
            self.source.mistake(top.get("as_of") or root, "needs_moment", value=said)
        at = as_of.start if as_of is not None else datetime.now(UTC)
        cases = top.get("cases")
        if not isinstance(cases, Items):
            self.source.mistake(cases or root, "missing_key", name="cases")
            return "", []
        found = [self.case(node, at) for node in cases.items]
        return self.named(top, "policy", root) or "", [case for case in found if case is not None]

    def case(self, node: Node, as_of: datetime) -> Case | None:
        fields = self.fields(node, CASE_KEYS)
        if fields is None:
            return None
        expect = self.named(fields, "expect", node)
        if expect is None:
            return None
        if expect not in list(Result):
            choices = ", ".join(Result)
            self.source.mistake(
                fields.get("expect") or node, "not_a_choice", nearest(expect, Result), value=expect, choices=choices
            )
            return None
        evidence = fields.get("evidence")
        count = evidence.value if isinstance(evidence, Scalar) else 0
        if type(count) is not int:
            self.source.mistake(evidence or node, "needs_integer", value=count)
            return None
        tables = self.fields(fields.get("tables") or Fields(node.place), tuple(ALL))
        if tables is None:
            return None
        filled = {name: self.table(name, inner) for name, (_, inner) in tables.entries.items() if name in ALL}
        rule, what = self.named(fields, "rule", node) or "", self.named(fields, "case", node) or ""
        return Case(rule, what, filled, as_of, Result(expect), count, node.place.line)

    def table(self, name: str, node: Node) -> Table:
        """Rows; or the word for why there are none; or ``{incomplete: rows}`` when more may be missing."""
        notes: tuple[Problem, ...] = ()
        if isinstance(node, Scalar) and node.text in STATUSES[1:]:
            return Table(problem=Problem(node.text, "not_found", name))
        if isinstance(node, Fields) and list(node.entries) == ["incomplete"]:
            notes, node = (Problem("error", "not_found", name),), node.entries["incomplete"][1]
        if not isinstance(node, Items):
            self.source.mistake(node, "needs_rows", choices=", ".join(STATUSES[1:]))
            return Table(rows=())
        return Table(rows=tuple(self.row(name, item) for item in node.items), notes=notes)

    def row(self, table: str, node: Node) -> Any:
        known = columns(table)
        values = {}
        for name, (key, value) in node.entries.items() if isinstance(node, Fields) else ():
            if name not in known:
                self.source.mistake(key, "unknown_column", nearest(name, known), column=name, table=table)
                continue
            values[name] = self.value(known[name].kind, value)
        if not isinstance(node, Fields):
            self.source.mistake(node, "needs_map")
        return ALL[table](**values)

    def value(self, kind: str, node: Node) -> Any:
        """A value of the column's kind; null is null."""
        if not isinstance(node, Scalar):
            self.source.mistake(node, "needs_one_value")
            return None
        if node.value is None:
            return None
        if kind == INTEGER and type(node.value) is not int:
            self.source.mistake(node, "needs_integer", value=node.text)
        elif kind == BOOLEAN and not isinstance(node.value, bool):
            self.source.mistake(node, "needs_boolean", value=node.text)
        return node.value if kind in (INTEGER, BOOLEAN) else node.text
