"""``muster-agent check``: collect the facts of this PC and print them. Needs no server."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

from muster_agent import __version__
from muster_agent.canonical import canonical_rows, row_dict
from muster_agent.collect import collect_table, not_here
from muster_agent.commands.failure import Failure
from muster_agent.commands.replay import machine as machine_of
from muster_agent.facts import TABLES, Tables
from muster_agent.screen import Screen
from muster_agent.words import Words

COMPLETE, INCOMPLETE, NOTHING = 0, 3, 5


def add_arguments(parser: argparse.ArgumentParser, words: Words) -> None:
    """The options of this command."""
    parser.add_argument(
        "--table", action="append", choices=sorted(TABLES), metavar="TABLE", help=words("check.option.table")
    )
    parser.add_argument("--from", dest="folder", metavar="DIR", help=words("check.option.from"))
    parser.add_argument("--all", action="store_true", help=words("check.option.all"))
    parser.add_argument("--json", action="store_true", help=words("check.option.json"))


def described(tables: Tables) -> dict[str, Any]:
    """The tables for programs. The rows are the canonical ones, so equal tables are equal text; null columns are left
    out, and a table that could not be read has ``rows`` null."""
    return {
        name: {
            "status": table.status,
            "rows": None if table.rows is None else json.loads(canonical_rows(table.rows).decode("utf-8")),
            "problem": None if table.problem is None else row_dict(table.problem),
            "notes": [row_dict(note) for note in table.notes],
        }
        for name, table in tables.items()
    }


def as_json(tables: Tables, collected_at: str) -> dict[str, Any]:
    """What ``--json`` prints."""
    return {"agent_version": __version__, "collected_at": collected_at, "tables": described(tables)}


def exit_code(tables: Tables) -> int:
    """0 when every table this system has was read, 5 when none was, 3 between."""
    problems = [table.problem for table in tables.values() if not not_here(table)]
    read = problems.count(None)
    return COMPLETE if read == len(problems) else INCOMPLETE if read else NOTHING


def main(arguments: argparse.Namespace, words: Words) -> int:
    """Collect, print, and say by the exit code whether everything could be read."""
    try:
        machine = machine_of(arguments.folder)
    except Failure as failure:
        return failure.show(words)
    wanted = [name for name in TABLES if not arguments.table or name in arguments.table]
    tables = {name: collect_table(machine, name) for name in wanted}
    now = time.gmtime()
    if arguments.json:
        # A console that cannot show Chinese gets escapes: its question marks would not be the facts.
        plain = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
        said = as_json(tables, time.strftime("%Y-%m-%dT%H:%M:%SZ", now))
        print(json.dumps(said, ensure_ascii=plain, indent=2))
    else:
        screen = Screen(words, full=arguments.all or bool(arguments.table))
        host = machine.uname().node
        print("\n".join(screen.check(tables, host, time.strftime("%Y-%m-%d %H:%M UTC", now))))
    return exit_code(tables)
