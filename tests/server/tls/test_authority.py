"""The deployment's own authority, judged by OpenSSL's own programs."""

from __future__ import annotations

import re
import ssl
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from muster_server.tls import Refused, authority, certificate
from muster_server.tls.acts import Change


def openssl(*words: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run the program openssl."""
    return subprocess.run(
        ["openssl", *map(str, words)], input=given, capture_output=True, text=True, timeout=60, check=False
    )


def test_openssl_verifies_it_as_a_server_by_every_name_and_as_nothing_else(made: Change) -> None:
    files = made.after.files
    verify = ("verify", "-x509_strict", "-check_ss_sig", "-CAfile", files.ca)
    for name in ("muster.office.lan", "localhost"):
        assert openssl(*verify, "-purpose", "sslserver", "-verify_hostname", name, files.server).returncode == 0
    for address in ("10.0.0.5", "127.0.0.1", "::1"):
        assert openssl(*verify, "-purpose", "sslserver", "-verify_ip", address, files.server).returncode == 0
    assert openssl(*verify, "-verify_hostname", "other.office.lan", files.server).returncode != 0
    assert openssl(*verify, "-verify_ip", "10.0.0.6", files.server).returncode != 0
    assert openssl(*verify, "-purpose", "sslclient", files.server).returncode != 0
    assert openssl(*verify, "-purpose", "sslserver", files.ca).returncode != 0, "the authority is no server"


def test_what_it_says_is_what_old_and_strict_openssl_take(made: Change) -> None:
    files = made.after.files
    ca = openssl("x509", "-in", files.ca, "-noout", "-text").stdout
    assert re.search(r"Basic Constraints: critical\s+CA:TRUE, pathlen:0\n", ca)
    assert re.search(r"Key Usage: critical\s+Certificate Sign, CRL Sign\n", ca)
    assert "prime256v1" in ca and "ecdsa-with-SHA256" in ca
    server = openssl("x509", "-in", files.server, "-noout", "-text").stdout
    assert re.search(r"Basic Constraints: critical\s+CA:FALSE\n", server)
    assert re.search(r"Key Usage: critical\s+Digital Signature\n", server)
    assert re.search(r"Extended Key Usage: *\n\s+TLS Web Server Authentication\n", server)
    assert "prime256v1" in server and "ecdsa-with-SHA256" in server
    chain = certificate.load(files.server.read_bytes())
    assert [one.subject for one in chain][1:] == [chain[0].issuer], "the leaf, then the authority"
    for one in chain:
        one.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        one.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)


def test_how_long_they_last(made: Change, now: datetime) -> None:
    server, ca = made.after.server, made.after.authority
    assert server is not None and ca is not None
    assert server.ends - server.begins == timedelta(days=397)
    assert ca.ends - ca.begins == timedelta(days=3652)
    assert timedelta(hours=23) < now - server.begins < timedelta(hours=25), "a PC whose clock is behind takes it"


def test_the_fingerprint_is_the_one_openssl_prints(made: Change) -> None:
    said = openssl("x509", "-in", made.after.files.ca, "-noout", "-fingerprint", "-sha256").stdout
    assert made.after.authority is not None
    assert said.strip().rpartition("=")[2] == made.after.authority.sha256


def test_s_client_talks_to_a_server_that_has_it(made: Change, bad_tls: Any) -> None:
    files = made.after.files
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.server, files.server_key)
    with bad_tls.Server("good", context).running() as server:
        client: tuple[str | Path, ...] = (
            "s_client",
            "-connect",
            server.url.removeprefix("https://"),
            "-CAfile",
            files.ca,
        )
        client += ("-verify_return_error", "-purpose", "sslserver", "-quiet")
        for version in ("-tls1_2", "-tls1_3"):
            said = openssl(*client, version, "-verify_hostname", "muster.office.lan", given="POST / HTTP/1.1\r\n\r\n")
            assert "202 Accepted" in said.stdout, said.stderr
        refused = openssl(*client, "-verify_hostname", "other.office.lan", given="POST / HTTP/1.1\r\n\r\n")
        assert refused.returncode != 0 and "hostname mismatch" in refused.stderr.lower()
    assert len(server.requests) == 2


def test_an_authority_that_ends_sooner_ends_its_certificates(now: datetime) -> None:
    key, server_key = authority.new_key(), authority.new_key()
    ca = authority.new_authority("x", key, now - timedelta(days=3600))
    issued = certificate.read(authority.issue(ca, key, server_key.public_key(), ("a",), now))
    assert issued.ends == certificate.read(ca).ends
    with pytest.raises(Refused, match=r"tls\.ca_expired"):
        authority.issue(ca, key, server_key.public_key(), ("a",), now + timedelta(days=60))


def test_no_two_authorities_have_one_name(now: datetime) -> None:
    made = [authority.new_authority("某局", authority.new_key(), now) for _ in range(3)]
    assert len({one.subject for one in made}) == 3
    assert len({one.serial_number for one in made}) == 3
    assert len(authority.new_authority("局" * 200, authority.new_key(), now).subject) == 2, "a long name is cut"
