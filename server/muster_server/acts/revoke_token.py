"""Revoke an enrolment token: it lets nobody in any more. PCs it let in before stay."""

from __future__ import annotations

import msgspec

from muster_server.acts import which
from muster_server.acts.act import Done, Refused, Setting
from muster_server.acts.fields import TokenId
from muster_server.store import tokens


class Asked(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which token."""

    token: TokenId  # its id as it is listed, or the beginning of it


def act(setting: Setting, asked: Asked) -> Done:
    """End it."""
    hashed = which.token(setting.connection, asked.token)
    if not tokens.revoke(setting.connection, hashed, setting.now):
        raise Refused("token_ended", given=asked.token)
    return Done(hashed[: tokens.ID], {}, {"id": hashed[: tokens.ID]})
