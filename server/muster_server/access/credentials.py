"""Whose credential a request carries: ``Authorization: Bearer`` for programs, ``Basic`` for browsers.

Whatever is wrong with a header, the answer is the same None after the same work: one digest and one look into the
database. Who guesses learns neither which part was wrong nor whether a name exists.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime

from sqlalchemy import Connection

from muster_server.store import readers
from muster_server.store.readers import PREFIX, Reader

LIMIT = 1024  # characters of a header; a credential has 47
NONE = PREFIX  # no credential is so short, so looking for it finds nobody


def check(connection: Connection, header: str | None, now: datetime) -> Reader | None:
    """The reader whose credential the Authorization header carries; None for anything else, whatever it is.

    With Basic the password is the credential, and the user name does not matter. Never raises for what it is given.
    """
    return readers.find(connection, credential_in(header) or NONE, now)


def credential_in(header: str | None) -> str | None:
    """The credential in a header, unchecked; None when there is none of the right form."""
    if header is None or len(header) > LIMIT:
        return None
    scheme, _, value = header.strip(" \t").partition(" ")
    value = value.strip(" \t")
    if scheme.casefold() == "bearer":
        found = value
    elif scheme.casefold() == "basic":
        found = _password(value)
    else:
        return None
    return found if found.startswith(PREFIX) and found.isascii() and found.isprintable() else None


def _password(value: str) -> str:
    try:
        plain = base64.b64decode(value, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return ""
    return plain.partition(":")[2]
