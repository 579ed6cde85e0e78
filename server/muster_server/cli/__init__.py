"""The command muster: one module in this folder a verb, found by its name."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from muster_agent import __version__
from muster_server.words import LANGUAGES, Words

COMMANDS = ("init", "token", "serve", "report", "policy", "demo")


class Failure(click.ClickException):
    """A clear line for the person at the terminal, what to do next, and the exit code (reports.md §2.5)."""

    def __init__(self, message: str, advice: str = "", exit_code: int = 5) -> None:
        super().__init__(message)
        self.advice = advice
        self.exit_code = exit_code  # type: ignore[misc]  # click reads it from the instance too

    def show(self, file: Any = None) -> None:
        """Print the line, and the advice under it, to stderr."""
        click.echo(f"muster: {self.message}", err=True)
        if self.advice:
            click.echo(f"  {self.advice}", err=True)


@dataclass
class Context:
    """What every command is given: the deployment it works on and the language it speaks."""

    data: Path | None
    words: Words

    def deployment(self) -> Path:
        """The data folder. Fails in a clear line when none is named or it was never initialised."""
        if self.data is None:
            raise Failure(self.words("cli.no_data"), self.words("cli.no_data_advice"), 2)
        if not (self.data / "muster.db").is_file():
            raise Failure(
                self.words("cli.not_initialised", data=self.data), self.words("cli.init_advice", data=self.data)
            )
        return self.data


def words() -> Words:
    """The words of this run: --lang is read before click builds the help, which is itself in that language."""
    argv = sys.argv[1:]
    for index, word in enumerate(argv):
        if word.startswith("--lang="):
            return Words(word[len("--lang=") :])
        if word == "--lang" and index + 1 < len(argv):
            return Words(argv[index + 1])
    return Words()


class Verbs(click.Group):
    """The commands, imported when they are asked for: `muster report` must not wait for the web server's imports."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the work, not of the alphabet."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command in the module of that name; each module has a function ``command(words)`` that builds it."""
        if cmd_name not in COMMANDS:
            return None
        module: Any = importlib.import_module(f"muster_server.cli.{cmd_name}")
        built: click.Command = module.command(words())
        return built


def program() -> click.Group:
    """The whole command line, in the language of this run."""
    say = words()

    @click.group(
        cls=Verbs,
        help=say("cli.description"),
        epilog=say("cli.examples"),
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    @click.version_option(__version__, prog_name="muster")
    @click.option(
        "--data", type=click.Path(path_type=Path, file_okay=False), envvar="MUSTER_DATA", help=say("cli.data")
    )
    @click.option("--lang", type=click.Choice(LANGUAGES), help=say("cli.lang"))
    @click.pass_context
    def muster(ctx: click.Context, data: Path | None, lang: str | None) -> None:
        ctx.obj = Context(data=data, words=say)

    return muster


def main() -> None:
    """Run one command."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a GBK console costs a character, not the run
    program()(prog_name="muster")
