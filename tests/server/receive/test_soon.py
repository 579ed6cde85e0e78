"""How soon a decision holds (docs/threat-model.md, L13)."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from muster_agent.commands.run import run
from muster_agent.words import Words
from muster_server.acts.performing import perform


def test_L13_a_pc_that_has_just_enrolled_is_heard_at_once_and_a_revoked_one_no_more(server: Any) -> None:
    began = time.monotonic()
    pc = server.pc()
    assert run(pc.home, pc.enrolment, pc.tables(), Words("en")) == 0
    assert time.monotonic() - began < 5
    with server.database.write() as connection:
        perform(connection, "agents.revoke", {"pc": pc.enrolment.agent, "reason": "lost"}, "os:test", datetime.now(UTC))
    began = time.monotonic()
    assert run(pc.home, pc.enrolment, pc.tables(13), Words("en")) == 5
    assert time.monotonic() - began < 1.5
