"""The deployment's own certificate authority and the server's certificate, in the folder ``tls``.

    Refused     what was asked for cannot be done; says why

hosts.py        the names and addresses a certificate is for
certificate.py  what a certificate says
authority.py    makes an authority, and certificates of it
folder.py       the four files, replaced all together or not at all
trial.py        the handshake an agent would make, tried in memory
condition.py    what holds of the files now: for `muster tls show`, `muster doctor` and `muster serve`
acts.py         what an administrator does: make, renew, use
"""

from __future__ import annotations


class Refused(Exception):
    """What was asked for cannot be done. ``code`` is a key of reports/wording/tls.yaml, ``values`` fill its braces."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(f"{code} {values}")
        self.code = code
        self.values = values
