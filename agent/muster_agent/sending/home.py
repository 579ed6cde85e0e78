"""The agent's own folder, the only place it writes to.

enrolment.json   who this PC is to which server
key.pem          its private key, readable by its owner alone
key.next.pem     the one that is to follow it (rotation.py)
rotation.json    the last change of key, as both keys signed it
fingerprint.json which machine it is (fingerprint.py)
state.json       the last report that the server acknowledged
pace.json        when it may be asked again, while it did not answer (pace.py)
spool/           reports that wait for the server, one file each
refused/         reports the server would not take, kept for whoever looks into it
public/          what any user of the PC may read (notice.py)
token            the token IT laid down for the first run (conf.py)
former-1/ …      what belonged to an identity this PC no longer has
lock             held while a run is under way
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, field
from pathlib import Path
from typing import Any, Mapping

from muster_agent.dataclass import dataclass
from muster_agent.sending.envelope import FIRST


class Unusable(Exception):
    """The folder, or a file in it, cannot be used. ``code`` is a key of words/send.json, ``detail`` the path."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


# What each field looks like in JSON.
_TEXT, _DIGEST = r'"(?:[^"\\]|\\.)+"', r'"[0-9a-f]{64}"'
_ID = r'"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"'
FIELDS_OF_ENROLMENT = {
    "server": re.compile(r'"https?://' + _TEXT[1:]),
    "agent": re.compile(_ID),
    "unit": re.compile(_TEXT),
    "server_key": re.compile(_DIGEST),
    "ca": re.compile("null|" + _TEXT),
}
FIELDS_OF_STATE = {
    "seq": re.compile("0|[1-9][0-9]{0,16}"),
    "digest": re.compile(_DIGEST),
    "known": re.compile(r"\[(?:" + _DIGEST + "(?:, " + _DIGEST + r")*)?\]"),
}

NEXT_KEY = "key.next.pem"
REPORTS = ("spool", "refused")
IDENTITY = ("enrolment.json", "state.json", "key.pem", NEXT_KEY, "rotation.json", "fingerprint.json", *REPORTS)


@dataclass(frozen=True)
class Enrolment:
    """What the server answered when it took this PC in."""

    server: str  # address, e.g. https://muster.example:8443
    agent: str  # the UUID it gave this PC
    unit: str  # the section the token was bound to
    server_key: str  # its public key in hexadecimal: receipts are checked against it
    ca: str | None = None  # file with the certificate authority of an https server; None: the system's
    awaiting: bool = False  # an administrator has yet to approve it; told with the answer, and not kept


@dataclass
class State:
    """The last report that the server acknowledged."""

    seq: int = 0
    digest: str = FIRST
    known: list[str] = field(default_factory=list)  # digests of the tables the server has


