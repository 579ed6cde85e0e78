"""Approve a PC that a token with approval let in, or all that one token did: from now on their reports count."""

from __future__ import annotations

import msgspec

from muster_server.acts import which
from muster_server.acts.act import Done, Refused, Setting
from muster_server.acts.fields import PcName, TokenId
from muster_server.store import agents, tokens
from muster_server.store.roster import Standing


class Asked(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which PC, or all of which token."""

    pc: PcName | None = None
    token: TokenId | None = None


def act(setting: Setting, asked: Asked) -> Done:
    """Those that are revoked are left out."""
    if (asked.pc is None) is (asked.token is None):
        raise Refused("pc_or_token")
    if asked.token is not None:
        hashed = which.token(setting.connection, asked.token)
        count = agents.approve_all(setting.connection, hashed, setting.now)
        if not count:
            raise Refused("none_awaits", given=asked.token)
        return Done(hashed[: tokens.ID], {"token": hashed[: tokens.ID], "count": count}, {"count": count})
    one = which.pc(setting.connection, asked.pc or "", lambda each: each.standing is Standing.AWAITING)
    if one.standing is not Standing.AWAITING:
        raise Refused("not_awaiting", name=one.name)
    agents.change(setting.connection, one.id, approved_at=setting.now)
    return Done(one.id, {"name": one.name, "unit": one.unit}, {"count": 1, "id": one.id, "name": one.name})
