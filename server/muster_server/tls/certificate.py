"""What a certificate says: for whom, by whom, until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import types
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from muster_server.tls import Refused

T = TypeVar("T", bound=x509.ExtensionType)


@dataclass(frozen=True)
class Certificate:
    """A certificate, read."""

    title: str  # its subject's common name, or the whole subject
    names: tuple[str, ...]  # DNS names in lower case, then addresses
    begins: datetime  # UTC
    ends: datetime  # UTC
    sha256: str  # fingerprint as openssl prints it: AB:CD:…
    authority: bool  # may sign other certificates
    for_servers: bool  # its extended key usage, if it has one, allows a server
    public: bytes  # its public key, DER

    @property
    def name_to_try(self) -> str:
        """A host the certificate is for, empty where it is for none."""
        return self.names[0].replace("*", "any", 1) if self.names else ""

    def days_left(self, now: datetime) -> int:
        """Whole days until it ends; negative once it has."""
        return (self.ends - now).days


def load(pem: bytes, path: object = "") -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM file, in its order. Raises :class:`Refused` when it holds none or a broken one."""
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except ValueError as error:
        raise Refused("tls.bad_certificate", path=path, error=str(error).splitlines()[0][:200]) from None


def load_all(pem: bytes, path: object = "") -> list[Certificate]:
    """What the certificates of a PEM file say, in its order; there is at least one. Raises :class:`Refused`."""
    return [read(one, path) for one in load(pem, path)]


def pem_of(certificates: tuple[x509.Certificate, ...]) -> bytes:
    """The certificates alone, as PEM: comments, and a key that stood among them, stay behind."""
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


def read(one: x509.Certificate, path: object = "") -> Certificate:
    """What the certificate says. Raises :class:`Refused` when its extensions cannot be read."""
    try:
        extensions = one.extensions
        names = _extension(extensions, x509.SubjectAlternativeName)
        basic = _extension(extensions, x509.BasicConstraints)
        purposes = _extension(extensions, x509.ExtendedKeyUsage)
        title = one.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return Certificate(
            title=str(title[0].value) if title else one.subject.rfc4514_string(),
            names=_names(names),
            begins=_moment(one, "not_valid_before"),
            ends=_moment(one, "not_valid_after"),
            sha256=one.fingerprint(hashes.SHA256()).hex(":").upper(),
            authority=basic is not None and basic.ca,
            for_servers=purposes is None or ExtendedKeyUsageOID.SERVER_AUTH in purposes,
            public=public_der(one.public_key()),
        )
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise Refused("tls.bad_certificate", path=path, error=str(error).splitlines()[0][:200]) from None


def public_der(key: types.CertificatePublicKeyTypes) -> bytes:
    """A public key as DER, to compare by."""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def load_key(pem: bytes, path: object = "") -> types.PrivateKeyTypes:
    """A private key without a passphrase. Raises :class:`Refused`."""
    try:
        return serialization.load_pem_private_key(pem, password=None)
    except TypeError:
        raise Refused("tls.key_locked", path=path) from None
    except Exception as error:  # ValueError, UnsupportedAlgorithm, and more of its back end
        raise Refused("tls.bad_key", path=path, error=str(error).splitlines()[0][:200]) from None


def fits(key: types.PrivateKeyTypes, one: Certificate) -> bool:
    """Whether the private key is that of the certificate."""
    public = key.public_key()
    return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo) == (
        one.public
    )


def _extension(extensions: x509.Extensions, kind: type[T]) -> T | None:
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _names(names: x509.SubjectAlternativeName | None) -> tuple[str, ...]:
    if names is None:
        return ()
    return (
        *(name.lower() for name in names.get_values_for_type(x509.DNSName)),
        *(str(address) for address in names.get_values_for_type(x509.IPAddress)),
    )


def _moment(one: x509.Certificate, name: str) -> datetime:
    # The names with _utc came with cryptography 42; 41 is allowed, and has the others only.
    found = getattr(one, name + "_utc", None)
    naive: datetime = getattr(one, name) if found is None else found
    return naive.replace(tzinfo=UTC)
