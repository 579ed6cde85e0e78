"""muster serve: receive reports until it is stopped."""

from __future__ import annotations

import fcntl
import logging
import signal
import socket
import ssl
from pathlib import Path
from typing import Any

import click

from muster_agent.sending.keys import SigningKey
from muster_server.cli import Context, Failure
from muster_server.deployment import Deployment
from muster_server.words import Words

PORT = 8470
LOOPBACK = ("127.0.0.1", "::1", "localhost")
CONNECTIONS = 1000  # at once; an idle TLS connection costs about 275 kB (security.md §2.3)
BACKLOG = 1024  # connections that may wait for the server to take them
KEEP_ALIVE = 15  # seconds a connection may idle between requests


def command(words: Words) -> click.Command:
    """The command, in the language of ``words``."""

    @click.command("serve", help=words("serve.help"), epilog=words("serve.examples"), short_help=words("serve.short"))
    @click.option("--host", metavar="ADDRESS", default=LOOPBACK[0], show_default=True, help=words("serve.host"))
    @click.option(
        "--port",
        metavar="PORT",
        type=click.IntRange(0, 65535),
        default=PORT,
        show_default=True,
        help=words("serve.port"),
    )
    @click.option(
        "--tls-cert", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help=words("serve.tls_cert")
    )
    @click.option(
        "--tls-key", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help=words("serve.tls_key")
    )
    @click.pass_obj
    def serve(context: Context, host: str, port: int, tls_cert: Path | None, tls_key: Path | None) -> None:
        deployment = Deployment(context.deployment())
        if (tls_cert is None) is not (tls_key is None):
            raise Failure(words("serve.tls_both"), exit_code=2)
        if tls_cert is None and host not in LOOPBACK:
            raise Failure(words("serve.tls_needed", host=host), words("serve.tls_advice"), 2)
        for path in (tls_cert, tls_key):
            if path is not None and not path.is_file():
                raise Failure(words("serve.no_file", path=path))
        check_certificate(tls_cert, tls_key, words)
        with lock(deployment, words), listen(host, port, words) as listener:
            run(deployment, listener, (tls_cert, tls_key), words)

    return serve


def check_certificate(cert: Path | None, key: Path | None, words: Words) -> None:
    """Load the certificate with its key once, so that what is wrong with them is one clear line."""
    if cert is None or key is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password=lambda: "")
    except (OSError, ValueError) as error:
        raise Failure(words("serve.bad_tls", error=error)) from None


def signing_key(deployment: Deployment, words: Words) -> SigningKey:
    """The key receipts are signed with."""
    try:
        return deployment.key()
    except (OSError, ValueError) as error:
        raise Failure(words("serve.no_key", error=error), words("serve.no_key_advice")) from None


def lock(deployment: Deployment, words: Words) -> Any:
    """Hold the deployment: one server at a time on one SQLite file."""
    file = (deployment.path / "serve.lock").open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise Failure(words("serve.locked", data=deployment.path)) from None
    return file


def listen(host: str, port: int, words: Words) -> socket.socket:
    """The listening socket, bound before anything else starts, so that a port in use is one clear line."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)  # from here on who connects waits instead of being refused
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise Failure(
            words("serve.cannot_listen", host=host, port=port, error=error.strerror or error),
            words("serve.port_advice"),
        ) from None
    return listener


def run(deployment: Deployment, listener: socket.socket, tls: tuple[Path | None, Path | None], words: Words) -> None:
    """Serve until SIGINT or SIGTERM; then finish what has come in."""
    import uvicorn  # heavy imports that no other command should wait for

    from muster_server.assessment import assessor_of
    from muster_server.receive.app import Receiver
    from muster_server.sweeper import Sweeper

    logging.basicConfig(format="%(asctime)s %(name)s %(message)s", level=logging.WARNING)
    database = deployment.database()
    assessor_of(deployment)  # policies and settings that cannot be used are said now, not at the first report
    deployment.office()
    receiver = Receiver(
        database,
        signing_key(deployment, words),
        lambda pc: sweeper.accepted(pc),
        lambda pc: sweeper.standings.of(pc),
    )
    sweeper = Sweeper(deployment, database, receiver.writer)
    cert, key = tls
    config = uvicorn.Config(
        receiver.application(),
        ssl_certfile=cert,
        ssl_keyfile=key,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        limit_concurrency=CONNECTIONS,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=10,
    )
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    click.echo(words("serve.listening", address=f"{'https' if cert else 'http'}://{shown}:{port}"))
    for number in (signal.SIGINT, signal.SIGTERM):
        # uvicorn raises the signal once more after its own shutdown; it must not cut ours short.
        signal.signal(number, lambda *_: None)
    try:
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        sweeper.close()
        receiver.writer.close()
        database.close()
    click.echo(words("serve.stopped"))
