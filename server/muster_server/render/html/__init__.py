"""Stage 5: the month's report as one HTML file: one language, no network, no script, made to be printed on A4.

The same month gives the same bytes: nothing here looks at the clock, and every number comes from the tally.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from dataclasses import fields
from functools import cache
from pathlib import Path

import jinja2

from muster_server.render.html import opening, sections
from muster_server.render.html.context import Page
from muster_server.render.html.identity import report_id
from muster_server.render.html.notation import Notation
from muster_server.render.html.style import content_policy, stylesheet
from muster_server.resources import bundled
from muster_server.tally import Month
from muster_server.words import Words

__all__ = ["environment", "page", "render", "save", "write"]

LANGUAGE_TAGS = {"zh": "zh-CN", "en": "en"}


def write(month: Month, path: Path, words: Words) -> None:
    """Write the report to ``path``, whole or not at all.

    Raises ``OSError`` when the folder cannot be written to; what stood at ``path`` before is then untouched.
    """
    save(path, render(month, words).encode("utf-8"))


def save(path: Path, report: bytes) -> None:
    """Write a report to ``path``, whole or not at all. Raises ``OSError`` as :func:`write` does."""
    handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(report)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp gives a file to its owner alone; a report is to be read as other files of its folder are.
        Path(unfinished).chmod(0o644)
        Path(unfinished).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(unfinished).unlink()
        raise


def render(month: Month, words: Words) -> str:
    """The report as text."""
    shown = page(month, words)
    # Not dataclasses.asdict: it would copy the nested dataclasses into dictionaries, where a typing error is silent.
    return environment().get_template("month.html.j2").render({f.name: getattr(shown, f.name) for f in fields(shown)})


def page(month: Month, words: Words) -> Page:
    """Everything the template shows."""
    notation = Notation(words, month.tally.as_of)
    head = opening.head(month, notation, report_id(month))
    style = stylesheet(
        {
            "office": f"{head.office} · {words('month.title', month=head.month)}",
            "notice": " · ".join(
                [words("month.draft")] * (not head.over)
                + [words("month.simulated.short" if head.simulated else "month.notice")]
            ),
            "report": words("month.report_id", id=head.report_id),
            "as-of": words("month.data_as_of", moment=head.as_of.text, zone=head.zone),
        }
    )
    return Page(
        say=words,
        counted=notation.counted,
        language=LANGUAGE_TAGS[words.lang],
        style=style,
        policy=content_policy(style),
        head=head,
        conclusion=opening.conclusion(month, notation),
        actions=opening.actions(month, notation),
        tiles=opening.tiles(month, notation),
        trend=sections.trend(month, notation),
        units=sections.units(month, notation),
        changes=sections.changes(month, notation),
        problems=sections.problems(month, notation),
        remediation=sections.remediation(month, notation),
        silence=sections.silence(month, notation),
        definitions=sections.definitions(month, notation),
    )


@cache
def environment() -> jinja2.Environment:
    """The templates of ``reports/templates``. Everything is escaped; a field that does not exist is an error."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(bundled("reports") / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
