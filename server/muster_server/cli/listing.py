"""What every list of an administrator shares: the screen it is laid out for, moments, and its JSON."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from muster_server.cli.report import columns
from muster_server.render.terminal.cells import Column, Row, paint, table
from muster_server.render.terminal.document import SCHEMA_VERSION, written


def wide() -> int:
    """How many columns there are."""
    return columns(sys.stdout is not None and sys.stdout.isatty(), os.environ)


def show(heads: Sequence[Column], rows: Sequence[Row]) -> None:
    """Print a table."""
    for line in paint(table(heads, rows, wide()), colour=False):
        click.echo(line)


def minute(moment: datetime | None) -> str:
    """The day and the minute, in this server's time zone."""
    return "-" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M")


def moment(value: datetime | None) -> str | None:
    """A moment in JSON: UTC."""
    return None if value is None else value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def show_json(document: dict[str, Any]) -> None:
    """Print a document. Machines read it: UTF-8 whatever the console speaks."""
    if sys.stdout is None:
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(written({"schema_version": SCHEMA_VERSION, **document}))
