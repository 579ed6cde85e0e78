"""The command muster-agent: one module in commands/ a verb, and only that of the verb that was asked is loaded."""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import os
import sys
from typing import Any, NoReturn

from muster_agent import __version__
from muster_agent.commands.failure import Failure
from muster_agent.text import cells, terminal_cells, wrapped
from muster_agent.words import LANGUAGES, Words, language

COMMANDS = ("check", "selftest", "record", "enrol", "run", "status", "export", "receipts")

# By these a caller would choose what OpenSSL loads into a run by root, and whom that trusts.
CHOOSERS = ("OPENSSL_CONF", "OPENSSL_MODULES", "OPENSSL_ENGINES", "SSL_CERT_FILE", "SSL_CERT_DIR")


class Help(argparse.RawDescriptionHelpFormatter):
    """Help that is wrapped by the cells of the terminal: a Chinese character takes two. Indented lines stay."""

    def __init__(self, prog: str, **options: Any) -> None:
        # argparse makes one for every option it is told of, and would load shutil with all its archives for the width.
        super().__init__(prog, **{"width": terminal_cells() - 2, **options})

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        lines = []
        for line in text.splitlines():
            lines += [line] if line.startswith(" ") or cells(line) <= width else wrapped(line, width, "")
        return "\n".join(indent + line for line in lines)

    def _split_lines(self, text: str, width: int) -> list[str]:
        return wrapped(" ".join(text.split()), width, "")


class Verb(argparse.ArgumentParser):
    """The parser of one command. Its module is loaded when it has something to parse."""

    def __init__(self, command: str, words: Words, **options: Any) -> None:
        super().__init__(formatter_class=Help, **options)
        self._command = command
        self._words = words

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse what stands behind the verb."""
        module: Any = importlib.import_module("muster_agent.commands." + self._command)
        module.add_arguments(self, self._words)
        self.set_defaults(main=module.main)
        return super().parse_known_args(args, namespace)


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
        formatter_class=Help,
    )
    top.add_argument(
        "--version",
        action="version",
        version="muster-agent " + __version__,
        help=words.frame("show program's version number and exit"),
    )
    top.add_argument("--lang", choices=LANGUAGES, default=None, help=words("agent.lang"))
    verbs = top.add_subparsers(dest="command", metavar="COMMAND", prog=top.prog, parser_class=Verb)
    for name in COMMANDS:
        verbs.add_parser(
            name,
            command=name,
            words=words,
            help=words(name + ".help"),
            description=words(name + ".description"),
            epilog=words(name + ".examples"),
        )
    return top


def lang_first(argv: list[str]) -> list[str]:
    """--lang may stand anywhere; argparse wants it before the command."""
    for index, word in enumerate(argv):
        if word.startswith("--lang="):
            return [word, *argv[:index], *argv[index + 1 :]]
        if word == "--lang":
            return [*argv[index : index + 2], *argv[:index], *argv[index + 2 :]]
    return argv


def run(argv: list[str], words: Words) -> int:
    """Parse the arguments and run one command."""
    argparse._ = words.frame  # type: ignore[attr-defined]  # its gettext would want compiled catalogues of the system
    arguments = parser(words).parse_args(lang_first(argv))
    if arguments.command is None:
        parser(words).print_help()
        return 2
    return int(arguments.main(arguments, words))


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns its exit code (0 done, 1 to fix, 2 wrong usage, 3 incomplete, 5 nothing to trust)."""
    argv = sys.argv[1:] if argv is None else argv
    for name in CHOOSERS:
        os.environ.pop(name, None)  # before OpenSSL is loaded, which would follow it
    for stream in (sys.stdout, sys.stderr):
        # A C locale or a GBK console must cost a character, never the run; a service may have no streams at all.
        if stream is not None:
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    words = Words(language(_asked_language(argv)))
    try:
        try:
            return run(argv, words)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read the output has seen enough. What is left must not complain at the end of the program.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except OSError as error:
        if sys.stdout is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return Failure("no_space", f"{error.filename or 'stdout'}: {error.strerror}").show(words)


def start() -> NoReturn:
    """Be the program: run one command and end. Python would first take apart, one by one, what is gone a moment later;
    that takes a twentieth of a run."""
    gc.set_threshold(50_000)  # little of a run is garbage, and all of it is gone at its end
    code = main()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
    os._exit(code)
