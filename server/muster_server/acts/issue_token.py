"""Issue an enrolment token."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from muster_server.acts.act import Done, Setting
from muster_server.acts.fields import Days, Line, Uses, line
from muster_server.store import tokens
from muster_server.store.tokens import Terms, token_hash


class Asked(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """For which unit, for how many PCs, for how long, and on which terms."""

    unit: Line
    uses: Uses = 1
    days: Days = 1
    tags: list[Line] = []
    approval: bool = False
    serial: Line | None = None


def act(setting: Setting, asked: Asked) -> Done:
    """The answer holds the token; the log holds the beginning of its hash, by which it is listed and revoked."""
    terms = Terms(
        unit=line(asked.unit, "bad_unit"),
        uses=asked.uses,
        tags=tuple(asked.tags),
        approval=asked.approval,
        serial=asked.serial,
    )
    expires = setting.now + timedelta(days=asked.days)
    token = tokens.issue(setting.connection, terms, setting.operator, setting.now, expires)
    name = token_hash(token)[:12]
    detail = {"unit": terms.unit, "uses": asked.uses, "days": asked.days, "approval": asked.approval}
    if asked.serial is not None:
        detail["serial"] = asked.serial
    return Done(name, detail, {"token": token, "id": name})
