"""The notice of the last run, public/status.json: what any user of the PC may read with ``muster-agent status``.

The rest of the agent's folder is its owner's alone; so this is written anew at the end of every run.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from typing import Any

from muster_agent.dataclass import dataclass
from muster_agent.sending.home import Home, write_durably
from muster_agent.sending.judged import Judged, NotUnderstood, parsed

FOLDER, FILE = "public", "status.json"
LIMIT = 256 * 1024  # bytes


class Unreadable(Exception):
    """There is a notice that cannot be read. ``code`` is a failure of words/status.json, ``detail`` the path."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class Sent:
    """The last report that the server acknowledged."""

    seq: int
    collected_at: str  # the PC's clock, UTC
    size: int  # bytes
    received_at: str  # the server's clock, UTC


@dataclass(frozen=True)
class Notice:
    """What came of the last run."""

    ran_at: str  # the PC's clock, UTC
    server: str | None = None
    unit: str | None = None
    code: str | None = None  # why it did not go well: a key of words/send.json
    detail: str = ""
    waiting: int = 0  # reports in the spool
    refused: int = 0  # reports the server would not take, ever
    sent: Sent | None = None
    judged: Judged | None = None
    awaiting: bool | None = None  # whether an administrator has yet to approve this PC; None: not told
    clock: int | None = None  # seconds the server's clock was ahead of this PC's at the last report

    def after(self, before: Notice | None) -> Notice:
        """This notice with what an earlier one of the same server knows: the last report that went well."""
        if before is None or (self.server is not None and before.server not in (None, self.server)):
            return self
        return replace(
            self,
            server=self.server or before.server,
            unit=self.unit or before.unit,
            sent=self.sent or before.sent,
            judged=self.judged or before.judged,
            awaiting=self.awaiting if self.awaiting is not None else before.awaiting,
            clock=self.clock if self.sent is not None else before.clock,
        )


def path_of(home: str) -> str:
    """Where the notice of the agent's folder ``home`` is."""
    return os.path.join(home, FOLDER, FILE)


def write(home: Home, notice: Notice) -> None:
    """Replace the notice; what the new one does not know is kept from the old. Raises ``OSError``."""
    try:
        before = read(str(home.path))
    except Unreadable:
        before = None
    folder = home.path / FOLDER
    folder.mkdir(mode=0o755, exist_ok=True)
    data = json.dumps(asdict(notice.after(before)), ensure_ascii=False, indent=1).encode("utf-8")
    if hasattr(os, "geteuid"):  # Windows: the folder's access list, set when the agent was installed
        os.chmod(str(folder), 0o755)  # noqa: S103  # every user of the PC may read it
    write_durably(folder / FILE, data, mode=0o644)


def read(home: str) -> Notice | None:
    """The notice in the agent's folder ``home``, or None before the first run. Raises :class:`Unreadable`."""
    path = path_of(home)
    try:
        with open(path, "rb") as file:
            data = file.read(LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Unreadable("notice_denied", f"{path}: {error.strerror}") from None
    try:
        return _parsed(json.loads(data.decode("utf-8")))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Unreadable("notice_damaged", path) from None


def _parsed(found: Any) -> Notice:
    """Every field is checked, because a disk forgets. Raises ``TypeError``, ``KeyError`` or ``ValueError``."""
    if not isinstance(found, dict):
        raise NotUnderstood
    sent = found.pop("sent")
    known = {
        **{name: found.pop(name) for name in ("server", "unit", "code")},
        **{name: _typed(found.pop(name), str) for name in ("ran_at", "detail")},
        **{name: _typed(found.pop(name), int) for name in ("waiting", "refused")},
    }
    for name in ("server", "unit", "code"):
        _typed(known[name], (str, type(None)))
    judged = parsed(found.pop("judged"))
    clock = found.pop("clock", None)  # the version before knew none
    if type(clock) is not int and clock is not None:
        raise NotUnderstood
    awaiting = found.pop("awaiting", None)
    if awaiting not in (None, True, False):
        raise NotUnderstood
    if found:
        raise NotUnderstood
    if sent is not None:
        kinds = {"seq": int, "collected_at": str, "size": int, "received_at": str}
        if not isinstance(sent, dict) or set(sent) != set(kinds):
            raise NotUnderstood
        sent = Sent(**{name: _typed(sent[name], kind) for name, kind in kinds.items()})
    return Notice(sent=sent, judged=judged, clock=clock, awaiting=awaiting, **known)


def _typed(value: Any, kind: Any) -> Any:
    if not isinstance(value, kind):
        raise NotUnderstood
    return value
