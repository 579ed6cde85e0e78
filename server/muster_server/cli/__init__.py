"""The command muster: one module in this folder a verb, found by its name."""

from __future__ import annotations

import importlib
import itertools
import keyword
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from muster_agent import __version__
from muster_server.cli import frame
from muster_server.settings import FILE as SETTINGS
from muster_server.words import LANGUAGES, Words

COMMANDS: tuple[str, ...] = ("init", "token", "agents", "access", "audit")
COMMANDS = (*COMMANDS, "agent", "serve", "report", "tls", "policy", "demo", "evidence", "backup", "restore", "import")
COMMANDS = (*COMMANDS, "prune", "upgrade", "doctor")


# Commands that a role narrows (--access), or that a server can be asked for (--server). Any other refuses the option:
# to leave it out in silence would give more than was meant, or something else.
BY_ROLE = ("token", "agents", "access", "audit", "report")
OPTIONS = ("--data", "--server", "--access", "--ca", "--lang")  # of the group; they may stand anywhere


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
    """What every command is given: the deployment it works on, as whom, and the language it speaks."""

    data: Path | None
    words: Words
    access: Path | None = None  # a credential: who runs the command may do what its holder may
    server: str | None = None  # https://…: that server is asked, and no folder of this machine is touched
    ca: Path | None = None  # the authority of its certificate

    def deployment(self) -> Path:
        """The data folder. Fails in a clear line when none is named or it was never initialised."""
        if self.server is not None:
            raise Failure(self.words("cli.not_remote"), self.words("cli.not_remote_advice"), 2)
        if self.data is None:
            raise Failure(self.words("cli.no_data"), self.words("cli.no_data_advice"), 2)
        if not (self.data / SETTINGS).is_file():
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
        name = cmd_name + "_" if keyword.iskeyword(cmd_name) else cmd_name
        module: Any = importlib.import_module(f"muster_server.cli.{name}")
        built: click.Command = module.command(words())
        return built

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what is wrong with the deployment becomes a clear line."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:
            hush()  # whoever read the output has seen enough
            raise click.exceptions.Exit(0) from None
        except Exception as error:
            failure = clear(error, words())
            if failure is None:
                raise
            raise failure from error


def clear(error: Exception, say: Words) -> Failure | None:
    """The clear line for a fault of the disk, the database or a policy; None for one of ours, with its traceback."""
    if isinstance(error, OSError):
        return Failure(say("cli.os_error", what=error.strerror or error, where=error.filename or "stdout"))
    from sqlalchemy.exc import DBAPIError  # only where something failed: a good run must not wait for these imports

    from muster_server.document.mistakes import PolicyError
    from muster_server.store.database import DatabaseError, named

    if isinstance(error, PolicyError):
        return Failure("\n".join(mistake.text(say) for mistake in error.mistakes))
    if isinstance(error, DatabaseError):
        return Failure(say(error.code, detail=error.detail))
    if isinstance(error, DBAPIError):
        found = named(error)
        return Failure(say(found.code, detail=found.detail))
    return None


def program() -> click.Group:
    """The whole command line, in the language of this run."""
    say = words()
    frame.speak(say)

    file = click.Path(path_type=Path, dir_okay=False)

    @click.group(
        cls=Verbs,
        help=say("cli.description"),
        epilog=say("cli.examples"),
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    @click.version_option(__version__, prog_name="muster")
    @click.option(
        "--data",
        metavar="DIR",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="MUSTER_DATA",
        help=say("cli.data"),
    )
    @click.option("--server", metavar="URL", envvar="MUSTER_SERVER", help=say("cli.server"))
    @click.option("--access", metavar="FILE", type=file, envvar="MUSTER_ACCESS", help=say("cli.access"))
    @click.option("--ca", metavar="FILE", type=file, envvar="MUSTER_CA", help=say("cli.ca"))
    @click.option("--lang", type=click.Choice(LANGUAGES), help=say("cli.lang"))
    @click.pass_context
    def muster(
        ctx: click.Context,
        data: Path | None,
        server: str | None,
        access: Path | None,
        ca: Path | None,
        lang: str | None,
    ) -> None:
        ctx.obj = addressed(ctx, Context(data, say, access, server or None, ca))

    return muster


def addressed(ctx: click.Context, context: Context) -> Context:
    """The context, when what was typed about folder, server and credential goes together; else a clear line.

    What is typed comes before what stands in the environment: with MUSTER_SERVER set, --data works on that folder.
    """
    say, command = context.words, ctx.invoked_subcommand or ""
    options = ("data", "server", "access", "ca")
    given = {name for name in options if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    if {"data", "server"} <= given:
        raise Failure(say("cli.data_or_server"), exit_code=2)
    if command not in BY_ROLE:
        if "server" in given:
            raise Failure(say("cli.not_remote"), say("cli.not_remote_advice"), 2)
        if "access" in given:
            raise Failure(say("cli.not_by_role", command=command), exit_code=2)
        return Context(context.data, say)
    if "data" in given:
        context.server = None
    if context.server is None and "ca" in given:
        raise Failure(say("cli.ca_without_server"), exit_code=2)
    if context.server is not None and context.access is None:
        raise Failure(say("cli.no_access"), say("cli.no_access_advice"), 2)
    return context


def typed() -> str:
    """The command muster as it has to be typed here: it may stand on the PATH, or only in an environment's folder."""
    program = Path(sys.argv[0])
    found = shutil.which("muster")
    if program.stem != "muster" or (found is not None and Path(found).resolve() == program.resolve()):
        return "muster"
    return str(program.relative_to(Path.cwd()) if program.is_relative_to(Path.cwd()) else program)


def options_first(argv: list[str]) -> list[str]:
    """--data, --server and the like may stand anywhere; click wants a group's options before its command."""
    first: list[str] = []
    rest: list[str] = []
    words_left = iter(argv)
    for word in words_left:
        if rest[:1] == ["agent"] and word.partition("=")[0] in ("--server", "--ca"):
            rest.append(word)  # of `muster agent package`: where its PCs report
        elif word in OPTIONS:
            first += [word, *itertools.islice(words_left, 1)]
        elif word.startswith(tuple(f"{option}=" for option in OPTIONS)):
            first.append(word)
        else:
            rest.append(word)
    return first + rest


def hush() -> None:
    """Send what is left of the output nowhere, so that it cannot complain at the end of the program."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def main() -> None:
    """Run one command and exit with its code (reports.md §2.5)."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a GBK console costs a character only
    try:
        try:
            code = program().main(options_first(sys.argv[1:]), prog_name="muster", standalone_mode=False)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except (click.Abort, KeyboardInterrupt):
        click.echo(words()("cli.interrupted"), err=True)
        code = 130
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except OSError as error:
        hush()
        failure = clear(error, words())
        assert failure is not None
        failure.show()
        code = failure.exit_code
    sys.exit(code if isinstance(code, int) else 0)
