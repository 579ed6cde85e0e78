"""One PC takes the place of another: the old one is retired, and what was open on it goes on under the new one."""

from __future__ import annotations

import msgspec

from muster_server.acts import which
from muster_server.acts.act import Done, Refused, Setting
from muster_server.acts.fields import PcName
from muster_server.store import agents
from muster_server.store.succession import carry_over


class Asked(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which PC, by which."""

    old: PcName
    new: PcName


def act(setting: Setting, asked: Asked) -> Done:
    """The two keep their own reports, keys and chains: evidence is never merged."""
    old = which.pc(setting.connection, asked.old, lambda one: one.replaced_by is None)
    new = which.pc(setting.connection, asked.new)
    if old.id == new.id:
        raise Refused("same_pc", name=old.name)
    if new.revoked_at is not None:
        raise Refused("pc_revoked", name=new.name)
    if old.replaced_by is not None:
        raise Refused("already_replaced", name=old.name)
    agents.change(
        setting.connection,
        old.id,
        replaced_by=new.id,
        revoked_at=old.revoked_at or setting.now,
        revoked_for=old.revoked_for or f"-> {new.id}",
    )
    findings = carry_over(setting.connection, old.id, new.id, setting.now)
    detail = {"name": old.name, "unit": old.unit, "new": new.id, "new_name": new.name, "findings": findings}
    answer = {"id": old.id, "name": old.name, "new": new.id, "new_name": new.name, "findings": findings}
    return Done(old.id, detail, answer)
