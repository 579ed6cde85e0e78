"""Conditions: what a policy says about a row, built once into a call that answers True, False or None (unknown).

The logic is Kleene's: unknown stays unknown unless the rest decides. A map is "and", a list of maps is "or", a list
of values is "one of".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from muster_agent.columns import BOOLEAN, INTEGER, MOMENT, VERSION
from muster_server.document.moments import moment
from muster_server.judge.modifiers import ORDERS, Evaluation, Test
from muster_server.judge.versions import newer

Truth = bool | None
Ask = Callable[[Any, Evaluation], Truth]


@dataclass(frozen=True)
class Condition:
    """A condition on a row, and the columns it looks at in the order they were named."""

    ask: Ask
    columns: tuple[str, ...]


def both(left: Truth, right: Truth) -> Truth:
    """Kleene's "and"."""
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def either(left: Truth, right: Truth) -> Truth:
    """Kleene's "or"."""
    if left is True or right is True:
        return True
    return None if left is None or right is None else False


def negation(truth: Truth) -> Truth:
    """Kleene's "not"."""
    return None if truth is None else not truth


def every(asks: list[Ask]) -> Ask:
    """All of them hold. What comes after a False is not asked: it cannot change the answer."""
    if len(asks) == 1:
        return asks[0]

    def ask(row: Any, evaluation: Evaluation) -> Truth:
        answer: Truth = True
        for one in asks:
            truth = one(row, evaluation)
            if truth is False:
                return False
            if truth is None:
                answer = None
        return answer

    return ask


def some(asks: list[Ask]) -> Ask:
    """One of them holds."""
    if len(asks) == 1:
        return asks[0]

    def ask(row: Any, evaluation: Evaluation) -> Truth:
        answer: Truth = False
        for one in asks:
            truth = one(row, evaluation)
            if truth is True:
                return True
            if truth is None:
                answer = None
        return answer

    return ask


def column_test(column: str, kind: str, tests: list[Test], join: str) -> Ask:
    """Compare one column with one or more values: ``join`` is any, all or none of them.

    A column that was not read, or holds something of another kind than its table declares, compares as unknown.
    """
    get = attrgetter(column)
    kept = int if kind == INTEGER else bool if kind == BOOLEAN else str

    def ask(row: Any, evaluation: Evaluation) -> Truth:
        value = get(row)
        if value is None:
            evaluation.doubts.append((column, "null"))
            return None
        if type(value) is not kept:
            evaluation.doubts.append((column, "unreadable"))
            return None
        answer: Truth = join == "all"
        for test in tests:
            truth = test(value, row, evaluation)
            if truth is None:
                answer = None
            elif truth is (join != "all"):
                answer = truth
                break
        return negation(answer) if join == "none" else answer

    return ask


def one_of(column: str, kind: str, wanted: Iterable[Any], negated: bool) -> Ask:
    """Equality with plain values, which is what most conditions are: one look into a set."""
    values = frozenset(wanted)
    fold = kind not in (INTEGER, BOOLEAN)
    test: Test = lambda value, row, evaluation: (value.casefold() if fold else value) in values  # noqa: E731
    return column_test(column, kind, [test], "none" if negated else "any")


def exists(column: str, wanted: bool) -> Ask:
    """Whether the column was read. The one question that null answers."""
    get = attrgetter(column)
    return lambda row, evaluation: (get(row) is not None) is wanted


def compared_with(column: str, kind: str, other: str, compare: str, cased: bool) -> Ask:
    """``fieldref``: compare two columns of the same row."""
    get = attrgetter(other)
    holds: Callable[[Any, Any], bool] = {
        "contains": lambda value, wanted: wanted in value,
        "startswith": lambda value, wanted: value.startswith(wanted),
        "endswith": lambda value, wanted: value.endswith(wanted),
    }.get(compare, lambda value, wanted: value == wanted)
    order = ORDERS.get(compare.removeprefix("version_"))

    def test(value: Any, row: Any, evaluation: Evaluation) -> bool | None:
        wanted = get(row)
        if wanted is None:
            evaluation.doubts.append((other, "null"))
            return None
        if type(wanted) is not type(value):
            evaluation.doubts.append((other, "unreadable"))
            return None
        if order is not None:
            if kind == VERSION:
                sign = newer(value, wanted, getattr(row, "type", None) or evaluation.system)
            elif kind == MOMENT:
                one, two = moment(value), moment(wanted)
                sign = None if one is None or two is None else (one.start > two.start) - (one.start < two.start)
            else:
                sign = (value > wanted) - (value < wanted)
            if sign is None:
                evaluation.doubts.append((column, "incomparable"))
                return None
            return order(sign)
        if isinstance(value, str) and not cased:
            return holds(value.casefold(), wanted.casefold())
        return holds(value, wanted)

    return column_test(column, kind, [test], "none" if compare == "neq" else "any")
