"""muster init: make a deployment."""

from __future__ import annotations

import click

from muster_server.cli import Context, Failure
from muster_server.deployment import Deployment
from muster_server.words import Words


def command(words: Words) -> click.Command:
    """The command, in the language of ``words``."""

    @click.command("init", help=words("init.help"), epilog=words("init.examples"), short_help=words("init.short"))
    @click.option(
        "--name", metavar="NAME", default=words("init.default_name"), show_default=True, help=words("init.name")
    )
    @click.pass_obj
    def init(context: Context, name: str) -> None:
        if context.data is None:
            raise Failure(words("cli.no_data"), words("cli.no_data_advice"), 2)
        if not name.strip() or not name.isprintable():
            raise Failure(words("init.bad_name"), exit_code=2)
        try:
            Deployment.create(context.data, name.strip(), words)
        except FileExistsError:
            raise Failure(words("init.exists", data=context.data), words("init.exists_advice")) from None
        except OSError as error:
            raise Failure(words("init.failed", data=context.data, error=error.strerror or error)) from None
        click.echo(words("init.done", data=context.data))
        click.echo(words("init.next", data=context.data))

    return init
