"""Check the conditions of a policy against the tables and build them."""

from __future__ import annotations

from typing import Any

from muster_agent.columns import INTEGER, MOMENT
from muster_server.document.mistakes import nearest
from muster_server.document.nodes import Fields, Items, Node, Scalar, Source
from muster_server.judge import modifiers
from muster_server.judge.conditions import Ask, Condition, column_test, compared_with, every, exists, one_of, some
from muster_server.judge.modifiers import FITS_QUALIFIER, MODIFIERS, QUALIFIERS, Test
from muster_server.judge.tables import Column, columns
from muster_server.judge.values import Values


class Builder:
    """Builds the conditions of one file; mistakes go into its source."""

    def __init__(self, source: Source, values: Values) -> None:
        self.source = source
        self.values = values

    # -- conditions -------------------------------------------------------------------------------------------------

    def condition(self, node: Node, table: str | None) -> Condition | None:
        """A map (and), or a list of maps (or). None when something in it is wrong, or the table is unknown."""
        if table is None or node.broken:
            return None
        if isinstance(node, Items) and node.items:
            parts = [self.condition(item, table) for item in node.items]
            kept = [part for part in parts if part is not None]
            if len(kept) < len(parts):
                return None
            named = dict.fromkeys(column for part in kept for column in part.columns)
            return Condition(some([part.ask for part in kept]), tuple(named))
        if not isinstance(node, Fields) or not node.entries:
            self.source.mistake(node, "needs_condition")
            return None
        asks: list[Ask] = []
        named = {}
        for name, value in node.entries.values():
            built = self.field(name, value, table)
            if built is not None:
                ask, column = built
                asks.append(ask)
                named[column] = None
        if len(asks) < len(node.entries):
            return None
        return Condition(every(asks), tuple(named))

    def field(self, name: Scalar, value: Node, table: str) -> tuple[Ask, str] | None:
        """One ``column|modifier: value``."""
        known = columns(table)
        column_name, *said = name.text.split("|")
        column = known.get(column_name)
        if column is None:
            self.source.mistake(name, "unknown_column", nearest(column_name, known), column=column_name, table=table)
        parsed = self.modifiers(name, said, column)
        if column is None or parsed is None:
            return None
        compare, qualifiers = parsed
        if "fieldref" in qualifiers:
            ask = self.field_reference(value, table, column, compare, qualifiers)
        elif compare == "exists":
            ask = self.existence(value, column)
        else:
            ask = self.comparison(value, column, compare, qualifiers)
        return None if ask is None else (ask, column.name)

    def modifiers(self, name: Scalar, said: list[str], column: Column | None) -> tuple[str, set[str]] | None:
        """The comparison (``""``: equality) and its qualifiers, when they exist, fit the column and each other."""
        good = True
        for each in dict.fromkeys(said):
            if each not in MODIFIERS:
                near = nearest(each, MODIFIERS)
                self.source.mistake(name, "unknown_modifier", near, modifier=each, known=", ".join(MODIFIERS))
                good = False
            elif said.count(each) > 1:
                self.source.mistake(name, "modifier_twice", modifier=each)
                good = False
            elif column is not None and column.kind not in MODIFIERS[each].kinds:
                near = self.better(each, column)
                args: dict[str, Any] = {"modifier": each, "column": column.name, "kind": column.kind}
                self.source.mistake(name, "modifier_does_not_fit", near, **args)
                good = False
        if not good:
            return None
        compares = [each for each in said if each not in QUALIFIERS]
        if len(compares) > 1:
            self.source.mistake(name, "two_comparisons", first=compares[0], second=compares[1])
            return None
        compare = compares[0] if compares else ""
        qualifiers = {each for each in said if each in QUALIFIERS}
        for each in sorted(qualifiers):
            if compare not in FITS_QUALIFIER[each]:
                fits = ", ".join(fit for fit in FITS_QUALIFIER[each] if fit)
                self.source.mistake(name, "qualifier_does_not_fit", modifier=each, fits=fits)
                return None
        if column is not None and column.kind == MOMENT and compare == "" and not qualifiers:
            self.source.mistake(name, "moment_equality", f"{column.name}|within", column=column.name)
            return None
        return compare, qualifiers

    def better(self, modifier: str, column: Column) -> str | None:
        """What was probably meant where a modifier does not fit the kind of column."""
        if column.kind == "version" and modifier in modifiers.ORDERS:
            return f"{column.name}|version_{modifier}"
        if modifier.startswith("version_") and column.kind in (INTEGER, MOMENT):
            return f"{column.name}|{modifier.removeprefix('version_')}"
        return None

    # -- comparisons ------------------------------------------------------------------------------------------------

    def existence(self, value: Node, column: Column) -> Ask | None:
        """``exists: true`` or ``exists: false``."""
        found = self.values.one_value(value)
        wanted = self.values.boolean(found, column) if found is not None else None
        return None if wanted is None else exists(column.name, wanted)

    def field_reference(
        self, value: Node, table: str, column: Column, compare: str, qualifiers: set[str]
    ) -> Ask | None:
        """``column|fieldref: other``."""
        if not isinstance(value, Scalar):
            self.source.mistake(value, "needs_text")
            return None
        other = columns(table).get(value.text)
        if other is None:
            near = nearest(value.text, columns(table))
            self.source.mistake(value, "unknown_column", near, column=value.text, table=table)
            return None
        if other.kind != column.kind:
            kinds: dict[str, Any] = {"kind": column.kind, "other_kind": other.kind}
            self.source.mistake(value, "fieldref_kinds", column=column.name, other=other.name, **kinds)
            return None
        return compared_with(column.name, column.kind, other.name, compare, "cased" in qualifiers)

    def comparison(self, value: Node, column: Column, compare: str, qualifiers: set[str]) -> Ask | None:
        """A column against one or several values of the policy."""
        found = self.values.several_values(value)
        if found is None:
            return None
        if "all" in qualifiers and len(found) < 2:
            self.source.mistake(value, "all_wants_list")
            return None
        cased = "cased" in qualifiers
        read = self.values.reader(column, compare, "i" in qualifiers)
        wanted = [read(node, column) for node in found]
        if any(one is None for one in wanted):
            return None
        if compare in ("", "neq"):
            negated = compare == "neq"
            texts = [one for one in wanted if isinstance(one, str)]
            if not cased and not any(letter in text for text in texts for letter in "*?\\"):
                plain = [one.casefold() if isinstance(one, str) else one for one in wanted]
                return one_of(column.name, column.kind, plain, negated)
            tests = [modifiers.equals_text(text, cased) for text in texts]
            return column_test(column.name, column.kind, tests, "none" if negated else "any")
        tests = [self.test(column, compare, one, cased) for one in wanted]
        return column_test(column.name, column.kind, tests, "all" if "all" in qualifiers else "any")

    def test(self, column: Column, compare: str, wanted: Any, cased: bool) -> Test:
        """The call that compares with one value."""
        if compare == "re":
            return modifiers.matches(column.name, wanted)
        if compare == "cidr":
            return modifiers.in_network(column.name, wanted)
        if compare in ("within", "older_than"):
            return modifiers.aged(column.name, compare, wanted)
        if compare.startswith("version_"):
            return modifiers.version_ordered(column.name, compare, wanted)
        if compare in modifiers.ORDERS:
            return modifiers.ordered(column.name, column.kind, compare, wanted)
        return modifiers.part_of_text(compare, wanted, cased)
