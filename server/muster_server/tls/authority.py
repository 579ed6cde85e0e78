"""Makes a certificate authority, and server certificates of it.

Elliptic keys on P-256 and SHA-256, which the OpenSSL 1.1.1 of the oldest PCs (Windows 7, UOS 20) takes as well as the
newest; with all the identifiers that OpenSSL's strict checking, the default from Python 3.13 on, asks for.
"""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from muster_server.tls import Refused
from muster_server.tls.certificate import read

CA_DAYS = 3652  # ten years: PCs carry the authority in their package
SERVER_DAYS = 397  # what browsers allow for a server's certificate
# The clocks of PCs differ from the server's: dual-boot systems by the eight hours of the time zone, others by more.
EARLIER = timedelta(days=1)
LONGEST_TEXT = 64  # characters of a common name or an organisation (RFC 5280 appendix A)

# Each bit is named, since the library has no defaults for them.
_NO_USAGE = dict.fromkeys(
    (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ),
    False,
)


def new_key() -> ec.EllipticCurvePrivateKey:
    """A new private key."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: PrivateKeyTypes) -> bytes:
    """A private key as PEM, without a passphrase: the server has to start without a person."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def new_authority(office: str, key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    """The certificate of a new authority, signed by its own ``key``; ``office`` stands in its name."""
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    # Two authorities never bear one name, so that a PC that knows both never takes one for the other.
    title = f"Muster CA {identifier.digest.hex()[:8]}"
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, office[:LONGEST_TEXT]),
            x509.NameAttribute(NameOID.COMMON_NAME, title),
        ]
    )
    begins = now - EARLIER
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=CA_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    return builder.sign(key, hashes.SHA256())


def issue(
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePublicKey,
    hosts: tuple[str, ...],
    now: datetime,
) -> x509.Certificate:
    """A server certificate for ``hosts``. It never outlives the authority; :class:`Refused` once that has ended."""
    begins = now - EARLIER
    last = read(authority).ends
    if last <= now:
        raise Refused("tls.ca_expired", until=last.date())
    title = next((host for host in hosts if len(host) <= LONGEST_TEXT), "Muster")
    identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)]))
        .issuer_name(authority.subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(min(begins + timedelta(days=SERVER_DAYS), last))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general(host) for host in hosts]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    return builder.sign(authority_key, hashes.SHA256())


def _usage(**bits: bool) -> x509.KeyUsage:
    return x509.KeyUsage(**{**_NO_USAGE, **bits})


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
