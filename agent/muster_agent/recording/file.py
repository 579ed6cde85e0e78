"""A recording as a file: JSON that a person can read through before handing it on.

Text stands in lines, other bytes in base64, a failure as its code, detail and status. What a terminal or an editor
would not show (control characters, bidirectional marks) stands as an escape.
"""

from __future__ import annotations

import base64
import json
import unicodedata
from typing import Any

from muster_agent.facts import Problem
from muster_agent.machine import (
    CannotRead,
    Denied,
    Listing,
    NotFound,
    Output,
    Process,
    RegistryValue,
    Socket,
    Stat,
    Uname,
)
from muster_agent.recording import Recording
from muster_agent.text import ACTIVE

FORMAT = 1
NAMED = ("files", "starts", "folders", "stats", "links", "values", "keys")
SINCE = ("links",)  # questions that recordings made before they were asked do not know: written where one was asked
ROWS: dict[str, Any] = {"processes": Process, "sockets": Socket}


class NotARecording(ValueError):
    """The file is not a recording, or one of another format."""


# -- writing ---------------------------------------------------------------------------------------------------------


def _bytes(data: bytes) -> Any:
    try:
        return data.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


def _failure(error: CannotRead) -> dict[str, Any]:
    return {"failure": {"code": error.code, "detail": error.detail, "status": error.status}}


def _registry_value(value: RegistryValue) -> Any:
    """Bytes in base64; text, numbers and lists of texts stand for themselves."""
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode("ascii")}
    return list(value) if isinstance(value, tuple) else value


def _written(answer: Any) -> Any:
    if isinstance(answer, CannotRead):
        return _failure(answer)
    if isinstance(answer, dict):  # the values of a registry key
        return {name: _registry_value(answer[name]) for name in sorted(answer)}
    if isinstance(answer, bytes):
        return _bytes(answer)
    if isinstance(answer, str):  # where a link leads
        return answer
    if isinstance(answer, tuple):  # the names in a folder
        return list(answer)
    if isinstance(answer, Output):
        return {"status": answer.status, "stdout": _bytes(answer.stdout), "stderr": _bytes(answer.stderr)}
    if isinstance(answer, Listing):
        problem = None if answer.problem is None else vars(answer.problem)
        return {"rows": [vars(row) for row in answer.rows], "complete": answer.complete, "problem": problem}
    return vars(answer)


def visible(said: Any) -> str:
    """``said`` as JSON that shows everything: what a terminal or an editor would not show stands as an escape."""
    text = json.dumps(said, ensure_ascii=False, indent=1)
    # Between the texts stand line ends only; within them json has written those as \\n already.
    shown = (
        json.dumps(character)[1:-1] if unicodedata.category(character) in ACTIVE and character != "\n" else character
        for character in text
    )
    return "".join(shown) + "\n"


def to_json(recording: Recording) -> str:
    """The text of a recording file. The same recording gives the same text."""
    said: dict[str, Any] = {
        "format": FORMAT,
        "platform": recording.platform,
        "uname": vars(recording.uname),
        "privileged": recording.privileged,
    }
    for name in NAMED:
        answers = getattr(recording, name)
        if answers or name not in SINCE:
            said[name] = {key: _written(answers[key]) for key in sorted(answers)}
    said["programs"] = [
        {"argv": list(argv), "answer": _written(recording.programs[argv])} for argv in sorted(recording.programs)
    ]
    said["apis"] = [
        {"function": list(key), "answer": _failure(answer) if isinstance(answer, CannotRead) else answer}
        for key, answer in sorted(recording.apis.items())
    ]
    for name in ROWS:
        answer = getattr(recording, name)
        said[name] = None if answer is None else _written(answer)
    return visible(said)


# -- reading ---------------------------------------------------------------------------------------------------------


def _read_bytes(said: Any) -> bytes:
    if isinstance(said, dict):
        return base64.b64decode(said["base64"], validate=True)
    return "\n".join(said).encode("utf-8")


def _read_failure(code: str, detail: str, status: str) -> CannotRead:
    """The same failure, of the same class: collectors tell NotFound and Denied from the others."""
    for known in (NotFound, Denied):
        error = known(detail)
        if (error.code, error.status) == (code, status):
            return error
    return CannotRead(code, detail, status)


def _read_registry_value(said: Any) -> RegistryValue:
    if isinstance(said, dict):
        return base64.b64decode(said["base64"], validate=True)
    if isinstance(said, list):
        return tuple(str(text) for text in said)
    if isinstance(said, (str, int)):
        return said
    raise TypeError(f"no registry value: {said!r}")


def _read(question: str, said: Any) -> Any:
    if isinstance(said, dict) and "failure" in said:
        return _read_failure(**said["failure"])
    if question in ("files", "starts"):
        return _read_bytes(said)
    if question in ("folders", "keys"):
        return tuple(said)
    if question == "links":
        return str(said)
    if question == "values":
        return {name: _read_registry_value(value) for name, value in said.items()}
    if question == "stats":
        return Stat(**said)
    if question == "programs":
        return Output(said["status"], _read_bytes(said["stdout"]), _read_bytes(said["stderr"]))
    problem = None if said["problem"] is None else Problem(**said["problem"])
    return Listing(tuple(ROWS[question](**row) for row in said["rows"]), said["complete"], problem)


def from_json(text: str) -> Recording:
    """The recording in the text of a file. Raises :class:`NotARecording` for anything else."""
    try:
        said = json.loads(text)
        if said["format"] != FORMAT:
            raise NotARecording(f"format {said['format']!r} instead of {FORMAT}")
        recording = Recording(said["platform"], Uname(**said["uname"]), said["privileged"])
        for name in NAMED:
            answers = said.get(name, {}) if name in SINCE else said[name]
            getattr(recording, name).update({key: _read(name, answer) for key, answer in answers.items()})
        for entry in said["programs"]:
            recording.programs[tuple(entry["argv"])] = _read("programs", entry["answer"])
        for entry in said["apis"]:
            answer = entry["answer"]
            failed = isinstance(answer, dict) and set(answer) == {"failure"}
            recording.apis[tuple(entry["function"])] = _read_failure(**answer["failure"]) if failed else answer
        for name in ROWS:
            setattr(recording, name, None if said[name] is None else _read(name, said[name]))
    except NotARecording:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise NotARecording(f"{type(error).__name__}: {error}"[:200]) from error
    return recording
