"""Check the nodes of a policy file and keep what they say: every mistake at once, each at its place.

A policy that loads cannot fail while it judges: every table, column, modifier, value and pattern has been checked, and
every condition is built.
"""

from __future__ import annotations

import re
from datetime import timedelta

from muster_agent.canonical import canonical, digest
from muster_server.document.mistakes import Place, nearest
from muster_server.document.moments import duration
from muster_server.document.nodes import Fields, Node, Scalar, Source
from muster_server.document.reading import Reader
from muster_server.judge.building import Builder
from muster_server.judge.conditions import Condition
from muster_server.judge.policy import DUE_BY_SEVERITY, SEVERITIES, Bounds, Policy, Rule, Text
from muster_server.judge.tables import ALL, columns
from muster_server.judge.values import Values
from muster_server.words import LANGUAGES

QUANTIFIERS = ("any", "each", "none", "count")
TOP_KEYS = ("policy", "title", "version", "values", "rules")
LOGIC_KEYS = (*QUANTIFIERS, "scope", "where", "pass_if", "given", "evidence")  # what decides a verdict
RULE_KEYS = ("title", "severity", *LOGIC_KEYS, "due", "fix", "why", "references")
REFERENCES = ("mlps", "cis_v8")  # GB/T 22239-2019 clauses; CIS Controls v8 safeguards
FAMILIES = ("windows", "linux", "darwin")
# os-release IDs an office meets. Another ID is allowed, with a warning: a mistyped one would silently never apply.
PLATFORMS = (
    *FAMILIES,
    *("debian", "ubuntu", "uos", "deepin", "kylin", "openEuler", "fedora", "rhel", "centos", "almalinux", "rocky"),
    *("opensuse-leap", "sles", "linuxmint", "anolis"),
)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")  # ids become parts of file names and links


