"""The two ways to Ed25519 are one: OpenSSL called directly, and the library that wraps it."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from muster_agent import keys, openssl
from muster_agent.keys import BEGIN, END, SigningKey, _Cryptography

WAYS: list[Any] = [_Cryptography()]
if sys.platform == "linux":
    WAYS.append(openssl)
# RFC 8032, section 7.1, tests 1 to 3: private key, public key, message, signature.
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.skipif(sys.platform != "linux", reason="Windows and macOS bring no OpenSSL of their own")
def test_openssl_is_to_be_had_here() -> None:
    assert openssl.available()
    assert keys._library is openssl


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("vector", VECTORS)
def test_the_examples_of_the_standard_come_out(way: Any, vector: tuple[str, str, str, str]) -> None:
    private, public, message, signature = map(bytes.fromhex, vector)
    assert way.public_of(private) == public
    assert way.sign(private, message) == signature
    assert way.verify(public, signature, message)


@pytest.mark.parametrize("signing", WAYS)
@pytest.mark.parametrize("checking", WAYS)
def test_what_one_signs_the_other_verifies_and_nothing_else(signing: Any, checking: Any) -> None:
    private, data = os.urandom(32), os.urandom(3000)
    public, signature = signing.public_of(private), signing.sign(private, data)
    assert checking.verify(public, signature, data)
    for place in range(0, 64, 7):
        assert not checking.verify(public, damaged(signature, place), data)
    assert not checking.verify(public, signature, damaged(data, 1500))
    assert not checking.verify(checking.public_of(os.urandom(32)), signature, data)
    assert not checking.verify(public, signature[:-1], data)
    assert not checking.verify(public, signature + b"\0", data)
    assert not checking.verify(public, b"", data)


def damaged(data: bytes, place: int) -> bytes:
    """``data`` with one bit turned over."""
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [0, 31, 33, 57])
def test_what_is_no_key_is_refused(way: Any, size: int) -> None:
    with pytest.raises(ValueError, match=r"."):
        way.public_of(bytes(size))
    with pytest.raises(ValueError, match=r"."):
        way.sign(bytes(size), b"")
    with pytest.raises(ValueError, match=r"."):
        way.verify(bytes(size), bytes(64), b"")
    assert not keys.verify(bytes(size), bytes(64), b"")


@pytest.mark.skipif(sys.platform != "linux", reason="needs OpenSSL")
def test_a_refusal_leaves_no_error_for_the_next_connection() -> None:
    assert not keys.verify(SigningKey.generate().public, bytes(64), b"said")
    assert not keys.verify(b"short", bytes(64), b"said")
    assert ssl.MemoryBIO().read() == b""
    assert openssl.library().ERR_peek_last_error() == 0


def test_a_key_of_the_library_is_read_and_ours_is_its(tmp_path: Path) -> None:
    theirs = ed25519.Ed25519PrivateKey.generate()
    pem = theirs.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "theirs.pem").write_bytes(pem)
    ours = SigningKey.load(str(tmp_path / "theirs.pem"))
    assert ours.public == theirs.public_key().public_bytes_raw()
    ours.save(str(tmp_path / "ours.pem"))
    assert (tmp_path / "ours.pem").read_bytes() == pem


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_a_key_that_openssl_made_is_read(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", path], check=True, timeout=30)
    key = SigningKey.load(str(path))
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))  # an editor of Windows
    assert SigningKey.load(str(path)).public == key.public


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"\n",
        BEGIN,
        b"%s\n%s\n" % (BEGIN, END),
        b"%s\nMC4CAQAwBQYDK2Vw\n%s\n" % (BEGIN, END),
        b"%s\n%s\n%s\n" % (BEGIN, b"A" * 64, END),
        b"%s\n\xff\xfe%s\n%s\n" % (BEGIN, b"A" * 62, END),
        b"A" * 100_000,
    ],
)
def test_a_damaged_key_file_is_refused(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "key.pem").write_bytes(damage)
    with pytest.raises(ValueError, match="Ed25519"):
        SigningKey.load(str(tmp_path / "key.pem"))


WITHOUT = """
import sys
sys.modules["ctypes"] = None
from muster_agent import keys, openssl
key = keys.SigningKey(bytes(32))
signature = key.sign(b"said")
print(openssl.available(), keys.verify(key.public, signature, b"said"), keys.verify(key.public, bytes(64), b"said"))
"""


def test_a_system_that_forbids_ctypes_signs_by_the_library() -> None:
    agent = str(Path(keys.__file__).parents[1])
    code = f"import sys; sys.path.insert(0, {agent!r})" + WITHOUT
    run = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, timeout=60, check=True)
    assert run.stdout.split() == [b"False", b"True", b"False"]