def write_durably(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a file so that after a crash it is there whole or not at all, readable by its owner alone unless told."""
    temporary = path.with_name(path.name + ".new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(str(temporary), flags, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        if mode != 0o600 and hasattr(os, "fchmod"):
            os.fchmod(descriptor, mode)  # whatever the umask
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(str(temporary), str(path))
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames and removals in ``folder`` durable, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(str(folder), os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Home:
    """The folder, opened. Raises :class:`Unusable` when it cannot be made or is not its owner's alone."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.spool = self.path / "spool"
        self.refused = self.path / "refused"
        try:
            # Others may pass through to public/, and see nothing of the rest.
            self.path.mkdir(mode=0o711, parents=True, exist_ok=True)
            for folder in (self.spool, self.refused):
                folder.mkdir(mode=0o700, exist_ok=True)
            status = os.lstat(str(self.path))
        except OSError as error:
            raise Unusable("home_unusable", f"{error.filename}: {error.strerror}") from None
        # Whoever can write here can make this PC say anything (security.md L15).
        if hasattr(os, "geteuid") and (status.st_uid != os.geteuid() or status.st_mode & 0o022):
            raise Unusable("home_unsafe", str(self.path))

    @property
    def key(self) -> Path:
        """The private key."""
        return self.path / "key.pem"

    def enrolment(self) -> Enrolment | None:
        """Who this PC is, or None when it has not been enrolled."""
        found = self._json("enrolment.json", FIELDS_OF_ENROLMENT)
        return None if found is None else Enrolment(**found)

    def enrol(self, enrolment: Enrolment, last: State) -> None:
        """Remember who this PC is, and the last report the server has of it."""
        self.save_state(last)
        self._save("enrolment.json", {name: getattr(enrolment, name) for name in FIELDS_OF_ENROLMENT})

    def state(self) -> State:
        """The last acknowledged report. A state that is lost is not a fresh one: its numbers have been used."""
        found = self._json("state.json", FIELDS_OF_STATE)
        if found is None:
            raise Unusable("state_lost", str(self.path / "state.json"))
        return State(**found)

    def private_key(self) -> str:
        """The path of the key. Raises :class:`Unusable` when others can read it."""
        try:
            mode = os.stat(str(self.key)).st_mode
        except OSError as error:
            raise Unusable("key_unreadable", f"{self.key}: {error.strerror}") from None
        if hasattr(os, "geteuid") and mode & 0o077:
            raise Unusable("key_exposed", str(self.key))
        return str(self.key)

    def save_state(self, state: State) -> None:
        """Remember the last acknowledged report."""
        self._save("state.json", asdict(state))

    def put_aside(self, names: tuple[str, ...] = IDENTITY) -> Path | None:
        """Move everything of the PC's former identity into a folder former-N; returns it, or None without any.

        With ``names`` only these: the PC keeps its key, but another server-made id has begun another chain.
        """
        here = [self.path / name for name in names if os.path.lexists(str(self.path / name))]
        if not any(path.is_file() or list(path.iterdir()) for path in here):
            return None
        number = 1
        while os.path.lexists(str(self.path / f"former-{number}")):
            number += 1
        former = self.path / f"former-{number}"
        try:
            former.mkdir(mode=0o700)
            for path in here:
                os.rename(str(path), str(former / path.name))
            for folder in (self.spool, self.refused):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise Unusable("home_unusable", f"{error.filename}: {error.strerror}") from None
        sync_folder(self.path)
        return former

    def put_back(self, former: Path) -> None:
        """Undo :meth:`put_aside`: the new identity did not come about. Raises :class:`Unusable`."""
        try:
            for path in list(former.iterdir()):
                if path.is_dir():
                    (self.path / path.name).rmdir()  # the empty one put_aside made
                os.replace(str(path), str(self.path / path.name))
            former.rmdir()
        except OSError as error:
            raise Unusable("home_unusable", f"{error.filename}: {error.strerror}") from None
        sync_folder(self.path)

    def lock(self) -> Any:
        """Hold the folder until the returned file is closed. Raises :class:`Unusable` when another run holds it."""
        try:
            # Only its owner may open it: whoever holds it keeps the agent from running.
            file = os.fdopen(os.open(str(self.path / "lock"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
            if hasattr(os, "fchmod"):
                os.fchmod(file.fileno(), 0o600)
        except OSError as error:
            raise Unusable("home_unusable", f"{error.filename}: {error.strerror}") from None
        try:
            if os.name == "nt":
                import msvcrt

                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise Unusable("home_busy", str(self.path)) from None
        return file

    def _json(self, name: str, fields: Mapping[str, re.Pattern[str]]) -> dict[str, Any] | None:
        """The content of a file that this agent wrote; every field is checked, because a disk forgets."""
        path = self.path / name
        try:
            found = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError):
            raise Unusable("file_damaged", str(path)) from None
        if not isinstance(found, dict) or set(found) != set(fields):
            raise Unusable("file_damaged", str(path))
        for field_name, pattern in fields.items():
            if pattern.fullmatch(json.dumps(found[field_name])) is None:
                raise Unusable("file_damaged", str(path))
        return found

    def _save(self, name: str, value: dict[str, Any]) -> None:
        write_durably(self.path / name, json.dumps(value, ensure_ascii=False, indent=1).encode("utf-8"))
