"""The documented context is exactly what the template uses, and the wording what both use."""

from __future__ import annotations

import dataclasses
import re
import string
from collections.abc import Callable
from pathlib import Path

import jinja2
import pytest
from jinja2 import meta, nodes

from muster_server.render.html import context, environment
from muster_server.render.html import render as render_month
from muster_server.resources import bundled
from muster_server.tally import Month
from muster_server.words import Words, entries

TEMPLATES = ("month.html.j2", "charts.svg.j2")


def tree(name: str) -> nodes.Template:
    loader = environment().loader
    assert loader is not None
    return environment().parse(loader.get_source(environment(), name)[0])


def fields(*classes: type) -> set[str]:
    return {field.name for one in classes for field in dataclasses.fields(one)}


def test_the_template_uses_every_field_of_the_page_and_no_other() -> None:
    assert meta.find_undeclared_variables(tree("month.html.j2")) == fields(context.Page)
    assert meta.find_undeclared_variables(tree("charts.svg.j2")) == set()


def test_the_template_uses_every_documented_attribute_and_no_other() -> None:
    used = {
        node.attr
        for name in TEMPLATES
        for node in tree(name).find_all(nodes.Getattr)
        if not (isinstance(node.node, nodes.Name) and node.node.name == "charts")  # a macro of charts.svg.j2
    }
    classes = [one for one in vars(context).values() if dataclasses.is_dataclass(one) and isinstance(one, type)]
    nested = [one for one in classes if one is not context.Page]
    assert used == fields(*nested)


def test_every_dataclass_of_the_context_says_what_it_is() -> None:
    for one in vars(context).values():
        if dataclasses.is_dataclass(one) and isinstance(one, type):
            assert (one.__doc__ or "").endswith("."), one


def test_a_field_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError):
        environment().from_string("{{ head.offcie }}").render(head=context.When("", ""))


def test_what_is_not_a_template_name_is_escaped_all_the_same() -> None:
    assert environment().from_string("{{ name }}").render(name="<b>") == "&lt;b&gt;"


def test_every_word_of_the_month_is_complete_and_used(make: Callable[..., Month]) -> None:
    said: set[str] = set()

    class Listening(Words):
        def __call__(self, key: str, **values: object) -> str:
            said.add(key)
            return super().__call__(key, **values)

        def maybe(self, key: str, default: str, **values: object) -> str:
            said.add(key)
            return super().maybe(key, default, **values)

    for options in (
        {},
        {"over": True},
        {"changed": True},
        {"tags": ("simulated",)},
        {"number": 0, "months": 1},
        {"number": 1, "months": 1},
        {"number": 3000, "units": [f"科室{n}" for n in range(130)]},
    ):
        render_month(make(**options), Listening("en"))
    keys = {key for key in entries() if key.startswith("month.")}
    sources = "".join(
        path.read_text("utf-8")
        for path in [
            *(bundled("reports") / "templates").iterdir(),
            *Path(str(context.__file__)).parent.glob("*.py"),
        ]
    )
    literal = set(re.findall(r'"(month\.[a-z_.0-9]+)"', sources))
    # Keys that are put together from a value (a month's name, a state) are met by rendering or by their family here.
    families = (
        "month.name.", "month.short.", "month.count.", "month.action.", "month.remediation.", "month.conclusion.",
    )  # fmt: skip
    assert {key for key in keys - said - literal if not key.startswith(families)} == set()
    for key in keys:
        zh, en = entries()[key]["zh"], entries()[key]["en"]
        names = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in (zh, en)]
        assert names[0] == names[1] or key.startswith(("month.count.", "month.definitions")), key


def test_the_wording_names_no_state_otherwise_than_the_terminal_in_chinese() -> None:
    for state in ("compliant", "noncompliant", "unknown", "silent"):
        assert entries()[f"month.state.{state}"]["zh"] == entries()[f"report.state.{state}"]["zh"]
