"""The command muster-agent: one module in commands/ a verb."""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import Any

from muster_agent import __version__
from muster_agent.words import LANGUAGES, Words, language

COMMANDS = ("check", "record", "enrol", "run")


def _asked_language(argv: list[str]) -> str | None:
    """--lang must be known before the parser exists, because the help itself is in that language."""
    for index, word in enumerate(argv):
        if word.startswith("--lang="):
            return word[len("--lang=") :]
        if word == "--lang" and index + 1 < len(argv):
            return argv[index + 1]
    return None


def parser(words: Words) -> argparse.ArgumentParser:
    """The parser of all commands, speaking the language of ``words``."""
    top = argparse.ArgumentParser(
        prog="muster-agent",
        description=words("agent.description"),
        epilog=words("agent.examples"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version="muster-agent " + __version__)
    top.add_argument("--lang", choices=LANGUAGES, default=None, help=words("agent.lang"))
    verbs = top.add_subparsers(dest="command", metavar="COMMAND")
    for name in COMMANDS:
        command: Any = importlib.import_module("muster_agent.commands." + name)
        verb = verbs.add_parser(
            name,
            help=words(name + ".help"),
            description=words(name + ".description"),
            epilog=words(name + ".examples"),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(verb, words)
        verb.set_defaults(main=command.main)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns its exit code (0 done, 2 wrong usage, 3 incomplete, 5 nothing to trust)."""
    argv = sys.argv[1:] if argv is None else argv
    for stream in (sys.stdout, sys.stderr):
        # A C locale or a GBK console must cost a character, never the run.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    words = Words(language(_asked_language(argv)))
    arguments = parser(words).parse_args(argv)
    if arguments.command is None:
        parser(words).print_help()
        return 2
    try:
        return int(arguments.main(arguments, words))
    except KeyboardInterrupt:
        return 130
