"""A secret that is shown once: on the screen, or in a new file that only its owner can read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from muster_server.cli import Failure
from muster_server.render.inert import inert
from muster_server.words import Words


def hand_over(make: Callable[[], str], output: Path | None, words: Words) -> None:
    """Make a secret and print it, or write it to ``output``. Fails in a clear line before it is made, if it can."""
    if output is None:
        click.echo(make())
        return
    try:
        output.touch(mode=0o600, exist_ok=False)  # before it exists: a secret that is lost would stay valid
    except FileExistsError:
        raise Failure(words("token.output_exists", path=inert(output)), exit_code=2) from None
    except OSError as error:
        why = inert(error.strerror or error)
        raise Failure(words("token.output_failed", path=inert(output), error=why)) from None
    try:
        secret = make()
    except BaseException:
        output.unlink()  # still empty
        raise
    output.write_text(secret + "\n", "ascii")
