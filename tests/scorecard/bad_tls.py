"""Servers that an agent must not trust, each wrong in one way, on loopback; and how many of them it trusts.

``trusted_and_tried()`` is scorecard line 11 (security.md §6); ``python tests/scorecard/bad_tls.py`` prints it.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import tempfile
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOST = "127.0.0.1"
ANSWER = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
GARBAGE = bytes(range(256)) * 4
WAIT = 10.0  # seconds for a client that says nothing
NOW = datetime.now(UTC)
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
BITS = ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"]
BITS += ["key_cert_sign", "crl_sign", "encipher_only", "decipher_only"]


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, and their files."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    pem: Path
    key_pem: Path


def issued(
    folder: Path,
    name: str,
    by: Pair | None = None,
    hosts: tuple[str, ...] = (HOST,),
    days: tuple[float, float] = (-1, 9),
    purpose: x509.ObjectIdentifier | None = SERVER,
    ca: bool = False,
) -> Pair:
    """A certificate from ``days[0]`` to ``days[1]`` from now, signed ``by`` another or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = {bit: bit in (("key_cert_sign", "crl_sign") if ca else ("digital_signature",)) for bit in BITS}
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if by is None else by.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + timedelta(days=days[0]))
        .not_valid_after(NOW + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(host) for host in hosts]), critical=False)
    if purpose is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    certificate = builder.sign(key if by is None else by.key, hashes.SHA256())
    pair = Pair(certificate, key, folder / f"{name}.pem", folder / f"{name}-key.pem")
    pair.pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    pair.key_pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain),
    )
    return pair


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


@dataclass
class Server:
    """A server on loopback that notes which requests came through to it."""

    kind: str
    context: ssl.SSLContext | None = None  # None: no TLS
    greeting: bytes = b""  # sent before anything else
    answer: bytes = ANSWER
    requests: list[bytes] = field(default_factory=list)
    url: str = ""

    @contextlib.contextmanager
    def running(self) -> Iterator[Server]:
        """Serve one connection after the other until the end."""
        with socket.create_server((HOST, 0)) as listener:
            self.url = f"https://{HOST}:{listener.getsockname()[1]}"
            thread = threading.Thread(target=self._serve, args=(listener,), daemon=True)
            thread.start()
            yield self
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(WAIT)

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.settimeout(WAIT)
            # A client that refuses the certificate, which is what is wanted, breaks the connection off.
            with connection, contextlib.suppress(OSError):
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        if self.greeting:
            connection.sendall(self.greeting)
        if self.context is not None:
            connection = self.context.wrap_socket(connection, server_side=True)
        with connection:
            said = connection.recv(65536)
            if said.startswith(b"POST "):
                self.requests.append(said)
            connection.sendall(self.answer)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):  # closed before all has come, the answer might not arrive
                pass


def speaking(pair: Pair, highest: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """A server's side of TLS with that certificate; with ``highest`` it speaks that version and no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.pem, pair.key_pem)
    if highest is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that the version is too old is the point
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = highest
    return context


@dataclass(frozen=True)
class Bench:
    """The authority that agents are given, a good server, and the bad ones."""

    ca: Path
    good: Server
    bad: tuple[Server, ...]


def bench(folder: Path) -> Bench:
    """Make all certificates in ``folder``, and the servers, which do not run yet."""
    ca = issued(folder, "ca", hosts=(), purpose=None, ca=True)
    other = issued(folder, "other-ca", hosts=(), purpose=None, ca=True)
    good = issued(folder, "good", ca)
    bad = {
        "self-signed": issued(folder, "self-signed"),
        "wrong name": issued(folder, "wrong-name", ca, ("muster.example", "127.0.0.2")),
        "expired": issued(folder, "expired", ca, days=(-9, -0.01)),
        "not yet valid": issued(folder, "not-yet", ca, days=(0.5, 9)),
        "another authority": issued(folder, "another", other),
        "for clients only": issued(folder, "client", ca, purpose=CLIENT),
        "an authority's own": issued(folder, "ca-as-leaf", ca, purpose=None, ca=True),
    }
    servers = [Server(kind, speaking(pair)) for kind, pair in bad.items()]
    servers += [
        Server("TLS 1.1 only", speaking(good, ssl.TLSVersion.TLSv1_1)),
        Server("plain HTTP"),
        Server("garbage", greeting=GARBAGE),
    ]
    return Bench(ca.pem, Server("good", speaking(good)), tuple(servers))


def trusted_and_tried() -> tuple[int, int]:
    """How many of the bad servers an agent sent a report's bytes to, or took an answer from; and how many there were.

    Raises ``AssertionError`` when it would not have trusted a good one either: then the figure says nothing.
    """
    from muster_agent.sending.http import Unreachable, post

    trusted = 0
    with tempfile.TemporaryDirectory() as place:
        found = bench(Path(place))
        with found.good.running() as server:
            assert post(server.url, "/v1/reports", b"report", {}, str(found.ca)).status == 202
            assert server.requests
        for one in found.bad:
            with one.running() as server:
                answered = False
                with contextlib.suppress(Unreachable):
                    post(server.url, "/v1/reports", b"report", {}, str(found.ca))
                    answered = True
            trusted += answered or bool(server.requests)
    return trusted, len(found.bad)


if __name__ == "__main__":
    counted = trusted_and_tried()
    print(f"{counted[0]} of {counted[1]} bad TLS servers trusted")
