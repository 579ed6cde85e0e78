"""The command line's own words (Usage, Options, No such option …) in the language of the run.

click takes them through gettext, which wants compiled catalogues in a folder of the system; here they come from
reports/wording like everything else, and lines are measured in cells, which click counts as characters.
"""

from __future__ import annotations

import click.core
import click.decorators
import click.exceptions
import click.formatting
import click.parser
import click.types
from rich.cells import cell_len

from muster_server.render.terminal.cells import fold
from muster_server.words import Words

MODULES = (click.core, click.decorators, click.exceptions, click.formatting, click.parser, click.types)


def wrapped(
    text: str,
    width: int = 78,
    initial_indent: str = "",
    subsequent_indent: str = "",
    preserve_paragraphs: bool = False,
) -> str:
    """click's own wrapping, by the cells of the terminal: a Chinese character takes two.

    As click has it, paragraphs are kept apart when asked for, and one that begins with a backspace stays as it is.
    """
    paragraphs = text.split("\n\n") if preserve_paragraphs else [text]
    done = []
    for paragraph in paragraphs:
        if paragraph.startswith("\b"):
            done.append("\n".join(initial_indent + line for line in paragraph.lstrip("\b").strip("\n").split("\n")))
        else:
            folded = fold(" ".join(paragraph.split()), width, first=initial_indent, rest=subsequent_indent)
            done.append("\n".join("".join(cell.text for cell in line) for line in folded))
    return "\n\n".join(done)


def speak(words: Words) -> None:
    """Let click say its own words in the language of ``words``; a sentence nobody worded stays English."""

    def one(message: str) -> str:
        return words.maybe("frame." + message, message)

    def counted(singular: str, plural: str, n: int) -> str:
        return one(singular if n == 1 else plural)

    click.formatting.wrap_text = wrapped
    setattr(click.formatting, "term_len", cell_len)  # noqa: B010  # a name click keeps to itself

    for module in MODULES:
        # The names under which click's modules import gettext and ngettext (click 8.1 to 8.5; a test reads them).
        for name, said in (("_", one), ("ngettext", counted)):
            if hasattr(module, name):
                setattr(module, name, said)
