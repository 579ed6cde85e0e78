"""Ask PCs to change their keys: each is told with the answer to its next report, and so at its own hour."""

from __future__ import annotations

import msgspec

from muster_server.acts import which
from muster_server.acts.act import Done, Refused, Setting
from muster_server.acts.fields import Line, PcName, line
from muster_server.store import agents


class Asked(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One PC, those of a unit, or all."""

    pc: PcName | None = None
    unit: Line | None = None
    all: bool = False


def act(setting: Setting, asked: Asked) -> Done:
    """The old keys hold until the PCs have new ones."""
    if (asked.pc is not None) + (asked.unit is not None) + asked.all != 1:
        raise Refused("pc_unit_or_all")
    if asked.pc is not None:
        one = which.pc(setting.connection, asked.pc)
        if one.revoked_at is not None:
            raise Refused("pc_revoked", name=one.name)
        agents.change(setting.connection, one.id, rekey_at=setting.now)
        return Done(one.id, {"name": one.name, "unit": one.unit}, {"count": 1, "id": one.id, "name": one.name})
    unit = None if asked.unit is None else line(asked.unit, "bad_unit")
    count = agents.ask_for_new_keys(setting.connection, setting.now, unit)
    if not count:
        raise Refused("no_pc_there")
    return Done(unit or "*", {"unit": unit, "count": count}, {"count": count})
