"""The event loop waits for no disk and no database, whatever a stranger sends (docs/threat-model.md, L7)."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

FILES = ("open", "os.listdir", "os.scandir", "sqlite3.connect", "os.rename", "os.remove", "os.mkdir")
_WATCHED: dict[str, Any] = {"on": False, "seen": []}


def _file(name: str, arguments: tuple[Any, ...]) -> None:
    if _WATCHED["on"] and name in FILES and _in_loop():
        _WATCHED["seen"].append(f"{name} {arguments[:1]!r}")


def _statement(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
    if _in_loop():
        _WATCHED["seen"].append(statement[:80])


def _in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


sys.addaudithook(_file)


@contextmanager
def watched() -> Iterator[list[str]]:
    """What the event loop's own thread opens or asks of a database meanwhile."""
    _WATCHED["seen"] = []
    event.listen(Engine, "before_cursor_execute", _statement)
    _WATCHED["on"] = True
    try:
        yield _WATCHED["seen"]
    finally:
        _WATCHED["on"] = False
        event.remove(Engine, "before_cursor_execute", _statement)


def test_L7_no_credential_makes_the_event_loop_wait_for_a_disk(office: Any) -> None:
    import routes

    for method, path, _ in routes.addresses(office):  # what is loaded once only is loaded now
        office.client.ask(method, path, office.bearer("administrator"), b"{}")
    wrong = routes.wrong_for_readers(office)
    few = {name: wrong[name] for name in ("nothing", "unknown", "expired", "revoked", "a PC's signature", "long")}
    with watched() as seen:
        for method, path, _ in routes.addresses(office):
            for headers in [*few.values(), list(office.bearer("administrator").items())]:
                office.client.ask(method, path, [*headers, ("Content-Type", "application/json")], b"{}")
    assert seen == []


def test_the_watch_sees_a_statement_and_a_file_in_the_loop(office: Any, tmp_path: Any) -> None:
    async def careless() -> None:
        with office.database.read() as connection:
            connection.exec_driver_sql("SELECT 1")
        (tmp_path / "x").write_text("x")

    with watched() as seen:
        asyncio.run(careless())
        thread = threading.Thread(target=lambda: (tmp_path / "y").write_text("y"))
        thread.start()
        thread.join()
    assert "SELECT 1" in seen and any("open" in line for line in seen)
    assert not any("/y" in line for line in seen)
