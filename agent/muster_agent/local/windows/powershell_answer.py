"""What the PowerShell process printed, taken apart: nothing in it is trusted to have a type or a size."""

from __future__ import annotations

import base64
import json
import re
from typing import Any, Callable, Dict

from muster_agent.local.windows.powershell_script import BEGIN, DEFENDER, END, PARTS
from muster_agent.machine import CannotRead

Answer = Dict[str, Any]

TEXT_LIMIT, ERROR_LIMIT = 1000, 500  # characters
PENDING_LIMIT, HISTORY_LIMIT, SHORT_LIMIT = (
    5000,
    50,
    200,
)  # entries: updates; history; knowledge-base numbers, categories
NUMBER_LIMIT = 2**63
NO_ANSWER, NOT_UNDERSTOOD = "no answer", "answer not understood"
MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
DRIVE = re.compile(r"[A-Za-z]:")
BLANK = re.compile(rb"\s+")
# CLIXML, in which powershell.exe writes errors: <S S="Error">text_x000D__x000A_</S>.
CLIXML_ERROR = re.compile(r'<S S="Error">([^<]*)</S>')
CLIXML_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&"))


def error_text(stderr: bytes) -> str:
    """What PowerShell complained about, in one line; empty when it did not."""
    said = stderr.replace(b"\0", b"").decode("utf-8", "replace")
    if "CLIXML" in said:
        said = "".join(CLIXML_ERROR.findall(said))
        for entity, character in ENTITIES:
            said = said.replace(entity, character)
        said = CLIXML_ESCAPE.sub(lambda found: chr(int(found.group(1), 16)), said)
    return " ".join(said.split())[:ERROR_LIMIT]


def parse(stdout: bytes, stderr: bytes, missing: str = NO_ANSWER) -> Answer:
    """The answer of every part. One that did not come, or has another shape, is {"error": why}.

    ``missing`` is the reason for those that did not come, unless PowerShell itself gave one. Raises
    :class:`CannotRead` ``powershell_failed`` when none came.
    """
    complaint = error_text(stderr)
    found: dict[str, Any] = {}
    # Without the NULs, UTF-16 is what a console of another code page prints as well.
    for block in stdout.replace(b"\0", b"").split(BEGIN.encode("ascii"))[1:]:
        part, answer = _block(block)
        if part in PARTS:
            found.setdefault(part, answer)
    if not found:
        raise CannotRead("powershell_failed", complaint or missing)
    return {part: _checked(part, found[part]) if part in found else _error(complaint or missing) for part in PARTS}


def _block(data: bytes) -> tuple[Any, Any]:
    """(part, answer) of one block; (None, None) for one that is cut short or holds something else."""
    encoded, mark, _ = data.partition(END.encode("ascii"))
    try:
        said = json.loads(base64.b64decode(BLANK.sub(b"", encoded), validate=True).decode("utf-8"))
    except (ValueError, RecursionError):
        return None, None
    if not mark or not isinstance(said, dict) or not isinstance(said.get("part"), str):
        return None, None
    return said["part"], said.get("answer")


def _error(reason: str) -> Answer:
    return {"error": reason}


def _checked(part: str, answer: Any) -> Any:
    if isinstance(answer, dict) and "error" in answer:
        return _error(" ".join(str(answer["error"]).split())[:ERROR_LIMIT] or NO_ANSWER)
    try:
        return CHECKS[part](answer)
    except ValueError:
        return _error(NOT_UNDERSTOOD)


# -- single values; ValueError for another type or size --------------------------------------------------------------


def _text(said: Any) -> str:
    if not isinstance(said, str) or len(said) > TEXT_LIMIT:
        raise ValueError
    return said


def _number(said: Any) -> int:
    if isinstance(said, bool) or not isinstance(said, int) or abs(said) >= NUMBER_LIMIT:
        raise ValueError
    return said


def _maybe(check: Callable[[Any], Any], said: Any) -> Any:
    return None if said is None else check(said)


def _moment(said: Any) -> str | None:
    """Windows tells "never" by a date of 1899."""
    found = _maybe(_text, said)
    return found if found and MOMENT.fullmatch(found) and found >= "1980" else None


def _list(said: Any, most: int) -> list[Any]:
    """A list. PowerShell up to 5.1 writes some as {"value": […], "Count": n}."""
    if isinstance(said, dict) and set(said) == {"value", "Count"}:
        said = said["value"]
    if not isinstance(said, list) or len(said) > most:
        raise ValueError
    return said


def _record(said: Any) -> Answer:
    if not isinstance(said, dict):
        raise ValueError
    return said


# -- the parts -------------------------------------------------------------------------------------------------------


def _pending(said: Any) -> Answer:
    update = _record(said)
    categories = [_record(each) for each in _list(update.get("categories"), SHORT_LIMIT)]
    return {
        "title": _text(update.get("title")),
        "kbs": [_text(each) for each in _list(update.get("kbs"), SHORT_LIMIT)],
        "severity": _maybe(_text, update.get("severity")),
        "categories": [{"id": _text(each.get("id")), "name": _text(each.get("name"))} for each in categories],
        "update_id": _text(update.get("update_id")),
        "revision": _number(update.get("revision")),
    }


def _entry(said: Any) -> Answer:
    entry = _record(said)
    return {
        "date": _moment(entry.get("date")),
        "title": _text(entry.get("title")),
        "operation": _number(entry.get("operation")),
        "result_code": _number(entry.get("result_code")),
        "update_id": _text(entry.get("update_id")),
    }


def _updates(said: Any) -> Answer:
    updates = _record(said)
    return {
        "result_code": _number(updates.get("result_code")),
        "last_search": _moment(updates.get("last_search")),
        "last_install": _moment(updates.get("last_install")),
        "pending": [_pending(each) for each in _list(updates.get("pending"), PENDING_LIMIT)],
        "history": [_entry(each) for each in _list(updates.get("history"), HISTORY_LIMIT)],
    }


def _property(name: str, said: Any) -> Any:
    if name == "AntivirusSignatureLastUpdated":
        return _moment(said)
    if said is None or isinstance(said, bool):
        return said
    return _number(said) if isinstance(said, int) else _text(said)


def _defender(said: Any) -> Answer | None:
    """None where Defender's service does not run: then it is not asked."""
    if said is None:
        return None
    status = _record(said)
    return {name: _property(name, status.get(name)) for name in DEFENDER}


def _bitlocker(said: Any) -> list[Answer]:
    names = ("protection_status", "conversion_status", "encryption_method")
    rows = [_record(each) for each in _list(said, SHORT_LIMIT)]
    return [{"drive": _drive(row.get("drive")), **{n: _maybe(_number, row.get(n)) for n in names}} for row in rows]


def _drive(said: Any) -> str:
    if not DRIVE.fullmatch(_text(said)):
        raise ValueError
    return str(said)


def _bitlocker_shell(said: Any) -> Answer:
    return {_drive(drive): _number(value) for drive, value in _record(said).items()}


CHECKS: dict[str, Callable[[Any], Any]] = {
    "defender": _defender,
    "bitlocker": _bitlocker,
    "bitlocker_shell": _bitlocker_shell,
    "updates": _updates,
}
