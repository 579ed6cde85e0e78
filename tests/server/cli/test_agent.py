"""muster agent package: what is made, what is checked before, and what every mistake is told."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

ENVIRONMENT = {**os.environ, "MUSTER_LANG": "en", "COLUMNS": "100"}
ENVIRONMENT.pop("MUSTER_DATA", None)
URL = "https://muster.office.lan:8470"


def muster(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command muster."""
    line = [sys.executable, "-m", "muster_server", *map(str, words)]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, env={**ENVIRONMENT, **environment})


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate with its key beside it."""
    folder = tmp_path_factory.mktemp("tls")
    line = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9"]
    subprocess.run(
        [*line, "-subj", "/CN=muster", "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")],
        check=True,
        capture_output=True,
    )
    return folder / "cert.pem"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A deployment."""
    folder = tmp_path / "data"
    assert muster("--data", folder, "init", "--host", "muster.office.lan").returncode == 0
    return folder


def token(data: Path, *words: str, unit: str = "Finance") -> str:
    """A token of the deployment."""
    return muster("--data", data, "token", "--unit", unit, *words).stdout.strip()


def clear(done: subprocess.CompletedProcess[str], code: int, *said: str) -> None:
    """The command failed in a clear line, with that exit code, and made nothing."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    for word in said:
        assert word in done.stderr
    assert "made" not in done.stdout


def test_a_package_is_made_named_and_its_digest_is_right(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "dist"
    words = ["--data", data, "agent", "package", "--server", URL + "/", "--unit", "Finance"]
    done = muster(*words, "--token", token(data, "--uses", "30"), "--for", "deb", "--for", "rpm", "--out", out)
    assert done.returncode == 0, done.stderr
    made = re.findall(r"^made (.+) \(([\d,]+) kB\)\n  sha256 ([0-9a-f]{64})$", done.stdout, re.MULTILINE)
    assert [Path(path).suffix for path, _, _ in made] == [".deb", ".rpm"]
    for path, _, digest in made:
        assert hashlib.sha256(Path(path).read_bytes()).hexdigest() == digest
        assert Path(path).stat().st_mode & 0o777 == 0o600, "it holds the token"
    assert "dpkg -i" in done.stdout and "dnf install" in done.stdout
    assert "30 more PC(s)" in done.stderr
    assert not list(out.glob("*.new"))


def test_what_the_deployment_knows_goes_in(data: Path, tmp_path: Path) -> None:
    words = ["--data", data, "agent", "package", "--server", URL, "--unit", "Finance"]
    file = tmp_path / "t.txt"
    muster("--data", data, "token", "--unit", "Finance", "--output", file)
    assert muster(*words, "--token-file", file, "--for", "pyz", "--out", tmp_path).returncode == 0
    with zipfile.ZipFile(next(tmp_path.glob("*.pyz"))) as archive:
        conf = archive.read("muster_agent/provided/agent.conf").decode()
        assert archive.read("muster_agent/provided/ca.pem") == (data / "tls" / "ca.pem").read_bytes()
        assert archive.read("muster_agent/provided/token").strip() == file.read_bytes().strip()
    assert re.search(r'"server_key": "[0-9a-f]{64}"', conf)


def test_without_a_deployment_it_says_what_was_not_checked(authority: Path, tmp_path: Path) -> None:
    words = ["agent", "package", "--server", URL, "--unit", "Finance", "--token", "x", "--for", "pyz"]
    done = muster(*words, "--ca", authority, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "the token is not checked" in done.stderr
    assert muster(*words, "--system-ca", "--out", tmp_path).returncode == 0


def test_a_token_that_would_fail_on_the_pcs_is_refused_here(data: Path, tmp_path: Path) -> None:
    def package(given: str, unit: str = "Finance") -> subprocess.CompletedProcess[str]:
        words = ["--data", data, "agent", "package", "--server", URL, "--unit", unit]
        return muster(*words, "--token", given, "--for", "deb", "--out", tmp_path)

    import sqlite3

    good = token(data)
    clear(package("never-issued"), 2, "not issued by the deployment", "muster token")
    clear(package(good, "Legal"), 2, "for Finance, not for Legal")
    for change in ("uses_left = 0", "uses_left = 1, expires_at = '2020-01-01T00:00:00.000000Z'"):
        connection = sqlite3.connect(data / "muster.db")
        connection.execute(f"UPDATE tokens SET {change}")
        connection.commit()
        connection.close()
        clear(package(good), 2, "used up or has expired", "muster token --unit Finance")


def test_an_authority_that_pcs_would_not_reach_the_server_with_is_refused(
    data: Path, authority: Path, tmp_path: Path
) -> None:
    given = token(data)

    def package(*words: str | Path, server: str = URL) -> subprocess.CompletedProcess[str]:
        line = ["--data", data, "agent", "package", "--server", server, "--unit", "Finance", "--token", given]
        return muster(*line, "--for", "pyz", "--out", tmp_path / "out", *words)

    clear(
        package(server="https://elsewhere.lan:8470"), 2, "elsewhere.lan", "muster.office.lan", "renew --host elsewhere"
    )
    clear(package("--system-ca", server="https://elsewhere.lan:8470"), 2, "is for: muster.office.lan")
    clear(package("--ca", authority), 2, str(authority), "is not the CA that issued", "--proxy")
    clear(package("--proxy"), 2, "--proxy goes with --ca or --system-ca")
    assert not (tmp_path / "out").exists()
    for words in (("--ca", data / "tls" / "ca.pem"), ("--system-ca",), ("--proxy", "--ca", authority)):
        assert package(*words).returncode == 0
    assert package("--proxy", "--ca", authority, server="https://proxy.lan").returncode == 0
    for address in (
        "https://[::1]:8470",
        "https://[0:0:0:0:0:0:0:1]",
        "https://MUSTER.office.lan",
        "https://127.0.0.1:1",
    ):
        assert package(server=address).returncode == 0, address
    (data / "tls" / "ca.pem").write_bytes(authority.read_bytes())
    clear(package(), 5, "is not trusted")
    (data / "tls" / "ca.pem").unlink()
    clear(package(), 5, "there is no file", "backup")
    (data / "tls").rename(data / "away")
    clear(package(), 2, "needs its CA certificate")


def test_a_certificate_that_has_ended_is_refused_and_one_that_soon_will_is_said(
    data: Path, tmp_path: Path, bad_tls: Any
) -> None:
    line = ["--data", data, "agent", "package", "--server", URL, "--unit", "Finance", "--token", token(data)]
    ca = bad_tls.issued(tmp_path, "ca", hosts=(), purpose=None, ca=True, days=(-1, 999))
    (data / "tls" / "ca-key.pem").unlink()
    (data / "tls" / "ca.pem").write_bytes(ca.pem.read_bytes())
    for days, code, said in (((-9, -1), 5, "PCs refuse it"), ((1, 9), 5, "clock"), ((-1, 9), 0, "ends in 8 days")):
        pair = bad_tls.issued(tmp_path, "server", ca, hosts=("muster.office.lan",), days=days)
        (data / "tls" / "server.pem").write_bytes(pair.pem.read_bytes())
        (data / "tls" / "server-key.pem").write_bytes(pair.key_pem.read_bytes())
        done = muster(*line, "--for", "pyz", "--out", tmp_path / "out")
        assert (done.returncode, said in done.stderr) == (code, True), done.stderr


def test_every_mistake_has_its_clear_line(authority: Path, tmp_path: Path) -> None:
    def package(*words: str | Path, server: str = URL) -> subprocess.CompletedProcess[str]:
        return muster("agent", "package", "--server", server, "--unit", "x", "--out", tmp_path / "out", *words)

    ca = ("--ca", authority)
    good = (*ca, "--token", "t", "--for")
    clear(package(*good, "exe"), 2, "'exe'")
    clear(package(*ca, "--token", "t"), 2, "--for")
    clear(package(*good, "deb", server="muster.office.lan"), 2, "not the address of a server", "https://")
    clear(package(*good, "deb", server="http://muster.office.lan:8470"), 2, "https is needed")
    clear(package("--token", "t", "--for", "deb"), 2, "needs its CA certificate", "--ca", "--system-ca")
    clear(package(*good, "deb", "--system-ca"), 2, "exclude each other")
    clear(package(*ca, "--for", "deb"), 2, "--token or --token-file", "muster token")
    clear(package(*good, "deb", "--token-file", "t.txt"), 2, "--token or --token-file")
    clear(package(*ca, "--token-file", tmp_path / "none", "--for", "deb"), 2, "cannot read the token")
    clear(package(*ca, "--token", "a\nb", "--for", "deb"), 2, "not an enrolment token")
    clear(package(*ca, "--token", " ", "--for", "deb"), 2, "not an enrolment token")
    clear(package("--ca", tmp_path / "none", "--token", "t", "--for", "deb"), 2, "cannot read")
    (tmp_path / "text").write_text("not PEM")
    clear(package("--ca", tmp_path / "text", "--token", "t", "--for", "deb"), 2, "not a certificate")
    both = tmp_path / "both.pem"
    both.write_bytes(authority.read_bytes() + (authority.parent / "key.pem").read_bytes())
    clear(package("--ca", both, "--token", "t", "--for", "deb"), 2, "private key", "must not leave the server")
    clear(package(*good, "windows"), 2, "embeddable CPython", "python.org", "--python")
    clear(package(*good, "windows", "--python", tmp_path / "text"), 2, "cannot read")
    clear(package(*good, "deb", "--for", "pyz", "--python", tmp_path / "text"), 2, "--python", "deb, pyz")
    clear(package(*good, "macos", "--wheels", tmp_path), 2, "--wheels", "for a windows package only")
    clear(muster("agent", "package", "--server", URL, "--unit", " ", *good, "deb"), 2, "unit")
    assert not (tmp_path / "out").exists(), "what is refused leaves nothing behind"


def test_an_expired_authority_is_refused(tmp_path: Path, authority: Path) -> None:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "muster")])
    ended = datetime.now(UTC) - timedelta(days=1)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(ended - timedelta(days=9)).not_valid_after(ended)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    path = tmp_path / "old.pem"
    path.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    words = ["agent", "package", "--server", URL, "--unit", "x", "--token", "t", "--for", "deb", "--out", tmp_path]
    clear(muster(*words, "--ca", path), 2, "has expired")


def test_a_folder_that_cannot_be_written_to_is_a_clear_line(authority: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    words = ["agent", "package", "--server", URL, "--unit", "x", "--token", "t", "--for", "deb", "--ca", authority]
    clear(muster(*words, "--out", tmp_path / "file" / "dist"), 5, "cannot read or write")
    clear(muster(*words, "--out", tmp_path, SOURCE_DATE_EPOCH="yesterday"), 2, "SOURCE_DATE_EPOCH")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_what_comes_next_is_said_in_both_languages(lang: str, authority: Path, tmp_path: Path) -> None:
    words = ["--lang", lang, "agent", "package", "--server", URL, "--unit", "x", "--token", "t", "--ca", authority]
    done = muster(*words, "--for", "macos", "--for", "pyz", "--out", tmp_path)
    assert {"zh": "下一步", "en": "Next"}[lang] in done.stdout
    assert "sudo sh install.sh" in done.stdout
    help_text = muster("--lang", lang, "agent", "package", "--help").stdout
    assert {"zh": "示例", "en": "Examples"}[lang] in help_text
