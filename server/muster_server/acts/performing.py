"""Performs acts: what was asked is checked, the act is done, and the audit entry is written, all or nothing."""

from __future__ import annotations

import importlib
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from muster_server.acts.act import Refused, Setting
from muster_server.store import audit

ACTS = {
    "tokens.issue": "issue_token",
    "tokens.revoke": "revoke_token",
    "agents.revoke": "revoke_agent",
    "agents.restore": "restore_agent",
    "agents.approve": "approve_agents",
    "agents.replace": "replace_agent",
    "agents.rekey": "rekey_agents",
    "agents.move": "move_agent",
    "conflicts.resolve": "resolve_conflict",
    "readers.add": "add_reader",
    "readers.revoke": "revoke_reader",
    "tls.record": "record_tls",
}


def perform(connection: Connection, name: str, asked: dict[str, Any], operator: str, now: datetime) -> dict[str, Any]:
    """Do an act inside the running transaction and log it; returns what is told to who asked.

    Raises :class:`Refused`: unknown_act, bad_request (``detail`` says where), or what the act itself refuses.
    """
    if name not in ACTS:
        raise Refused("unknown_act", act=name)
    module: Any = importlib.import_module(f"muster_server.acts.{ACTS[name]}")
    try:
        checked = msgspec.convert(asked, module.Asked, strict=True)
    except msgspec.ValidationError as error:
        raise Refused("bad_request", detail=str(error)) from None
    done = module.act(Setting(connection, operator, now), checked)
    audit.append(connection, now, operator, name, done.subject, done.detail)
    answer: dict[str, Any] = done.answer
    return answer
