"""What the server says of itself while it runs: one event, one line on stderr, whatever text the event carries.

JSON lines for whatever collects them, or text for a person at a terminal. What a stranger causes (refusals, bad
handshakes) is throttled by its cause, because a log that a stranger can fill is a disk that a stranger can fill: one
line a minute, which says how many were left out (security.md B07, B36).

Nothing here may be given a credential: log what it belongs to.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TextIO

from muster_agent.text import inert

FORMS = ("json", "text")
WINDOW = 60.0  # seconds in which a cause may take one line
CAUSES = 200  # causes that are told apart; they are codes of ours
REPEATS = 10  # lines a minute of one and the same event of any other kind, e.g. a fault at every request
TEXT_LIMIT = 2000  # characters of one value; a traceback may have more
TRACEBACK_LIMIT = 8000

refusals = logging.getLogger("muster.refused")


def configure(form: str, stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Send what every logger says to ``stream`` (stderr) as ``json`` or ``text``. Once a process, before it serves."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    handler.addFilter(Repeats())
    logging.basicConfig(handlers=[handler], level=level, force=True)
    # uvicorn has nothing to say at these levels that ours does not; bad requests, which it warns of one by one, come
    # from strangers and are counted by connection.py.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    logging.getLogger("asyncio").setLevel(logging.WARNING)


def form_for(stream: TextIO | None = None) -> str:
    """The form that suits ``stream`` (stderr): text for a person, JSON for anything else."""
    stream = stream or sys.stderr
    return "text" if stream is not None and stream.isatty() else "json"


def event(logger: logging.Logger, level: int, name: str, /, **fields: object) -> None:
    """Log an event: a name of ours and its fields. Untrusted text belongs into a field, never into the name."""
    logger.log(level, "%s", name, extra={"event": name, "fields": fields})


def refused(code: str, peer: str, /, **fields: object) -> None:
    """A request or a connection was refused: ``code`` is ours, ``peer`` the address it came from. Throttled by code."""
    left_out = _throttle.admit(code)
    if left_out is not None:
        if left_out:
            fields["left_out"] = left_out  # refusals of this code since its last line
        event(refusals, logging.WARNING, "refused", **{**fields, "code": code, "peer": peer})


def flush(all_of_them: bool = False) -> None:
    """Say how many refusals were left out of the minutes that have passed (at the end: of all)."""
    for code, left_out in _throttle.passed(all_of_them):
        event(refusals, logging.WARNING, "refused", code=code, left_out=left_out)


class Throttle:
    """One line a ``window`` of seconds for each cause, and the number of those that got none."""

    def __init__(self, window: float = WINDOW, clock: Callable[[], float] = time.monotonic) -> None:
        self._window = window
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[float, int]] = {}  # when the cause had its line, how many since

    def admit(self, cause: str) -> int | None:
        """None when the cause has had its line; else how many were left out since that."""
        now = self._clock()
        with self._lock:
            if cause not in self._seen and len(self._seen) >= CAUSES:
                cause = "other"
            since, left_out = self._seen.get(cause, (-self._window, 0))
            if now - since < self._window:
                self._seen[cause] = since, left_out + 1
                return None
            self._seen[cause] = now, 0
            return left_out

    def passed(self, all_of_them: bool = False) -> list[tuple[str, int]]:
        """Causes whose window has passed and that owe a number; each is given once, which is its line."""
        now = self._clock()
        owed = []
        with self._lock:
            for cause, (since, left_out) in self._seen.items():
                if left_out and (all_of_them or now - since >= self._window):
                    owed.append((cause, left_out))
                    self._seen[cause] = now, 0
        return owed


_throttle = Throttle()


class Repeats(logging.Filter):
    """A fault that happens at every request leaves a few lines a minute, and how many more there were."""

    def __init__(self, window: float = WINDOW, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._window = window
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}  # since when, how many

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record gets a line."""
        if record.levelno < logging.WARNING or record.name == refusals.name:
            return True
        cause = (record.name, str(getattr(record, "event", record.msg))[:100])
        now = self._clock()
        with self._lock:
            if cause not in self._seen and len(self._seen) >= CAUSES:
                cause = ("", "")
            since, count = self._seen.get(cause, (now, 0))
            if now - since >= self._window:
                if count > REPEATS:
                    record.left_out = count - REPEATS
                since, count = now, 0
            self._seen[cause] = since, count + 1
            return count < REPEATS


def _entry(record: logging.LogRecord) -> dict[str, Any]:
    """What a line says, in the order in which it is read."""
    own = hasattr(record, "event")
    at = datetime.fromtimestamp(record.created, UTC)
    entry: dict[str, Any] = {
        "time": at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z",
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": record.event if own else "message",  # type: ignore[attr-defined]  # set by event()
    }
    if own:
        entry.update((name, _value(value)) for name, value in record.fields.items() if name not in entry)  # type: ignore[attr-defined]
    else:
        entry["text"] = record.getMessage()[:TEXT_LIMIT]
    if hasattr(record, "left_out"):
        entry["left_out"] = record.left_out
    if record.exc_info and record.exc_info[0] is not None:
        entry["traceback"] = "".join(traceback.format_exception(*record.exc_info))[-TRACEBACK_LIMIT:]
    return entry


def _value(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)[:TEXT_LIMIT]


class JsonLines(logging.Formatter):
    """One JSON object a line, in ASCII: nothing in it can end the line or act on a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return json.dumps(_entry(record), ensure_ascii=True)


class TextLines(logging.Formatter):
    """Time, level, logger, event and fields; what would act on a terminal or end the line is spelt out."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        entry = _entry(record)
        fields = [f"{name}={self._shown(value)}" for name, value in list(entry.items())[4:]]
        return " ".join([entry["time"], entry["level"], entry["logger"], inert(str(entry["event"])), *fields])

    @staticmethod
    def _shown(value: object) -> str:
        """Text in quotes where a blank or a quote could be taken for the end of it."""
        if not isinstance(value, str):
            return str(value)
        if not value or any(character in value for character in " \"'=\\"):
            value = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return inert(value)
