"""The running server: whether there is one, and whether it says that it is ready."""

from __future__ import annotations

import fcntl
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from muster_server.doctor import Found, fail, ok, unknown, warn

LOCK = "serve.lock"  # held by the server, and holds its address
PATIENCE = 10.0  # seconds
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # nothing listens here; where to reach what does


def server(data: Path, ca: Path) -> Iterator[Found]:
    """Ask the server of this deployment on this machine."""
    if not held(data / LOCK):
        yield warn("server_none")
        return
    address = (data / LOCK).read_text("utf-8", "replace").strip()[:300]
    if not address.startswith(("http://", "https://")):
        yield unknown("server_somewhere")
        return
    yield ask(address, ca)


def held(path: Path) -> bool:
    """Whether a server holds the lock."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # several servers on one PostgreSQL share it
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def ask(address: str, ca: Path) -> Found:
    """Its own word on whether it can store reports."""
    parts = urlsplit(address)
    host = EVERYWHERE.get(parts.hostname or "", parts.hostname or "")
    url = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{parts.port}/readyz"
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if parts.scheme == "https":
        try:
            context = ssl.create_default_context(cafile=str(ca))
        except OSError as error:
            return unknown("server_unasked", url=url, why=str(error))
        handlers.append(urllib.request.HTTPSHandler(context=context))
    try:
        with urllib.request.build_opener(*handlers).open(url, timeout=PATIENCE):
            return ok("server", url=url)
    except urllib.error.HTTPError as error:
        return fail("server_not_ready", url=url, status=error.code)
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLError):
            return unknown("server_unasked", url=url, why=str(reason))
        return fail("server_silent", url=url, why=str(reason))
