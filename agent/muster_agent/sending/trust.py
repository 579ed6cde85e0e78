"""Whom this PC trusts to be its server: the authority it was given and no other.

There is no way to switch that off, neither by an option, nor by the settings, nor by the environment.
"""

from __future__ import annotations

import ssl


def client_context(ca: str | None) -> ssl.SSLContext:
    """TLS 1.2 or newer, to servers whose certificate is of the authority in the file ``ca`` (PEM) and for the host that
    is asked; None trusts the authorities of the system. Raises ``OSError`` when the file cannot be read or is none.
    """
    # Not create_default_context: that would write the keys of every session to a file the environment names.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # which checks the certificate and the host's name
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ssl.HAS_NEVER_CHECK_COMMON_NAME:
        context.hostname_checks_common_name = False  # a name stands in subjectAltName or nowhere
    if ca is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        context.load_verify_locations(cafile=ca)
    return context
