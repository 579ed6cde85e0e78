"""muster-agent run says what was collected as check does: what this system does not have is not missing."""

from __future__ import annotations

import pytest

from muster_agent.commands.run import summary
from muster_agent.facts import Problem, Table
from muster_agent.words import LANGUAGES, Words


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_table_of_another_system_is_neither_counted_nor_complained_of(lang: str) -> None:
    tables = {
        "boot": Table(rows=()),
        "patches": Table(problem=Problem("unsupported", "not_of_this_system", "linux")),
        "services": Table(problem=Problem("unsupported", "no_service_manager", "/run/systemd/system")),
    }
    first, *missing = summary(tables, Words(lang))
    assert first == Words(lang)("run.collected", count=1, total=2)
    assert [line.split(":")[0].strip() for line in missing] == ["services"]
