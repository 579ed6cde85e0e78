"""Issue an enrolment token: for a unit, or for the next key of one PC."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import msgspec

from muster_server.acts import which
from muster_server.acts.act import Done, Refused, Setting
from muster_server.acts.fields import Days, Line, PcName, Uses, line
from muster_server.store import hardware, tokens
from muster_server.store.tokens import ID, Terms, token_hash


class Asked(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """For which unit, or for which PC; for how many PCs, for how long, and on which terms."""

    unit: Line | None = None
    pc: PcName | None = None  # which is given its next key: its disk was made anew
    uses: Uses = 1
    days: Days = 1
    tags: Annotated[list[Line], msgspec.Meta(max_length=20)] = []
    approval: bool = False
    serial: Line | None = None


def act(setting: Setting, asked: Asked) -> Done:
    """The answer holds the token; the log holds the beginning of its hash, by which it is listed and revoked."""
    terms = _terms(setting, asked)
    expires = setting.now + timedelta(days=asked.days)
    token = tokens.issue(setting.connection, terms, setting.operator, setting.now, expires)
    name = token_hash(token)[:ID]
    detail = {"unit": terms.unit, "uses": terms.uses, "days": asked.days, "approval": terms.approval}
    if terms.serial is not None:
        detail["serial"] = terms.serial
    if terms.agent is not None:
        detail["pc"] = terms.agent
    return Done(name, detail, {"token": token, "id": name, "unit": terms.unit})


def _terms(setting: Setting, asked: Asked) -> Terms:
    if (asked.unit is None) is (asked.pc is None):
        raise Refused("unit_or_pc")
    serial = None if asked.serial is None else hardware.of_use(asked.serial)
    if asked.serial is not None and serial is None:
        raise Refused("bad_serial")
    if asked.pc is not None:
        if asked.uses != 1 or asked.approval or asked.tags:
            raise Refused("pc_alone")
        one = which.pc(setting.connection, asked.pc)
        if one.revoked_at is not None:
            raise Refused("pc_revoked", name=one.name)
        return Terms(unit=one.unit, agent=one.id, serial=serial)
    return Terms(
        unit=line(asked.unit or "", "bad_unit"),
        uses=asked.uses,
        tags=tuple(line(tag, "bad_tag") for tag in asked.tags),
        approval=asked.approval,
        serial=serial,
    )
