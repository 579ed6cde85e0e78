"""Ed25519 keys: the PC signs its reports with one, the server its receipts with another.

The only module that may need the library ``cryptography`` (2.6 or newer), where OpenSSL cannot be called directly
(openssl.py); collecting and printing do without both.
"""

from __future__ import annotations

import base64
import binascii
import errno
import os
from typing import Any

from muster_agent import openssl
from muster_agent.canonical import digest

# RFC 8410, section 7: a private key is these bytes and 32 more.
PKCS8 = bytes.fromhex("302e020100300506032b657004220420")
BEGIN, END = b"-----BEGIN PRIVATE KEY-----", b"-----END PRIVATE KEY-----"
LIMIT = 64 * 1024  # bytes of a key file; one has 119


class _Cryptography:
    """What openssl.py does, by the library ``cryptography``. Raises ``ImportError`` where that is missing."""

    def __init__(self) -> None:
        import warnings

        with warnings.catch_warnings():
            # It warns of old Pythons, which these PCs have to live with, at every run and so every day in the journal.
            warnings.simplefilter("ignore")
            from cryptography.exceptions import InvalidSignature
            from cryptography.hazmat.primitives import serialization
            from cryptography.hazmat.primitives.asymmetric import ed25519
        self._invalid: Any = InvalidSignature
        self._raw = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self._ed25519 = ed25519

    def public_of(self, private: bytes) -> bytes:
        """The public half of a private key."""
        return self._ed25519.Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes(*self._raw)

    def sign(self, private: bytes, data: bytes) -> bytes:
        """The signature over ``data``."""
        return self._ed25519.Ed25519PrivateKey.from_private_bytes(private).sign(data)

    def verify(self, public: bytes, signature: bytes, data: bytes) -> bool:
        """Whether ``signature`` was made with the other half of ``public``."""
        try:
            self._ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
        except self._invalid:
            return False
        return True


# Here and not at the first signature: who imports this module learns at once that nothing can be signed.
_library: Any = openssl if openssl.available() else _Cryptography()


def key_id(public: bytes) -> str:
    """The name of a key: the first 16 hexadecimal digits of the SHA-256 of its 32 public bytes."""
    return digest(public)[:16]


def verify(public: bytes, signature: bytes, data: bytes) -> bool:
    """Whether ``signature`` over ``data`` was made with the key whose public half is ``public`` (32 raw bytes)."""
    try:
        return bool(_library.verify(public, signature, data))
    except ValueError:
        return False


class SigningKey:
    """A private key in memory."""

    def __init__(self, private: bytes) -> None:
        """``private`` is the raw key (RFC 8032). Raises ``ValueError``."""
        self._private = private
        self.public: bytes = _library.public_of(private)

    @property
    def id(self) -> str:
        """The name of the key."""
        return key_id(self.public)

    @classmethod
    def generate(cls) -> SigningKey:
        """A new key: any 32 random bytes are one."""
        return cls(os.urandom(32))

    @classmethod
    def load(cls, path: str) -> SigningKey:
        """Read a key file. Raises ``OSError``, or ``ValueError`` when it is not an Ed25519 key."""
        with open(path, "rb") as file:
            begin, _, rest = file.read(LIMIT).strip().partition(b"\n")
        text, _, end = rest.rpartition(b"\n")
        try:
            data = base64.b64decode(b"".join(text.split()), validate=True)
        except binascii.Error:
            data = b""
        if (begin.strip(), end.strip()) != (BEGIN, END) or len(data) != 48 or not data.startswith(PKCS8):
            raise ValueError(f"{path} is not an Ed25519 key")
        return cls(data[len(PKCS8) :])

    def save(self, path: str) -> None:
        """Write the key to a new file that only its owner can read; whole, or not at all.

        Raises ``FileExistsError``: no key is replaced.
        """
        pem = b"\n".join((BEGIN, base64.b64encode(PKCS8 + self._private), END, b""))
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        unfinished = path + ".new"
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0), 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        os.rename(unfinished, path)

    def sign(self, data: bytes) -> bytes:
        """The signature over ``data`` (64 bytes)."""
        return bytes(_library.sign(self._private, data))
