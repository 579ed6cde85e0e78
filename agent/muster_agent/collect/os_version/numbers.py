"""The numbers of a version, as every system writes them."""

from __future__ import annotations

import re

NUMBERS = re.compile(r"^[^0-9]*?([0-9]{1,9})(?![0-9])(?:\.([0-9]{1,9})(?![0-9]))?(?:\.([0-9]{1,9})(?![0-9]))?")


def numbers(text: str) -> list[int | None]:
    """The first three numbers of a version ("v10" is 10), null where it has fewer."""
    found = NUMBERS.match(text)
    return [None if part is None else int(part) for part in found.groups()] if found else [None, None, None]
