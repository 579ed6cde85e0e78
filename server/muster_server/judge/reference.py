"""What in docs/ is written from the code: parts of policy-language.md, and tables.md as a whole.

``python -m muster_server.judge.reference docs`` (or ``make docs``) brings both up to date; a test fails until then.
"""

from __future__ import annotations

import sys
from pathlib import Path

from muster_agent.columns import column_docs
from muster_agent.facts import TABLES
from muster_server.feeds import os_support
from muster_server.judge.modifiers import MODIFIERS
from muster_server.judge.tables import ALL, columns
from muster_server.words import Words


def modifier_table() -> str:
    """Every modifier: the kinds of columns it fits, what it wants, what it means in both languages, an example."""
    zh, en = Words("zh"), Words("en")
    lines = ["| modifier | columns | value | meaning | 含义 | example |", "|--|--|--|--|--|--|"]
    for modifier in MODIFIERS.values():
        meaning = " | ".join(words(f"policy.modifier.{modifier.name}") for words in (en, zh))
        example = modifier.example.replace("|", "\\|")
        value = en(f"policy.value.{modifier.value}")
        lines.append(f"| `{modifier.name}` | {', '.join(modifier.kinds)} | {value} | {meaning} | `{example}` |")
    return "\n".join(lines)


def column_table() -> str:
    """Every table with its columns and their kinds."""
    lines = ["| table | columns |", "|--|--|"]
    for table in ALL:
        listed = ", ".join(f"`{column.name}` {column.kind}" for column in columns(table).values())
        lines.append(f"| `{table}` | {listed} |")
    return "\n".join(lines)


PARTS = {"modifiers": modifier_table, "columns": column_table}


def brought_up_to_date(page: str) -> str:
    """The page with everything between ``<!-- begin X -->`` and ``<!-- end X -->`` written anew.

    Raises ``ValueError`` when the page lacks a part.
    """
    for name, write in PARTS.items():
        before, begin, rest = page.partition(f"<!-- begin {name} -->\n")
        _, end, after = rest.partition(f"<!-- end {name} -->")
        if not begin or not end:
            raise ValueError(f"the page has no part {name}")
        page = f"{before}{begin}{write()}\n{end}{after}"
    return page


def tables_page() -> str:
    """docs/tables.md: every fact table, what a row of it is, and what each column means and lacks when it is null."""
    lines = [
        "# Fact tables",
        "",
        "Written from `agent/muster_agent/facts.py` by `make docs`. A PC reports these tables; policies ask them.",
        "",
        "A column that could not be read is null, and null never counts as compliant. A table that could not be filled",
        "says why: `error`, `denied`, `unsupported` or `stale`.",
    ]
    for name, row_type in {**TABLES, os_support.TABLE: os_support.OsSupport}.items():
        what = " ".join((row_type.__doc__ or "").split())
        lines += ["", f"## {name}", "", what, "", "| column | holds | meaning |", "|--|--|--|"]
        for column, kind, doc, choices in column_docs(row_type):
            among = f" One of: {', '.join(choices)}." if choices else ""
            lines.append(f"| `{column}` | {kind} | {doc}{among} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    language = folder / "policy-language.md"
    language.write_text(brought_up_to_date(language.read_text("utf-8")), "utf-8")
    (folder / "tables.md").write_text(tables_page(), "utf-8")
