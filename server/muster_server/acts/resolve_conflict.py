"""Say that a conflict, or a group of PCs that look alike, has been looked at, and what was found."""

from __future__ import annotations

import msgspec

from muster_server.acts import which
from muster_server.acts.act import Done, Refused, Setting
from muster_server.acts.fields import PcName, Reason, reason
from muster_server.store import agents, roster


class Asked(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Of which PC, and how it was settled."""

    pc: PcName
    how: Reason


def act(setting: Setting, asked: Asked) -> Done:
    """The reports that were in conflict are kept. Another one, or another PC that looks alike, shows again."""
    how = reason(asked.how)
    one = which.pc(setting.connection, asked.pc, lambda each: each.conflict_at is not None)
    group = next(
        (found for found in roster.duplicates(setting.connection, setting.now) if one.id in [m.id for m in found]), []
    )
    if one.conflict_at is None and not group:
        raise Refused("no_conflict", name=one.name)
    if one.conflict_at is not None:
        agents.change(setting.connection, one.id, conflict_at=None)
    for member in group:
        agents.change(setting.connection, member.id, apart_at=setting.now)
    detail = {"name": one.name, "how": how, "since": None, "apart": [member.id for member in group]}
    if one.conflict_at is not None:
        detail["since"] = one.conflict_at.isoformat()
    return Done(one.id, detail, {"id": one.id, "name": one.name, "apart": len(group)})
