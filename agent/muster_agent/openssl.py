"""Ed25519 by the system's own OpenSSL, called directly: EVP_PKEY_new(3), EVP_DigestSign(3), EVP_DigestVerify(3).

The library ``cryptography`` calls the same functions, and to load it takes a tenth of a run and a fifth of its memory.
keys.py falls back on it where OpenSSL cannot be called in this way: on Windows and macOS, which bring none, and where
a hardened system does not allow ctypes.
"""

from __future__ import annotations

import functools
import os
import sys
from typing import Any

SONAMES = ("libcrypto.so.3", "libcrypto.so.1.1")  # before 1.1.1 there was no Ed25519
ED25519 = 1087  # NID_ED25519 of obj_mac.h
PUBLIC, SIGNATURE = 32, 64  # bytes
FUNCTIONS = (
    "EVP_PKEY_new_raw_private_key",
    "EVP_PKEY_new_raw_public_key",
    "EVP_PKEY_get_raw_public_key",
    "EVP_MD_CTX_new",
    "EVP_DigestSignInit",
    "EVP_DigestSign",
    "EVP_DigestVerifyInit",
    "EVP_DigestVerify",
    "EVP_MD_CTX_free",
    "EVP_PKEY_free",
    "ERR_clear_error",
)


@functools.lru_cache(maxsize=None)
def library() -> Any:
    """OpenSSL's libcrypto, the one this Python has loaded already where it has; None when there is none to be had."""
    if sys.platform != "linux":
        return None
    try:
        import ctypes

        for mode in (os.RTLD_NOW | os.RTLD_NOLOAD, os.RTLD_NOW):
            for name in SONAMES:
                try:
                    return _declared(ctypes.CDLL(name, mode))
                except (OSError, AttributeError):  # not there, or older than its name says
                    continue
    except (ImportError, MemoryError):  # SELinux may forbid what ctypes does when it is loaded
        pass
    return None


def _declared(libcrypto: Any) -> Any:
    """``libcrypto`` with what our functions take and give. Raises ``AttributeError`` when it lacks one."""
    import ctypes

    pointer, size, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    libcrypto.EVP_PKEY_new_raw_private_key.argtypes = (number, pointer, ctypes.c_char_p, size)
    libcrypto.EVP_PKEY_new_raw_public_key.argtypes = (number, pointer, ctypes.c_char_p, size)
    libcrypto.EVP_PKEY_get_raw_public_key.argtypes = (pointer, pointer, pointer)
    libcrypto.EVP_MD_CTX_new.argtypes = ()
    libcrypto.EVP_DigestSignInit.argtypes = libcrypto.EVP_DigestVerifyInit.argtypes = (pointer,) * 5
    libcrypto.EVP_DigestSign.argtypes = (pointer, pointer, pointer, ctypes.c_char_p, size)
    libcrypto.EVP_DigestVerify.argtypes = (pointer, ctypes.c_char_p, size, ctypes.c_char_p, size)
    for name in FUNCTIONS:
        function = getattr(libcrypto, name)
        function.restype = pointer if "_new" in name else None if name.endswith(("_free", "_error")) else number
    for name in ("EVP_MD_CTX_free", "EVP_PKEY_free"):
        getattr(libcrypto, name).argtypes = (pointer,)
    return libcrypto


def available() -> bool:
    """Whether Ed25519 can be had here."""
    return library() is not None


class _Held:
    """A key and a context of OpenSSL, given back at the end of a with block. Raises ``ValueError`` for a bad key."""

    def __init__(self, raw: bytes, private: bool) -> None:
        self.library = library()
        make = self.library.EVP_PKEY_new_raw_private_key if private else self.library.EVP_PKEY_new_raw_public_key
        self.key = make(ED25519, None, raw, len(raw))
        self.context = self.library.EVP_MD_CTX_new()
        if not self.key or not self.context:
            self.__exit__()
            raise ValueError("OpenSSL takes no such Ed25519 key")

    def __enter__(self) -> _Held:
        return self

    def __exit__(self, *failure: object) -> None:
        self.library.EVP_MD_CTX_free(self.context)
        self.library.EVP_PKEY_free(self.key)
        # An error that is left behind would be taken for one of the next TLS connection.
        self.library.ERR_clear_error()


def public_of(private: bytes) -> bytes:
    """The public half of a private key, both raw (RFC 8032). Raises ``ValueError``."""
    import ctypes

    with _Held(private, private=True) as held:
        made, size = ctypes.create_string_buffer(PUBLIC), ctypes.c_size_t(PUBLIC)
        if held.library.EVP_PKEY_get_raw_public_key(held.key, made, ctypes.byref(size)) != 1 or size.value != PUBLIC:
            raise ValueError("OpenSSL makes no public key of it")
        return made.raw


def sign(private: bytes, data: bytes) -> bytes:
    """The signature over ``data``. Raises ``ValueError``."""
    import ctypes

    with _Held(private, private=True) as held:
        made, size = ctypes.create_string_buffer(SIGNATURE), ctypes.c_size_t(SIGNATURE)
        well = held.library.EVP_DigestSignInit(held.context, None, None, None, held.key) == 1
        well = well and held.library.EVP_DigestSign(held.context, made, ctypes.byref(size), data, len(data)) == 1
        if not well or size.value != SIGNATURE:
            raise ValueError("OpenSSL does not sign")
        return made.raw


def verify(public: bytes, signature: bytes, data: bytes) -> bool:
    """Whether ``signature`` over ``data`` was made with the other half of ``public``. Raises ``ValueError``."""
    with _Held(public, private=False) as held:
        if held.library.EVP_DigestVerifyInit(held.context, None, None, None, held.key) != 1:
            raise ValueError("OpenSSL does not verify")
        return bool(held.library.EVP_DigestVerify(held.context, signature, len(signature), data, len(data)) == 1)
