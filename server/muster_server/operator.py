"""Who acts at the server's own command line: the account of the system that runs it."""

from __future__ import annotations

import os
import pwd


def operator() -> str:
    """os:NAME of the account; behind sudo of the person who called it, with the account it became."""
    account = pwd.getpwuid(os.geteuid()).pw_name if _known(os.geteuid()) else str(os.geteuid())
    caller = os.environ.get("SUDO_USER", "")
    return f"os:{caller} ({account})" if caller and caller != account and caller.isprintable() else f"os:{account}"


def _known(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True
