"""The settings IT laid down for this PC: where its server is, and the token it may enrol with, once.

agent.conf       JSON: {"server": "https://…", "unit": "…", "ca": "ca.pem", "server_key": "…"}
token            in the agent's folder; emptied as soon as the PC is enrolled

Both may instead lie inside the agent's own file (a muster-agent.pyz that ``muster agent package`` made).
"""

from __future__ import annotations

import json
import os
import pkgutil
import re
from dataclasses import replace
from typing import Any

from muster_agent.dataclass import dataclass
from muster_agent.sending.home import Home, Unusable, write_durably
from muster_agent.sending.places import conf_of

TOKEN_LIMIT = 200  # characters
CONF_LIMIT = 64 * 1024  # bytes
INSIDE = "provided"  # the folder of the package that holds them in a .pyz
KEYS = ("server", "unit", "ca", "server_key")
_KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Conf:
    """Where this PC reports to."""

    server: str  # address, e.g. https://muster.example:8443
    unit: str  # the section IT meant it for; the token decides
    ca: str | None = None  # file with the authority of its certificate, relative to this one; None: the system's
    server_key: str | None = None  # its public key in hexadecimal; None: the first server that answers will do


def load(home: Home) -> Conf | None:
    """The settings, or None where IT laid down none.

    Raises :class:`Unusable` when they are damaged or when somebody other than their owner and root can change them:
    whoever can, chooses the server this PC reports to.
    """
    inside = _inside("agent.conf")
    if inside is not None:
        conf = _parsed(inside, "agent.conf")
        authority = _inside("ca.pem") if conf.ca else None
        if authority is not None:
            kept = home.path / "ca.pem"
            if not kept.is_file() or kept.read_bytes() != authority:
                write_durably(kept, authority)
            return replace(conf, ca=str(kept))
        return conf
    path = conf_of(str(home.path))
    data = _read(path)
    if data is None:
        return None
    conf = _parsed(data, path)
    if conf.ca is None:
        return conf
    authority_path = os.path.join(os.path.dirname(path), conf.ca)
    must_be_safe(authority_path)
    return replace(conf, ca=authority_path)


def token(home: Home) -> str | None:
    """The token this PC may enrol with, or None. Raises :class:`Unusable`."""
    path = str(home.path / "token")
    data = (_read(path) or b"").strip() or (_inside("token") or b"").strip()
    if not data:
        return None
    found = data.decode("ascii", "replace")
    if len(found) > TOKEN_LIMIT or not found.isascii() or not found.isprintable():
        raise Unusable("file_damaged", path)
    return found


def forget_token(home: Home) -> None:
    """Empty the token's file once it has served; it stays, because the system's packages miss a file that goes.

    Raises :class:`Unusable`.
    """
    path = home.path / "token"
    try:
        if path.stat().st_size:
            write_durably(path, b"")
    except FileNotFoundError:
        pass
    except OSError as error:
        raise Unusable("home_unusable", f"{path}: {error.strerror}") from None


def must_be_safe(path: str) -> None:
    """Raise :class:`Unusable` unless the file, and the folder it lies in, can be changed by root and this user only.

    On Windows the folder's access list, set when the agent was installed, stands for this.
    """
    if not hasattr(os, "geteuid"):
        return
    real = os.path.realpath(path)
    for one in (os.path.dirname(path), real, os.path.dirname(real)):
        try:
            status = os.stat(one)
        except OSError as error:
            raise Unusable("conf_unreadable", f"{one}: {error.strerror}") from None
        if status.st_uid not in (0, os.geteuid()) or status.st_mode & 0o022:
            raise Unusable("conf_unsafe", one)


def _read(path: str) -> bytes | None:
    """A file that only root and this user can change, or None when it is not there."""
    if not os.path.lexists(path):
        return None
    must_be_safe(path)
    if not os.path.isfile(path):  # a FIFO would be waited for
        raise Unusable("conf_unreadable", path)
    try:
        with open(path, "rb") as file:
            data = file.read(CONF_LIMIT + 1)
    except OSError as error:
        raise Unusable("conf_unreadable", f"{path}: {error.strerror}") from None
    if len(data) > CONF_LIMIT:
        raise Unusable("conf_damaged", path)
    return data


def _inside(name: str) -> bytes | None:
    """A file that lies inside the agent's own."""
    try:
        return pkgutil.get_data("muster_agent", f"{INSIDE}/{name}")
    except OSError:
        return None


def _parsed(data: bytes, where: str) -> Conf:
    try:
        found: Any = json.loads(data.decode("utf-8-sig"))  # an editor of Windows puts a mark before the text
    except (ValueError, RecursionError) as error:
        raise Unusable("conf_damaged", f"{where}: {error}") from None
    if not isinstance(found, dict):
        raise Unusable("conf_damaged", where)
    for key in found:
        if key not in KEYS:
            raise Unusable("conf_damaged", f"{where}: {key}")
    for key in ("server", "unit"):
        if not isinstance(found.get(key), str) or not found[key]:
            raise Unusable("conf_damaged", f"{where}: {key}")
    if not isinstance(found.get("ca"), (str, type(None))):
        raise Unusable("conf_damaged", f"{where}: ca")
    key = found.get("server_key")
    if key is not None and (not isinstance(key, str) or _KEY.fullmatch(key) is None):
        raise Unusable("conf_damaged", f"{where}: server_key")
    return Conf(found["server"], found["unit"], found.get("ca") or None, key)
