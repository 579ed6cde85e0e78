"""How the agent speaks to an address: which it refuses, whom it trusts, and what it leaves aside."""

from __future__ import annotations

import http.server
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from muster_agent.sending.http import BadAddress, Unreachable, check_address, post


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("muster.example", "bad_address"),
        ("ftp://muster.example", "bad_address"),
        ("https://", "bad_address"),
        ("https://a:b@muster.example", "bad_address"),
        ("https://muster.example/path", "bad_address"),
        ("https://muster.example:99999", "bad_address"),
        ("http://muster.example", "not_encrypted"),
        ("http://127.0.0.1.example", "not_encrypted"),
        ("https://a b", "bad_address"),
        ("https://a\u202eb", "bad_address"),
    ],
)
def test_an_address_that_must_not_be_spoken_to_is_refused(address: str, error: str) -> None:
    with pytest.raises(BadAddress, match=error):
        check_address(address)


def test_proxies_of_the_environment_are_not_used(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    pc = server.pc()
    assert pc.post(pc.sign()).status == 202


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate authority, a good certificate of it, and bad ones."""
    import shutil

    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=60)

    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=test")
    for name in ("ca", "other"):
        usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
        openssl(*new, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2", *usage)
    for name, host, days, ca in (
        ("good", "IP:127.0.0.1", "2", "ca"),
        ("wrong-name", "DNS:other.example", "2", "ca"),
        ("other-ca", "IP:127.0.0.1", "2", "other"),
    ):
        leaf = ("-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-addext", f"subjectAltName={host}")
        constraint = ("-addext", "basicConstraints=critical,CA:FALSE")
        openssl(*new, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", days, *leaf, *constraint)
    return folder


@contextmanager
def tls(folder: Path, name: str, highest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> Iterator[str]:
    """A TLS server with that certificate that answers {} to anything."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    context.maximum_version = highest

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Quiet(http.server.ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a client that refuses the certificate is what these tests want

    running = Quiet(("127.0.0.1", 0), Handler)
    running.socket = context.wrap_socket(running.socket, server_side=True)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    try:
        yield f"https://127.0.0.1:{running.server_address[1]}"
    finally:
        running.shutdown()
        running.server_close()


def test_a_server_is_trusted_by_the_named_authority_only(certificates: Path) -> None:
    ca = str(certificates / "ca.pem")
    with tls(certificates, "good") as url:
        assert post(url, "/", b"", {}, ca).status == 200
        with pytest.raises(Unreachable, match="not_trusted"):
            post(url, "/", b"", {}, None)
    for name in ("wrong-name", "other-ca"):
        with tls(certificates, name) as url, pytest.raises(Unreachable, match="not_trusted"):
            post(url, "/", b"", {}, ca)


def test_a_missing_authority_file_is_a_clear_line(certificates: Path) -> None:
    with tls(certificates, "good") as url, pytest.raises(Unreachable, match="bad_ca"):
        post(url, "/", b"", {}, str(certificates / "none.pem"))


def test_plain_http_on_a_tls_port_is_not_muster_or_unreachable(certificates: Path) -> None:
    with tls(certificates, "good") as url, pytest.raises(Unreachable):
        post(url.replace("https", "http"), "/", b"", {})
