"""What is said of the files: for whom, until when, and everything that PCs would not take."""

from __future__ import annotations

import shutil
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from muster_server.tls.acts import Change
from muster_server.tls.condition import CA_SOON, SOON, Condition, condition
from muster_server.words import Words


def codes(found: Condition) -> list[str]:
    """What is wrong. Each is worded in both languages."""
    for fault in found.faults:
        for lang in ("zh", "en"):
            assert Words(lang)(fault.code, **fault.values)
            Words(lang).maybe(fault.code + "_advice", "", **fault.values)
    return [fault.code.removeprefix("tls.fault.") for fault in found.faults]


def test_a_sound_one(made: Change, data: Path, now: datetime) -> None:
    found = condition(data, now)
    assert (found.sound, found.own, found.faults, found.days_left) == (True, True, (), 395)
    assert found.server is not None and found.authority is not None
    assert set(found.server.names) == {"muster.office.lan", "localhost", "10.0.0.5", "127.0.0.1", "::1"}
    assert found.authority.title.startswith("Muster CA ")


def test_none_at_all_is_no_severe_fault(data: Path, now: datetime) -> None:
    found = condition(data, now)
    assert (codes(found), found.sound, found.faults[0].severe) == (["missing"], False, False)


def test_it_warns_in_time_and_says_when_it_is_over(made: Change, data: Path) -> None:
    assert made.after.server is not None and made.after.authority is not None
    ends, last = made.after.server.ends, made.after.authority.ends
    assert codes(condition(data, ends - timedelta(days=SOON))) == []
    soon = condition(data, ends - timedelta(days=SOON, seconds=-1))
    assert (codes(soon), soon.sound, soon.days_left) == (["ends_soon"], True, SOON - 1)
    over = condition(data, ends)
    assert (codes(over), over.sound) == (["expired"], False)
    assert codes(condition(data, made.after.server.begins - timedelta(seconds=1))) == ["not_yet"]
    assert codes(condition(data, last - timedelta(days=CA_SOON - 1))) == ["ca_ends_soon", "expired"]
    assert codes(condition(data, last)) == ["ca_expired", "expired"]


@pytest.mark.parametrize("name", ["ca.pem", "server.pem", "server-key.pem"])
def test_a_file_that_is_lost_or_damaged(name: str, made: Change, data: Path, now: datetime) -> None:
    path = data / "tls" / name
    path.write_bytes(b"no PEM")
    found = condition(data, now)
    assert codes(found) == ["tls.bad_key" if "key" in name else "tls.bad_certificate"]
    assert not found.sound
    path.write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    assert not condition(data, now).sound
    path.unlink()
    found = condition(data, now)
    assert (codes(found), found.sound) == (["no_file"], False)


def test_files_that_do_not_belong_together(made: Change, data: Path, now: datetime, organisation: Any) -> None:
    other = organisation.server()
    files = made.after.files
    kept = files.server_key.read_bytes()
    shutil.copyfile(other.key, files.server_key)
    assert codes(condition(data, now)) == ["other_key"]
    files.server_key.write_bytes(kept)
    ca = files.ca.read_bytes()
    shutil.copyfile(other.authority, files.ca)
    found = condition(data, now)
    assert (codes(found), found.own) == (["other_ca_key", "untrusted"], False)
    files.ca.write_bytes(other.authority.read_bytes() + ca)
    found = condition(data, now)
    assert (codes(found), found.own) == ([], True), "both authorities, while PCs change from one to the other"


def test_a_key_that_others_can_read(made: Change, data: Path, now: datetime) -> None:
    for name in ("ca-key.pem", "server-key.pem"):
        path = data / "tls" / name
        path.chmod(0o640)
        found = condition(data, now)
        assert (codes(found), found.sound) == (["exposed"], False)
        path.chmod(0o600)


def test_a_key_behind_a_passphrase_does_not_ask_for_it(made: Change, data: Path, now: datetime) -> None:
    from cryptography.hazmat.primitives import serialization

    path = data / "tls" / "server-key.pem"
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    locked = serialization.BestAvailableEncryption(b"secret")
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, locked)
    )
    assert codes(condition(data, now)) == ["tls.key_locked"]


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"hosts": ()}, "no_names"),
        ({"purpose": "client"}, "not_for_servers"),
        ({"days": (-9, -1)}, "expired"),
        ({"days": (1, 9)}, "not_yet"),
        ({"ca": True, "purpose": None}, "untrusted"),
        ({"by": None}, "untrusted"),
    ],
)
def test_an_organisations_certificate_that_pcs_would_refuse(
    how: dict[str, Any], code: str, made: Change, data: Path, now: datetime, organisation: Any, bad_tls: Any
) -> None:
    if how.get("purpose") == "client":
        how = {**how, "purpose": bad_tls.CLIENT}
    given = organisation.server(**how)
    files = made.after.files
    for source, target in (
        (given.certificate, files.server),
        (given.key, files.server_key),
        (given.authority, files.ca),
    ):
        shutil.copyfile(source, target)
    files.ca_key.unlink()
    found = condition(data, now)
    assert [fault.code for fault in found.faults if fault.severe] == ["tls.fault." + code]
    assert code in codes(found)
    assert not found.sound


def test_one_between_that_is_missing_is_found(made: Change, data: Path, now: datetime, organisation: Any) -> None:
    given = organisation.server()
    files = made.after.files
    files.ca_key.unlink()
    shutil.copyfile(given.certificate, files.server)
    shutil.copyfile(given.key, files.server_key)
    shutil.copyfile(given.authority, files.ca)
    found = condition(data, now)
    assert (codes(found), found.own) == ([], False)
    alone = given.certificate.read_text().partition("-----END CERTIFICATE-----\n")
    files.server.write_text(alone[0] + alone[1])
    assert "untrusted" in codes(condition(data, now))


def test_a_key_that_openssl_finds_too_short(made: Change, data: Path, now: datetime, tmp_path: Path) -> None:
    files = made.after.files
    line = ["openssl", "req", "-x509", "-newkey", "rsa:1024", "-nodes", "-subj", "/CN=a", "-days", "99"]
    line += ["-addext", "subjectAltName=DNS:a.lan", "-keyout", str(files.server_key), "-out", str(files.server)]
    subprocess.run(line, check=True, capture_output=True, timeout=60)
    shutil.copyfile(files.server, files.ca)
    files.ca_key.unlink()
    found = condition(data, now)
    assert [fault.code for fault in found.faults if fault.severe] == ["tls.fault.untrusted"]
    assert "TOO_SMALL" in str(found.faults[-1].values["error"])
