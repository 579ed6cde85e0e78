"""Give somebody a credential to read reports with, or to administer."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

import msgspec

from muster_server.access.roles import Role
from muster_server.acts.act import Done, Refused, Setting
from muster_server.acts.fields import Line, line
from muster_server.store import readers

MOST_DAYS = 3660


class Asked(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Who, as what, and until when. A viewer has a unit, nobody else does."""

    name: Line
    role: Literal["viewer", "auditor", "administrator", "monitor"]
    unit: Line | None = None
    days: Annotated[int, msgspec.Meta(ge=1, le=MOST_DAYS)] = 365


def act(setting: Setting, asked: Asked) -> Done:
    """The answer holds the credential."""
    name = line(asked.name, "bad_name")
    unit = None if asked.unit is None else line(asked.unit, "bad_unit")
    if (asked.role == Role.VIEWER.value) is not (unit is not None):
        raise Refused("viewer_and_unit")
    expires = setting.now + timedelta(days=asked.days)
    credential = readers.add(setting.connection, name, asked.role, unit, setting.operator, setting.now, expires)
    if credential is None:
        raise Refused("name_in_use", name=name)
    detail = {"role": asked.role, "unit": unit, "days": asked.days}
    return Done(name, detail, {"credential": credential})
