"""Take a revocation back: the PC may report again, with the key and the history it had."""

from __future__ import annotations

import msgspec

from muster_server.acts import which
from muster_server.acts.act import Done, Refused, Setting
from muster_server.acts.fields import PcName
from muster_server.store import agents


class Asked(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which PC."""

    pc: PcName


def act(setting: Setting, asked: Asked) -> Done:
    """The findings that went on under another PC stay there; what is still wrong here opens anew."""
    one = which.pc(setting.connection, asked.pc, which.revoked)
    if one.revoked_at is None:
        raise Refused("not_revoked", name=one.name)
    agents.change(setting.connection, one.id, revoked_at=None, revoked_for=None, replaced_by=None)
    detail = {"name": one.name, "unit": one.unit, "revoked_for": one.revoked_for, "replaced_by": one.replaced_by}
    return Done(one.id, detail, {"id": one.id, "name": one.name})
