"""shadow(5): whether a password is set, and when it ages out."""

from __future__ import annotations

import re

from muster_agent.dataclass import dataclass

NUMBER = re.compile(r"-?[0-9]{1,9}\Z")
# crypt(5): what a password can be hashed to; $id$…, traditional DES, and BSDi's extended DES.
HASH = re.compile(r"\$[0-9A-Za-z-]{1,16}[$,].{8,}|[./0-9A-Za-z]{13}\Z|_[./0-9A-Za-z]{19}\Z", re.DOTALL)
NEVER = 99_999  # days; shadow's tools write this where a password does not age


@dataclass(frozen=True)
class Ageing:
    """What shadow(5) says of one account. Days count from 1970-01-01; None is an empty field."""

    password: str
    changed: int | None  # day the password was last changed; 0: it must be changed at the next login
    maximum: int | None  # days it may be used
    inactive: int | None  # days after that until the account is closed
    expires: int | None  # day the account is closed

    def password_expires(self) -> bool:
        """Whether the password has to be changed one day."""
        if self.changed is None or self.maximum is None:  # shadow(5): no ageing
            return self.changed == 0
        return self.changed == 0 or 0 <= self.maximum < NEVER

    def closed(self, today: int) -> bool:
        """Whether the account has expired by ``today``, or its password so long ago that it is closed."""
        if self.expires is not None and 0 <= self.expires <= today:
            return True
        ageing = (self.changed, self.maximum, self.inactive)
        if any(number is None or number < 0 for number in ageing) or not self.changed or not self.password_expires():
            return False
        return sum(number or 0 for number in ageing) < today


def _day(text: str) -> int | None:
    return int(text) if NUMBER.match(text) else None


def parse(text: str) -> tuple[dict[str, Ageing], list[str]]:
    """What a shadow file says of each account, and the lines that are no entry. The first entry of a name counts."""
    found: dict[str, Ageing] = {}
    strange = []
    for line in text.split("\n"):
        fields = line.rstrip("\r").split(":")
        if not fields[0] or fields[0][0] in "#+-":
            if line.strip(" \t\r:") and not line.startswith(("#", "+", "-")):
                strange.append(line)
        elif len(fields) < 2 or any(field.strip() and not NUMBER.match(field.strip()) for field in fields[2:8]):
            strange.append(line)
        else:
            fields = [field.strip() for field in fields] + [""] * 8
            found.setdefault(
                fields[0],
                Ageing(fields[1], _day(fields[2]), _day(fields[4]), _day(fields[6]), _day(fields[7])),
            )
    return found, strange


def password_status(password: str) -> str:
    """What a password field admits: ``empty`` without one, ``active`` the right one, ``locked`` none at all."""
    if not password:
        return "empty"
    return "active" if HASH.match(password) else "locked"
