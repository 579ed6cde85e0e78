"""The signed statements: exact bytes, one reading of them, and nothing else taken for one."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from muster_agent.sending.envelope import FIRST, Envelope, Malformed, Receipt
from muster_agent.sending.keys import SigningKey, key_id, verify

ENVELOPE = Envelope(
    agent="0b6a4c1e-52e9-4a50-9d0c-1f3f4f1b7a11",
    key="0123456789abcdef",
    seq=7,
    previous=FIRST,
    boot="5b1f0e3a-0000-4000-8000-000000000000",
    collected_at="2026-11-24T08:45:10Z",
    encoding="gzip",
    body="ab" * 32,
)
RECEIPT = Receipt(ENVELOPE.agent, 7, "cd" * 32, "2026-11-24T08:45:11.000001Z", 99, "ef" * 32)


@pytest.mark.parametrize("statement", [ENVELOPE, RECEIPT], ids=["envelope", "receipt"])
def test_a_statement_reads_back_from_its_bytes(statement: Envelope | Receipt) -> None:
    assert type(statement).parse(statement.to_bytes()) == statement


def test_one_kind_is_never_taken_for_another() -> None:
    with pytest.raises(Malformed, match="kind"):
        Envelope.parse(RECEIPT.to_bytes())
    with pytest.raises(Malformed, match="kind"):
        Receipt.parse(ENVELOPE.to_bytes())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("agent", "../../etc/passwd"),
        ("agent", ENVELOPE.agent.upper()),
        ("agent", ENVELOPE.agent + "\n"),
        ("key", "0123"),
        ("seq", "0"),
        ("seq", "-1"),
        ("seq", "01"),
        ("seq", "٣"),
        ("seq", "9" * 19),
        ("previous", "AB" * 32),
        ("boot", ""),
        ("boot", "a b"),
        ("collected_at", "2026-11-24 08:45:10Z"),
        ("collected_at", "2026-11-24T08:45:10"),
        ("encoding", "identity"),
        ("body", "ab" * 31),
    ],
)
def test_B38_a_field_of_another_form_is_refused_by_name(field: str, value: str) -> None:
    data = "\n".join(
        [
            Envelope.KIND,
            *(value if name == field else str(getattr(ENVELOPE, name)) for name, _ in Envelope._PATTERNS),
            "",
        ]
    ).encode()
    with pytest.raises(Malformed):
        Envelope.parse(data)


@pytest.mark.parametrize("data", [b"", b"\n", ENVELOPE.to_bytes() + b"x\n", ENVELOPE.to_bytes()[:-1], b"\xff\n"])
def test_bytes_around_a_statement_are_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        Envelope.parse(data)


def test_the_digest_is_that_of_the_signed_bytes() -> None:
    assert ENVELOPE.digest != replace(ENVELOPE, seq=8).digest


def test_a_key_file_is_its_owners_alone_and_never_replaced(tmp_path: Path) -> None:
    key = SigningKey.generate()
    path = tmp_path / "key.pem"
    key.save(str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        SigningKey.generate().save(str(path))
    loaded = SigningKey.load(str(path))
    assert (loaded.public, loaded.id) == (key.public, key_id(key.public))


def test_a_signature_holds_for_its_own_bytes_and_key_only() -> None:
    key = SigningKey.generate()
    signature = key.sign(b"said")
    assert verify(key.public, signature, b"said")
    assert not verify(key.public, signature, b"Said")
    assert not verify(SigningKey.generate().public, signature, b"said")
    assert not verify(key.public, signature[:-1], b"said")
    assert not verify(b"short", signature, b"said")


def test_a_file_that_holds_another_kind_of_key_is_refused(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import x25519

    pem = x25519.X25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "key.pem").write_bytes(pem)
    with pytest.raises(ValueError, match="Ed25519"):
        SigningKey.load(str(tmp_path / "key.pem"))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_alone_verifies_a_signed_envelope(tmp_path: Path) -> None:
    key = SigningKey.generate()
    key.save(str(tmp_path / "key.pem"))
    (tmp_path / "envelope").write_bytes(ENVELOPE.to_bytes())
    (tmp_path / "signature").write_bytes(key.sign(ENVELOPE.to_bytes()))

    def openssl(*words: str) -> int:
        return subprocess.run(["openssl", *words], cwd=tmp_path, capture_output=True, timeout=30).returncode

    assert openssl("pkey", "-in", "key.pem", "-pubout", "-out", "public.pem") == 0
    check = (
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        "public.pem",
        "-rawin",
        "-sigfile",
        "signature",
        "-in",
        "envelope",
    )
    assert openssl(*check) == 0
    (tmp_path / "envelope").write_bytes(ENVELOPE.to_bytes().replace(b"\n7\n", b"\n8\n"))
    assert openssl(*check) != 0
