"""The people a recording names, and the files of accounts without their secrets (passwd(5), shadow(5), group(5))."""

from __future__ import annotations

import re
from typing import Mapping

from muster_agent.recording import Recording

FILES = ("/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/passwd-", "/etc/shadow-")
PASSWD = ("/etc/passwd", "/etc/passwd-")
HASHED = ("/etc/passwd", "/etc/shadow", "/etc/gshadow", "/etc/passwd-", "/etc/shadow-")
FIRST_OF_PEOPLE = 1000  # login.defs(5), UID_MIN of every system here
NOBODY = (65534, 65535, 4294967294)
# Accounts that Windows makes itself (their RIDs are below 1000 and their names known to everybody).
BUILT_IN = frozenset({"administrator", "guest", "defaultaccount", "wdagutilityaccount", "root", "nobody"})
FIRST_RID_OF_PEOPLE = 1000
WINLOGON = r"hklm\software\microsoft\windows nt\currentversion\winlogon"
# A password hash as crypt(5) writes it, behind the mark of a locked account. The method may stay.
# Whatever mark a lock puts before it (!, *, *LK*).
HASH = re.compile(r"^(?P<locked>[!*A-Z]*)(?P<method>\$[0-9a-z]{1,4}\$)?[^!*:]{8,}$")


def _lines(recording: Recording, path: str) -> list[list[str]]:
    data = recording.files.get(path)
    text = data.decode("utf-8", "surrogateescape") if isinstance(data, bytes) else ""
    return [line.split(":") for line in text.splitlines()]


def _of_passwd(recording: Recording) -> tuple[list[str], list[str]]:
    names, real = [], []
    for fields in _lines(recording, "/etc/passwd"):
        if len(fields) < 7 or not re.match(r"^[0-9]{1,10}$", fields[2]):
            continue
        # Some offices number people below that: a home where homes are, and a shell, make one too.
        at_home = fields[5].startswith("/home/") and not fields[6].endswith(("nologin", "false"))
        if (int(fields[2]) >= FIRST_OF_PEOPLE or at_home) and int(fields[2]) not in NOBODY:
            names.append(fields[0])
            real += [part.strip() for part in fields[4].split(",")[:1] if part.strip()]
    return names, real


def _of_windows(recording: Recording) -> list[str]:
    names = []
    said = recording.apis.get(("NetUserEnum",))
    for user in said if isinstance(said, list) else []:
        if isinstance(user, dict) and isinstance(user.get("rid"), int) and user["rid"] >= FIRST_RID_OF_PEOPLE:
            names.append(str(user.get("name", "")))
    for key, values in recording.values.items():
        if key.lower() == WINLOGON and isinstance(values, dict):
            names += [str(value) for name, value in values.items() if name.lower() == "defaultusername"]
    return [name for name in names if name]


def people(recording: Recording) -> tuple[list[str], list[str]]:
    """(account names, real names) of the people ``recording`` names."""
    names, real = _of_passwd(recording)
    return names + _of_windows(recording), [name for name in real if name not in names]


def without_secrets(path: str, data: bytes, placeholders: Mapping[str, str]) -> tuple[bytes, int]:
    """(the file with ``placeholders`` for names of people and without hashes, how many hashes it had).

    What a collector reads off a hash stays: that there is one, its method, and that the account is locked.
    """
    count = 0
    lines = []
    for line in data.decode("utf-8", "surrogateescape").split("\n"):
        fields = line.split(":")
        if path in PASSWD and len(fields) > 6 and fields[0] in placeholders:
            fields[4] = ""  # the real name, the room, telephone numbers
        if path in HASHED and len(fields) > 2:
            found = HASH.match(fields[1])
            if found:
                count += 1
                fields[1] = found.group("locked") + (found.group("method") or "") + "redacted"
        fields = [",".join(placeholders.get(part, part) for part in field.split(",")) for field in fields]
        lines.append(":".join(fields))
    return "\n".join(lines).encode("utf-8", "surrogateescape"), count
