"""Ed25519 keys: the PC signs its reports with one, the server its receipts with another.

The only module that needs the library ``cryptography`` (2.6 or newer); collecting and printing do without it.
"""

from __future__ import annotations

import errno
import os
import warnings

with warnings.catch_warnings():
    # The library warns of old Pythons, which these PCs have to live with, at every run and so every day in the journal.
    warnings.simplefilter("ignore")
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.backends import default_backend
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from muster_agent.canonical import digest


def key_id(public: bytes) -> str:
    """The name of a key: the first 16 hexadecimal digits of the SHA-256 of its 32 public bytes."""
    return digest(public)[:16]


def verify(public: bytes, signature: bytes, data: bytes) -> bool:
    """Whether ``signature`` over ``data`` was made with the key whose public half is ``public`` (32 raw bytes)."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


class SigningKey:
    """A private key in memory."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public: bytes = private.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )

    @property
    def id(self) -> str:
        """The name of the key."""
        return key_id(self.public)

    @classmethod
    def generate(cls) -> SigningKey:
        """A new key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, path: str) -> SigningKey:
        """Read a key file. Raises ``OSError``, or ``ValueError`` when it is not an Ed25519 key."""
        with open(path, "rb") as file:
            private = serialization.load_pem_private_key(file.read(), password=None, backend=default_backend())
        if not isinstance(private, Ed25519PrivateKey):
            raise ValueError(f"{path} is not an Ed25519 key")
        return cls(private)

    def save(self, path: str) -> None:
        """Write the key to a new file that only its owner can read; whole, or not at all.

        Raises ``FileExistsError``: no key is replaced.
        """
        pem = self._private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
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
        return bytes(self._private.sign(data))
