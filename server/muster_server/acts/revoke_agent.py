"""Revoke a PC: from the next request on nothing of it is taken in, and reports do not count it."""

from __future__ import annotations

import msgspec

from muster_server.acts import which
from muster_server.acts.act import Done, Refused, Setting
from muster_server.acts.fields import PcName, Reason, reason
from muster_server.store import agents


class Asked(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which PC, and why."""

    pc: PcName
    reason: Reason


def act(setting: Setting, asked: Asked) -> Done:
    """One row; what the PC said before stays as evidence."""
    why = reason(asked.reason)
    one = which.pc(setting.connection, asked.pc)
    if one.revoked_at is not None:
        raise Refused("already_revoked", name=one.name)
    agents.change(setting.connection, one.id, revoked_at=setting.now, revoked_for=why)
    return Done(one.id, {"name": one.name, "unit": one.unit, "reason": why}, {"id": one.id, "name": one.name})
