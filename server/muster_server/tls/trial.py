"""The handshake an agent would make with the server, tried in memory: OpenSSL itself says whether PCs will trust it."""

from __future__ import annotations

import ssl
from pathlib import Path

from muster_agent.sending.trust import client_context


def refusal(ca: Path, server: Path, server_key: Path, host: str) -> str | None:
    """Why a PC that was given ``ca`` would refuse the server as ``host``; None when it would not.

    The certificates are judged by this machine's clock. Raises ``OSError`` when a file cannot be read.
    """
    there = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    there.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        there.load_cert_chain(server, server_key, password=lambda: "")  # without a password it would ask the terminal
        here = client_context(str(ca))
    except ssl.SSLError as error:  # a key that is too short, a digest that is too weak
        return error.reason or str(error)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = here.wrap_bio(down, up, server_hostname=host)
    answering = there.wrap_bio(up, down, server_side=True)
    for _ in range(10):  # a handshake is over after two turns
        done = True
        for side in (client, answering):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                done = False
            except ssl.SSLCertVerificationError as error:
                return error.verify_message
            except ssl.SSLError as error:
                return error.reason or str(error)
        if done:
            return None
    return "no end"
