"""The keeper of a running server: once a day what has passed its term goes, and a full disk refuses."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from muster_server.evidence import database as evidence
from muster_server.keeper import Keeper
from muster_server.receive.writer import Writer
from muster_server.store.space import BALLAST


def test_it_prunes_through_the_servers_own_writer_and_only_once_a_day(filling: Any, tmp_path: Path) -> None:
    filled = filling.Filled(tmp_path / "data", 2)
    long_ago = datetime.now(UTC) - timedelta(days=500)
    for day in (0, 10, 300, 499):
        filled.take([pc.sign(long_ago) for pc in filled.pcs], long_ago + timedelta(days=day))
    writer = Writer(filled.database)
    keeper = Keeper(filled.deployment, filled.database, writer)
    try:
        end = time.monotonic() + 20
        while not filled.rows("SELECT * FROM rounds WHERE name = 'prune'") and time.monotonic() < end:
            time.sleep(0.02)
        assert filled.rows("SELECT count(*) FROM reports")[0][0] == 4
        assert not keeper._due(datetime.now(UTC)) and keeper._due(datetime.now(UTC) + timedelta(days=1))
        assert keeper.refusal() is None and (tmp_path / "data" / BALLAST).exists()
    finally:
        keeper.close()
        writer.close()
    with filled.database.read() as connection:
        assert evidence.verify(connection).findings.sound
    filled.close()


def test_a_disk_without_room_refuses_with_507(filling: Any, tmp_path: Path) -> None:
    filled = filling.Filled(tmp_path / "data", 0)
    settings = tmp_path / "data" / "muster.yaml"
    settings.write_text(settings.read_text("utf-8") + "keep_free: 1000000\n", "utf-8")
    writer = Writer(filled.database)
    keeper = Keeper(filled.deployment, filled.database, writer)
    try:
        refusal = keeper.refusal()
        assert refusal is not None and (refusal.status, refusal.retry_after) == (507, 60)
    finally:
        keeper.close()
        writer.close()
        filled.close()
