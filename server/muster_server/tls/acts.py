"""What an administrator does to a deployment's TLS files. Each act is one function and returns what it changed.

The folder is left as it was unless the whole act succeeded; what is put there has passed an agent's handshake first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from muster_server.tls import Refused, certificate, folder, hosts, trial
from muster_server.tls.authority import issue, key_pem, new_authority, new_key
from muster_server.tls.condition import Condition, condition, examined
from muster_server.tls.folder import CA, CA_KEY, SERVER, SERVER_KEY, Files


@dataclass(frozen=True)
class Change:
    """What an act changed."""

    before: Condition
    after: Condition
    former: Path | None = None  # the folder that keeps the files there were
    other_authority: bool = False  # PCs that were given the former authority do not trust the new certificate

    def recorded(self, did: str) -> dict[str, Any]:
        """What the audit log is told (acts/record_tls.py): what was done, and which certificate there is now."""
        server = self.after.server
        assert server is not None  # nothing is put in place without one
        return {
            "did": did,
            "names": list(server.names),
            "sha256": server.sha256,
            "until": server.ends.date().isoformat(),
            "other_authority": self.other_authority,
        }

    @property
    def names_lost(self) -> tuple[str, ...]:
        """Names by which PCs could reach the server and no longer can."""
        old = self.before.server.names if self.before.server else ()
        new = self.after.server.names if self.after.server else ()
        return tuple(name for name in old if not hosts.covers(new, name))


@dataclass(frozen=True)
class Given:
    """The organisation's own files."""

    certificate: Path  # the server's, with those between it and the authority
    key: Path
    authority: Path


def make(data: Path, office: str, names: tuple[str, ...], now: datetime) -> Change:
    """Make an authority and a server certificate for ``names`` (checked hosts, in the order they are shown).

    An authority that is there already, and is the deployment's own, is kept: an interrupted start made it.
    Raises :class:`Refused` or ``OSError``.
    """
    before = condition(data, now)
    if before.own:
        return renew(data, now, only=names)
    if before.files.there:
        raise Refused("tls.there_already", folder=before.files.folder)
    authority_key = new_key()
    authority = new_authority(office, authority_key, now)
    return _put(data, before, _issued(authority, authority_key, names, now), names, now)


def renew(
    data: Path,
    now: datetime,
    add: tuple[str, ...] = (),
    drop: tuple[str, ...] = (),
    only: tuple[str, ...] | None = None,
) -> Change:
    """A new certificate and key of the same authority: for the names there are, with ``add`` and without ``drop``, or
    for ``only``. PCs notice nothing. Raises :class:`Refused` or ``OSError``.
    """
    before = condition(data, now)
    files = before.files
    if not files.there:
        raise Refused("tls.none", folder=files.folder)
    if not before.own or before.authority is None:
        raise Refused("tls.not_own", folder=files.folder)
    present = before.server.names if before.server is not None else ()
    for name in drop:
        if name not in present:
            raise Refused("tls.not_a_name", host=name, names=", ".join(present))
    if only is None:
        only = (*(name for name in present if name not in drop), *add)
    names = hosts.all_checked(only)
    authority_pem = files.ca.read_bytes()
    authority = next(
        one for one in certificate.load(authority_pem, files.ca) if certificate.read(one, files.ca) == before.authority
    )
    authority_key = certificate.load_key(files.ca_key.read_bytes(), files.ca_key)
    if not isinstance(authority_key, ec.EllipticCurvePrivateKey):
        raise Refused("tls.not_own", folder=files.folder)
    contents = {**_issued(authority, authority_key, names, now), CA: authority_pem}
    return _put(data, before, contents, names, now)


def use(data: Path, given: Given, names: tuple[str, ...], now: datetime, other_authority: bool = False) -> Change:
    """Take the organisation's own certificate, key and authority; what was there is kept in a folder beside.

    ``names`` are hosts the certificate has to be for. Unless ``other_authority``, a certificate that PCs with the
    former authority would not trust is refused: all of them would lose the server. Raises :class:`Refused` or
    ``OSError``.
    """
    before = condition(data, now)
    files = Files(given.authority, data / folder.NAME / CA_KEY, given.certificate, given.key)
    after = sound(files, names, now)
    assert after.authority is not None and after.server is not None
    cut_off = False
    if before.authority is not None:
        host = after.server.name_to_try
        cut_off = trial.refusal(before.files.ca, given.certificate, given.key, host) is not None
        if cut_off and not other_authority:
            raise Refused("tls.other_authority", old=before.authority.title, new=after.authority.title)
    contents = {
        CA: certificate.pem_of(certificate.load(given.authority.read_bytes(), given.authority)),  # goes to every PC
        SERVER: certificate.pem_of(certificate.load(given.certificate.read_bytes(), given.certificate)),
        SERVER_KEY: key_pem(certificate.load_key(given.key.read_bytes(), given.key)),
    }
    former = folder.replace(data, contents, lambda new: _check(new, names, now), keep_former=True)
    return Change(before, condition(data, now), former, cut_off)


def sound(files: Files, names: tuple[str, ...], now: datetime) -> Condition:
    """What holds of these files, which PCs will trust and reach under all of ``names``.

    Raises :class:`Refused` where that is not so, or ``OSError``.
    """
    found = examined(files, now)
    for fault in found.faults:
        if fault.severe:
            raise Refused(fault.code, **fault.values)
    assert found.server is not None
    for name in names:
        if not hosts.covers(found.server.names, name):
            raise Refused("tls.not_for", host=name, names=", ".join(found.server.names))
    return found


def _issued(
    authority: x509.Certificate, authority_key: ec.EllipticCurvePrivateKey, names: tuple[str, ...], now: datetime
) -> dict[str, bytes]:
    """The four files."""
    key = new_key()
    server = issue(authority, authority_key, key.public_key(), names, now)
    return {
        CA: certificate.pem_of((authority,)),
        CA_KEY: key_pem(authority_key),
        SERVER: certificate.pem_of((server, authority)),
        SERVER_KEY: key_pem(key),
    }


def _put(data: Path, before: Condition, contents: Mapping[str, bytes], names: tuple[str, ...], now: datetime) -> Change:
    """Put the files there, once they have been tried."""
    folder.replace(data, contents, lambda new: _check(new, names, now))
    return Change(before, condition(data, now))


def _check(files: Files, names: tuple[str, ...], now: datetime) -> None:
    sound(files, names, now)
