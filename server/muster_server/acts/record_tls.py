"""Write into the audit log what was done to the server's certificate, which lies in files and not in the database."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from muster_server.acts.act import Done, Refused, Setting

Name = Annotated[str, msgspec.Meta(max_length=253)]


class Asked(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What was done, and which certificate there is now."""

    did: Literal["make", "renew", "use"]
    names: Annotated[list[Name], msgspec.Meta(max_length=100)]
    sha256: Annotated[str, msgspec.Meta(max_length=100)]
    until: Annotated[str, msgspec.Meta(max_length=40)]
    other_authority: bool = False


def act(setting: Setting, asked: Asked) -> Done:
    """Only the server's own command line can have done it, so nobody else may say so."""
    if not setting.operator.startswith("os:"):
        raise Refused("local_only")
    detail = {"did": asked.did, "names": asked.names, "until": asked.until, "other_authority": asked.other_authority}
    return Done(asked.sha256, detail)
