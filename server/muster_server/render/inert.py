r"""Text from a PC made harmless and visible.

Host names, product names, paths and even a policy's titles reach a terminal or a page. A control character could move
the cursor, clear the screen or set the window's title (CWE-150); a bidirectional mark could make a name read as another
("Trojan Source", CVE-2021-42574); an invisible character could make two names look alike. They are not dropped, because
a name that carries them is itself a finding: they are shown as the escape a programmer would write, e.g. ``\x1b``.
"""

from __future__ import annotations

import unicodedata

# Controls, format characters (bidirectional marks, zero-width joiners), halves of surrogate pairs, private use, what
# Unicode has not assigned, and the line and paragraph separators.
_ESCAPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Tibetan stacks two vowel signs on one letter; a longer pile only smears over the lines above and below.
_MARKS = 3
_SPACES = " \u3000"


def inert(value: object) -> str:
    """``value`` as one line of printable text: what would act on a terminal, or hide in it, is spelt out."""
    text = str(value)
    if text.isascii() and text.isprintable():
        return text
    out: list[str] = []
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        mark = category in ("Mn", "Me")
        marks = marks + 1 if mark else 0
        hidden = category in _ESCAPED or (category == "Zs" and character not in _SPACES) or _is_selector(character)
        out.append(_escape(character) if hidden or marks > _MARKS or (mark and not out) else character)
    return "".join(out)


def _is_selector(character: str) -> bool:
    """A variation selector: invisible, and terminals disagree about the width of what it follows."""
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _escape(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
