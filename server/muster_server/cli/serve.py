"""muster serve: receive reports until it is stopped."""

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import os
import resource
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from muster_agent.sending.keys import SigningKey
from muster_server.cli import Context, Failure
from muster_server.deployment import Deployment
from muster_server.tls.folder import files
from muster_server.words import Words

if TYPE_CHECKING:
    from muster_server.receive.encryption import Certificate
    from muster_server.receive.listener import Listener, Network

PORT = 8470
LOOPBACK = "127.0.0.1"
BACKLOG = 1024  # connections that may wait for the server to take them
OWN_FILES = 100  # file descriptors beside those of connections: the database, logs, policies


def command(words: Words) -> click.Command:
    """The command, in the language of ``words``."""
    file = click.Path(path_type=Path, dir_okay=False)

    @click.command("serve", help=words("serve.help"), epilog=words("serve.examples"), short_help=words("serve.short"))
    @click.option("--host", metavar="ADDRESS", default=LOOPBACK, show_default=True, help=words("serve.host"))
    @click.option(
        "--port",
        metavar="PORT",
        type=click.IntRange(0, 65535),
        default=PORT,
        show_default=True,
        help=words("serve.port"),
    )
    @click.option("--tls", is_flag=True, help=words("serve.tls"))
    @click.option("--tls-cert", metavar="FILE", type=file, help=words("serve.tls_cert"))
    @click.option("--tls-key", metavar="FILE", type=file, help=words("serve.tls_key"))
    @click.option("--proxy", metavar="ADDRESS", multiple=True, help=words("serve.proxy"))
    @click.option("--log", "form", type=click.Choice(["json", "text"]), help=words("serve.log"))
    @click.pass_obj
    def serve(
        context: Context,
        host: str,
        port: int,
        tls: bool,
        tls_cert: Path | None,
        tls_key: Path | None,
        proxy: tuple[str, ...],
        form: str | None,
    ) -> None:
        deployment = Deployment(context.deployment())
        proxies = networks(proxy, words)
        pair = tls_files(deployment, host, (tls, tls_cert, tls_key), bool(proxies), words)
        certificate = None if pair is None else load(*pair, words)
        with lock(deployment, words), listen(host, port, words) as listener:
            run(deployment, listener, certificate, proxies, form, words)

    return serve


def networks(given: tuple[str, ...], words: Words) -> list[Network]:
    """The addresses and networks of --proxy, which may be given several times or with commas."""
    found: list[Network] = []
    for text in ",".join(given).split(",") if given else ():
        try:
            network = ipaddress.ip_network(text.strip())
        except ValueError as error:
            raise Failure(words("serve.bad_proxy", proxy=text, error=error), words("serve.proxy_advice"), 2) from None
        if network.prefixlen == 0:
            raise Failure(words("serve.any_proxy", proxy=text), words("serve.proxy_advice"), 2)
        found.append(network)
    return found


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def tls_files(
    deployment: Deployment, host: str, asked: tuple[bool, Path | None, Path | None], proxied: bool, words: Words
) -> tuple[Path, Path] | None:
    """Certificate and key to serve with: those given, else the deployment's own where it takes TLS; None for none."""
    tls, cert, key = asked
    if (cert is None) is not (key is None):
        raise Failure(words("serve.tls_both"), exit_code=2)
    if cert is not None and key is not None:
        for path in (cert, key):
            if not path.is_file():
                raise Failure(words("serve.no_file", path=path))
        return cert, key
    if not tls and (is_loopback(host) or proxied):
        return None
    own = files(deployment.path)
    missing = [path for path in (own.server, own.server_key) if not path.is_file()]
    if not missing:
        return own.server, own.server_key
    if tls:
        raise Failure(words("serve.no_file", path=missing[0]), words("serve.tls_advice"))
    raise Failure(words("serve.tls_needed", host=host), words("serve.tls_advice"), 2)


def load(cert: Path, key: Path, words: Words) -> Certificate:
    """The certificate with its key, so that what is wrong with them is one clear line."""
    from muster_server.receive.encryption import Certificate

    try:
        return Certificate(cert, key)
    except (OSError, ValueError) as error:
        raise Failure(words("serve.bad_tls", error=error)) from None


def signing_key(deployment: Deployment, words: Words) -> SigningKey:
    """The key receipts are signed with."""
    try:
        return deployment.key()
    except (OSError, ValueError) as error:
        raise Failure(words("serve.no_key", error=error), words("serve.no_key_advice")) from None