class Loader(Reader):
    """Checks the nodes of one policy file; what is wrong goes into its ``source``."""

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.places: dict[str, tuple[Place, str]] = {}

    def load(self, root: Node | None) -> Policy | None:
        """The policy, or None when the file has no rules to speak of."""
        if root is None:
            if not self.source.wrong:
                self.source.mistake(Place(1, 1), "empty_file")
            return None
        top = self.fields(root, TOP_KEYS)
        if top is None:
            return None
        values = self.fields(top.get("values"), None)
        self.values = Values(self.source, values.entries if values is not None else {})
        self.builder = Builder(self.source, self.values)
        identity = self.identity(top.get("policy")) if self.needed(root, top, "policy") else ""
        title = self.both_languages(top.get("title")) if self.needed(root, top, "title") else {}
        version = self.text(top.get("version")) if self.needed(root, top, "version") else ""
        rules: list[Rule] = []
        if self.needed(root, top, "rules"):
            listed = self.fields(top.get("rules"), None)
            if listed is not None and not listed.entries:
                self.source.mistake(listed, "no_rules")
            for name, node in listed.entries.values() if listed is not None else ():
                rule = self.rule(name, node)
                if rule is not None:
                    rules.append(rule)
        self.values.report_unused()
        return Policy(identity or "", title, version or "", self.source.digest, self.source.path, tuple(rules))

    def rule(self, name: Scalar, node: Node) -> Rule | None:
        """One rule. Goes on after a mistake, to find the others."""
        identity = self.identity(name)
        self.places[name.text] = (name.place, self.source.lines[name.place.line - 1])
        rule = self.fields(node, RULE_KEYS)
        if rule is None:
            return None
        title = self.both_languages(rule.get("title")) if self.needed(name, rule, "title") else {}
        fix = self.both_languages(rule.get("fix")) if self.needed(name, rule, "fix") else {}
        severity = self.severity(rule.get("severity")) if self.needed(name, rule, "severity") else SEVERITIES[0]
        quantifier, table = self.quantifier(name, rule)
        where, pass_if = self.conditions(name, rule, quantifier, table)
        scope = self.scope(rule.get("scope"))
        given = self.given(rule.get("given"))
        evidence = self.evidence(rule.get("evidence"), table, (where, pass_if))
        why = rule.get("why")
        logic = {key: self.values.written(value) for key, (_, value) in rule.entries.items() if key in LOGIC_KEYS}
        return Rule(
            id=identity or name.text,
            title=title,
            severity=severity,
            quantifier=quantifier or QUANTIFIERS[0],
            table=table or "",
            where=where,
            pass_if=pass_if,
            given=given,
            scope=scope,
            evidence=evidence,
            due=self.due(rule.get("due"), severity),
            fix=fix,
            references=self.references(rule.get("references")),
            why=self.both_languages(why) if why is not None else {},
            logic=digest(canonical(logic)),
        )

    # -- the parts of a rule ----------------------------------------------------------------------------------------

    def quantifier(self, name: Scalar, rule: Fields) -> tuple[str | None, str | None]:
        """Which quantifier, over which table; None for what is missing or wrong."""
        said = [key for key in rule.entries if key in QUANTIFIERS]
        if not said:
            self.source.mistake(name, "no_quantifier", known=", ".join(QUANTIFIERS))
            return None, None
        if len(said) > 1:
            self.source.mistake(rule.entries[said[1]][0], "two_quantifiers", first=said[0], second=said[1])
        return said[0], self.table(rule.entries[said[0]][1])

    def table(self, node: Node) -> str | None:
        """The name of a table that exists."""
        name = self.text(node)
        if name is not None and name not in ALL:
            self.source.mistake(node, "unknown_table", nearest(name, ALL), table=name, known=", ".join(ALL))
            return None
        return name

    def conditions(
        self, name: Scalar, rule: Fields, quantifier: str | None, table: str | None
    ) -> tuple[Condition | None, Condition | Bounds | None]:
        """``where`` and ``pass_if``, and whether the quantifier wants them."""
        where_node, pass_node = rule.get("where"), rule.get("pass_if")
        if quantifier == "none" and pass_node is not None:
            self.source.mistake(rule.entries["pass_if"][0], "pass_if_in_none")
        elif quantifier == "none" and where_node is None:
            self.source.mistake(name, "missing_key", name="where")
        elif quantifier in ("each", "count") and pass_node is None:
            self.source.mistake(name, "missing_key", name="pass_if")
        where = self.builder.condition(where_node, table) if where_node is not None and table else None
        if pass_node is None or quantifier is None:
            return where, None
        if quantifier == "count":
            return where, self.bounds(pass_node)
        return where, self.builder.condition(pass_node, table) if table else None

    def bounds(self, node: Node) -> Bounds | None:
        """``{gte: 1, lte: 3}``."""
        fields = self.fields(node, ("gte", "lte"))
        if fields is None:
            return None
        if not fields.entries:
            self.source.mistake(node, "no_bounds")
        least, most = (self.number(fields.get(key)) for key in ("gte", "lte"))
        if least is not None and most is not None and least > most:
            self.source.mistake(node, "bounds_crossed")
        return Bounds(least or 0, most)

    def number(self, node: Node | None) -> int | None:
        """A whole number from 0, possibly one of the values."""
        if node is None:
            return None
        found = self.values.one_value(node)
        if found is None:
            return None
        number = found.value
        if type(number) is not int or number < 0:
            self.source.mistake(found, "needs_integer", value=found.text)
            return None
        return number

    def scope(self, node: Node | None) -> dict[str, tuple[str, ...]]:
        """Where the rule applies; nothing said: everywhere."""
        if node is None:
            return {}
        fields = self.fields(node, ("platform",))
        if fields is None or fields.get("platform") is None:
            if fields is not None and not fields.entries:
                self.source.mistake(node, "missing_key", name="platform")
            return {}
        said = self.texts(fields.get("platform"))
        known = {platform.casefold() for platform in PLATFORMS}
        for item, text in said:
            if text.casefold() not in known:
                self.source.mistake(item, "unknown_platform", nearest(text, PLATFORMS), warning=True, platform=text)
        return {"platform": tuple(text.casefold() for _, text in said)}

    def given(self, node: Node | None) -> dict[str, Condition]:
        """Conditions on other tables without which the answer means nothing."""
        fields = self.fields(node, None)
        found: dict[str, Condition] = {}
        for name, inner in fields.entries.values() if fields is not None else ():
            table = self.table(name)
            condition = self.builder.condition(inner, table) if table else None
            if table and condition is not None:
                found[table] = condition
        return found

    def evidence(
        self, node: Node | None, table: str | None, conditions: tuple[Condition | Bounds | None, ...]
    ) -> tuple[str, ...]:
        """The columns to show; without any, those that the conditions look at, or all of them."""
        if table is None:
            return ()
        if node is None:
            asked = [column for one in conditions if isinstance(one, Condition) for column in one.columns]
            return tuple(dict.fromkeys(asked)) or tuple(columns(table))
        found = []
        for item, name in self.texts(node):
            if name not in columns(table):
                self.source.mistake(item, "unknown_column", nearest(name, columns(table)), column=name, table=table)
            elif name in found:
                self.source.mistake(item, "column_twice", column=name)
            else:
                found.append(name)
        return tuple(found)

    def severity(self, node: Node | None) -> str:
        """high, medium or low."""
        said = self.text(node)
        if said is not None and said not in SEVERITIES and node is not None:
            choices = ", ".join(SEVERITIES)
            self.source.mistake(node, "not_a_choice", nearest(said, SEVERITIES), value=said, choices=choices)
        return said if said in SEVERITIES else SEVERITIES[0]

    def due(self, node: Node | None, severity: str) -> timedelta:
        """Time to mend it, in days."""
        if node is None:
            return DUE_BY_SEVERITY[severity]
        said = self.text(node)
        time = duration(said) if said is not None else None
        if said is not None and (time is None or time < timedelta(days=1)):
            self.source.mistake(node, "needs_days", value=said)
        return time or DUE_BY_SEVERITY[severity]

    def references(self, node: Node | None) -> dict[str, tuple[str, ...]]:
        """Clauses of standards that the rule gives evidence for."""
        fields = self.fields(node, REFERENCES)
        if fields is None:
            return {}
        return {key: tuple(text for _, text in self.texts(inner)) for key, (_, inner) in fields.entries.items()}

    # -- values of every sort ---------------------------------------------------------------------------------------

    def both_languages(self, node: Node | None) -> Text:
        """``{zh: …, en: …}``, both."""
        if isinstance(node, Scalar):
            self.source.mistake(node, "needs_languages")
            return {}
        fields = self.fields(node, LANGUAGES)
        if fields is None or node is None:
            return {}
        return {lang: self.text(fields.get(lang)) or "" for lang in LANGUAGES if self.needed(node, fields, lang)}

    def identity(self, node: Node | None) -> str | None:
        """An id of a policy or a rule."""
        said = self.text(node)
        if said is not None and node is not None and _ID.fullmatch(said) is None:
            self.source.mistake(node, "bad_id", value=said)
            return None
        return said
