"""What the store gives back: the facts as they were, and never more than it can stand for."""

from __future__ import annotations

import pytest

from muster_agent.canonical import canonical
from muster_server.store.history import rows_of


def test_a_column_of_a_newer_agent_is_left_out() -> None:
    [row] = rows_of("boot", canonical([{"boot_id": "b", "later": "x"}]))
    assert (row.boot_id, row.boot_time) == ("b", None)


@pytest.mark.parametrize(("column", "word"), [("scope", "moon"), ("protocol", "icmp"), ("family", "ipx")])
def test_a_word_outside_a_closed_vocabulary_is_not_read(column: str, word: str) -> None:
    port = {"protocol": "tcp", "family": "ipv4", "address": "0.0.0.0", "port": 23, "scope": "network"}
    [known] = rows_of("listening_ports", canonical([port]))
    assert getattr(known, column) == port[column]
    [strange] = rows_of("listening_ports", canonical([{**port, column: word}]))
    assert getattr(strange, column) is None
    assert strange.port == 23