def lock(deployment: Deployment, words: Words) -> Any:
    """Hold the deployment: one server at a time on one SQLite file; as many as wanted on one PostgreSQL, which hold it
    together, so that `muster doctor` sees them and `muster upgrade` does not run beside them."""
    many = isinstance(deployment.database_address(), str)
    file = (deployment.path / "serve.lock").open("a")
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if many else fcntl.LOCK_EX) | fcntl.LOCK_NB)
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


def places(words: Words) -> int:
    """How many connections may be open: as many as promised, or as the system's limit on open files allows."""
    from muster_server.receive.limits import Limits

    promised = Limits().connections
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, promised + OWN_FILES) if hard == resource.RLIM_INFINITY else hard
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    possible = max(1, min(promised, soft - OWN_FILES))
    if possible < promised:
        click.echo(words("serve.few_files", files=soft, possible=possible, promised=promised), err=True)
    return possible


class Ending:
    """Why the server has to stop at once, if it has to, e.g. a disk that does not confirm (security.md §3.3)."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self.server: Listener | None = None

    def stop(self, reason: str) -> None:
        """Stop without finishing anything. Any thread may call it, with a code of the wording (serve.fatal.CODE)."""
        self.reason = reason
        if self.server is not None:
            self.server.force_exit = self.server.should_exit = True

    def leave(self, words: Words) -> None:
        """End the process if it has to. Nothing is closed in order: the database must not be written to any more."""
        if self.reason is None:
            return
        known = words.maybe(f"serve.fatal.{self.reason}", self.reason)
        Failure(words("serve.fatal", reason=known), words("serve.fatal_advice")).show()
        os._exit(5)


def run(
    deployment: Deployment,
    listener: socket.socket,
    certificate: Certificate | None,
    proxies: list[Network],
    form: str | None,
    words: Words,
) -> None:
    """Serve until SIGINT or SIGTERM; then finish what has come in."""
    # Heavy imports that no other command should wait for.
    from muster_server.application import application
    from muster_server.assessment import assessor_of
    from muster_server.keeper import Keeper
    from muster_server.receive import log
    from muster_server.receive.app import Receiver
    from muster_server.receive.limits import Limits
    from muster_server.receive.listener import Listener
    from muster_server.receive.metrics import Metrics
    from muster_server.store.database import LOOK_THROUGH
    from muster_server.sweeper import Sweeper

    # Who judges keeps Python busy, and a report changes threads several times: each time it would wait the usual 5 ms.
    sys.setswitchinterval(0.0005)
    log.configure(form or log.form_for())
    limits = Limits(connections=places(words))
    metrics = Metrics()
    ending = Ending()
    # What a person got wrong is said now, not at the first report, and before the database is taken.
    key = signing_key(deployment, words)
    assessor_of(deployment)
    deployment.office()
    # Closed in order whatever happens: a marker that is left behind means that acknowledged reports may be gone.
    with contextlib.closing(deployment.database()) as database:
        if not database.start():
            click.echo(words("serve.not_looked_through", seconds=f"{LOOK_THROUGH:.0f}"), err=True)
        receiver = Receiver(
            database,
            key,
            lambda pc: sweeper.accepted(pc),
            lambda pc: sweeper.standings.of(pc),
            metrics=metrics,
            fatal=ending.stop,
        )
        sweeper = Sweeper(deployment, database, receiver.writer)
        keeper = Keeper(deployment, database, receiver.writer)
        receiver.refuse_when = keeper.refusal
        served = application(deployment, database, receiver)
        ending.server = Listener(served, [listener], metrics, limits, certificate, proxies)
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        address = f"{'https' if certificate else 'http'}://{shown}:{port}"
        (deployment.path / "serve.lock").write_text(address + "\n", "ascii")  # `muster doctor` asks there
        click.echo(words("serve.listening", address=address))
        for number in (signal.SIGINT, signal.SIGTERM):
            # uvicorn raises the signal once more after its own shutdown; it must not cut ours short.
            signal.signal(number, lambda *_: None)
        served.warm()
        try:
            ending.server.run()
        finally:
            ending.leave(words)
            served.close()
            keeper.close()
            sweeper.close()
            receiver.close()
    click.echo(words("serve.stopped"))
