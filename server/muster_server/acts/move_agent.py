"""Move a PC to another unit."""

from __future__ import annotations

import msgspec

from muster_server.acts import which
from muster_server.acts.act import Done, Refused, Setting
from muster_server.acts.fields import Line, PcName, line
from muster_server.store import agents


class Asked(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which PC, and where."""

    pc: PcName
    unit: Line


def act(setting: Setting, asked: Asked) -> Done:
    """Its history goes with it: reports of any month count it where it is now."""
    unit = line(asked.unit, "bad_unit")
    one = which.pc(setting.connection, asked.pc)
    if one.unit == unit:
        raise Refused("already_there", name=one.name, unit=unit)
    agents.change(setting.connection, one.id, unit=unit)
    detail = {"name": one.name, "from": one.unit, "unit": unit}
    return Done(one.id, detail, {"id": one.id, "name": one.name, "unit": unit})
