"""What holds of a deployment's TLS files at a moment: what they say, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from muster_server.tls import Refused, certificate, folder, trial
from muster_server.tls.certificate import Certificate
from muster_server.tls.folder import Files

T = TypeVar("T")

SOON = 30  # days before a server certificate ends: time to renew it
CA_SOON = 365  # days before an authority ends: time to bring every PC a package with the next one


@dataclass(frozen=True)
class Fault:
    """Something wrong. ``code`` is a key of reports/wording/tls.yaml, ``values`` fill its braces."""

    code: str
    values: dict[str, object]
    severe: bool  # PCs cannot reach the server, or the files are not safe; otherwise it will come to that


@dataclass(frozen=True)
class Condition:
    """The certificates, as far as they could be read, and everything wrong with them."""

    files: Files
    server: Certificate | None = None
    authority: Certificate | None = None  # of several in ca.pem the own one, else the one that ends first
    own: bool = False  # the authority is the deployment's: it can renew
    days_left: int | None = None  # of the server's certificate
    faults: tuple[Fault, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether PCs that were given this authority can reach the server."""
        return self.server is not None and not any(fault.severe for fault in self.faults)


def condition(data: Path, now: datetime) -> Condition:
    """What holds of the files of the deployment in ``data`` at ``now``. Raises ``OSError`` for a disk that fails.

    A deployment without TLS files has the one fault ``tls.fault.missing``, which is not severe: it may serve loopback
    alone, or stand behind a proxy.
    """
    files = folder.files(data)
    if not files.there:
        return Condition(files, faults=(Fault("tls.fault.missing", {"folder": files.folder}, False),))
    found = examined(files, now)
    return replace(found, faults=(*_exposed(files), *found.faults))


def examined(files: Files, now: datetime) -> Condition:
    """As :func:`condition`, of these files, whoever may read them."""
    faults: list[Fault] = []
    known = _read(files.ca, certificate.load_all, faults)
    chain = _read(files.server, certificate.load_all, faults)
    key = _read(files.server_key, certificate.load_key, faults)
    authority = own = None
    if known:
        own = _own(files, known, faults)
        authority = own or min(known, key=lambda one: one.ends)
        faults += _of_authority(authority, files, now)
    server = chain[0] if chain else None
    if server is not None:
        faults += _of_server(server, files, now)
        if key is not None and not certificate.fits(key, server):
            faults.append(Fault("tls.fault.other_key", {"path": files.server_key}, True))
    if server is not None and not any(fault.severe for fault in faults):
        refusal = trial.refusal(files.ca, files.server, files.server_key, server.name_to_try)
        if refusal is not None:
            faults.append(Fault("tls.fault.untrusted", {"path": files.ca, "error": refusal}, True))
    left = None if server is None else server.days_left(now)
    return Condition(files, server, authority, own is not None, left, tuple(faults))


def _read(path: Path, reader: Callable[[bytes, Path], T], faults: list[Fault]) -> T | None:
    """What ``reader`` makes of the file, or None and one more fault."""
    try:
        return reader(path.read_bytes(), path)
    except FileNotFoundError:
        faults.append(Fault("tls.fault.no_file", {"path": path}, True))
    except Refused as refused:
        faults.append(Fault(refused.code, refused.values, True))
    return None


def _exposed(files: Files) -> list[Fault]:
    """Keys that others can read."""
    keys = [path for path in (files.ca_key, files.server_key) if path.exists()]
    return [Fault("tls.fault.exposed", {"path": path}, True) for path in keys if path.stat().st_mode & 0o077]


def _of_server(server: Certificate, files: Files, now: datetime) -> list[Fault]:
    """What the server's certificate says that PCs would not take, or not for long."""
    found = []
    if not server.names:
        found.append(Fault("tls.fault.no_names", {"path": files.server}, True))
    if not server.for_servers:
        found.append(Fault("tls.fault.not_for_servers", {"path": files.server}, True))
    if now < server.begins:
        found.append(Fault("tls.fault.not_yet", {"path": files.server, "since": server.begins.date()}, True))
    elif now >= server.ends:
        found.append(Fault("tls.fault.expired", {"path": files.server, "until": server.ends.date()}, True))
    elif server.days_left(now) < SOON:
        found.append(Fault("tls.fault.ends_soon", {"days": server.days_left(now), "until": server.ends.date()}, False))
    return found


def _of_authority(authority: Certificate, files: Files, now: datetime) -> list[Fault]:
    """The same of the authority, which is on every PC and not quickly replaced there."""
    if now >= authority.ends:
        return [Fault("tls.fault.ca_expired", {"path": files.ca, "until": authority.ends.date()}, True)]
    if authority.days_left(now) < CA_SOON:
        return [
            Fault("tls.fault.ca_ends_soon", {"days": authority.days_left(now), "until": authority.ends.date()}, False)
        ]
    return []


def _own(files: Files, known: Sequence[Certificate], faults: list[Fault]) -> Certificate | None:
    """The authority whose key is here."""
    if not files.ca_key.exists():
        return None
    try:
        key = certificate.load_key(files.ca_key.read_bytes(), files.ca_key)
    except Refused as refused:
        faults.append(Fault(refused.code, refused.values, False))
        return None
    found = next((one for one in known if certificate.fits(key, one)), None)
    if found is None:
        faults.append(Fault("tls.fault.other_ca_key", {"path": files.ca_key}, False))
    return found
