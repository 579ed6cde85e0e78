"""Revoke a credential to read reports or to administer."""

from __future__ import annotations

import msgspec

from muster_server.access.roles import Role
from muster_server.acts.act import Done, Refused, Setting
from muster_server.acts.fields import Line
from muster_server.store import readers


class Asked(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Whose."""

    name: Line


def act(setting: Setting, asked: Asked) -> Done:
    """Effective on the next request. Nobody takes away the credential they act with: they would lock themselves out."""
    name = asked.name.strip()
    one = next((each for each in readers.every(setting.connection) if each.name == name), None)
    if one is None:
        raise Refused("no_reader", name=name)
    if setting.operator == f"reader:{name}":
        raise Refused("own_credential", name=name)
    if not readers.revoke(setting.connection, name, setting.now):
        raise Refused("reader_ended", name=name)
    return Done(name, {"role": one.role, "unit": one.unit}, {"name": name, "last": _last(setting, one.role)})


def _last(setting: Setting, role: str) -> bool:
    """Whether nobody is left who administers from outside this machine."""
    return role == Role.ADMINISTRATOR.value and not any(
        each.role == role and each.revoked_at is None and each.expires_at > setting.now
        for each in readers.every(setting.connection)
    )
