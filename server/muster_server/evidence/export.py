"""The evidence of one PC as files that anybody can check with openssl: the bytes that were signed, the signatures, the
bodies as they were sent, the keys and what bound them to the PC, and the chains.

README.txt                   what this is and the three commands, in both languages
verify.sh                    checks all of it with sh, openssl and sha256sum alone
record.json                  the PC, its keys and who let them in, the range, the audit entries about it
server.pem                   the public key the server signs receipts with
chain.txt                    places in the server's chain: position, head before, report, received_at, head after
keys/ID.pem                  a public key of the PC
keys/ID.signed, .signature   what bound it: its enrolment or rotation, signed by itself
keys/ID.former.signature     of a rotation: the signature of the key before
reports/N.envelope, .signature, .body, .receipt, .receipt.signature
conflicts/N.envelope, .signature, .body    kept without counting: another report had that number

Names are digits and key ids only: nothing that a PC calls itself becomes the name of a file.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from muster_agent.sending.envelope import ENROL, FIRST, ROTATE
from muster_agent.sending.keys import key_id
from muster_server.store import audit, evidence, keys, statements
from muster_server.store.schema import moment_text
from muster_server.store.statements import Stored

FORMAT = "MUSTER-EVIDENCE/1"
RECORD, SERVER, CHAIN, README, SCRIPT = "record.json", "server.pem", "chain.txt", "README.txt", "verify.sh"
DER = bytes.fromhex("302a300506032b6570032100")  # what stands before the 32 bytes of an Ed25519 key (RFC 8410)


@dataclass(frozen=True)
class Asked:
    """What to export."""

    agent: str  # id of the PC
    since: datetime | None  # received at or after
    until: datetime | None  # received before
    whole_chain: bool  # every place of the server's chain between its first and last report, not this PC's alone
    readme: str
    script: bytes


@dataclass
class Exported:
    """What was exported; complete once every file was taken."""

    reports: int = 0
    conflicts: int = 0
    keys: int = 0
    first: int | None = None  # numbers of its reports
    last: int | None = None


def pem(public_key: bytes) -> bytes:
    """A public key as openssl reads it."""
    text = base64.b64encode(DER + public_key).decode("ascii")
    return f"-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n".encode("ascii")


def from_pem(data: bytes) -> bytes:
    """The 32 bytes of such a file. Raises ``ValueError``."""
    lines = data.decode("ascii").split("\n")
    der = base64.b64decode("".join(lines[1:-2]), validate=True)
    if pem(der[len(DER) :]) != data or not der.startswith(DER):
        raise ValueError("not an Ed25519 public key")
    return der[len(DER) :]


def number_name(number: int) -> str:
    """How a number stands in the name of a file: in order when names are sorted."""
    return f"{number:08d}"


def files(
    connection: Connection, asked: Asked, server: bytes, sign: Callable[[bytes], bytes], told: Exported
) -> Iterator[tuple[str, bytes]]:
    """Every file by name, within one consistent look. ``server`` is the server's public key, ``sign`` signs with it:
    an Ed25519 signature is the same each time, so the receipts are those the PC was given."""
    pc = evidence.of_pc(connection, asked.agent)
    if pc is None:
        raise LookupError(asked.agent)
    yield README, asked.readme.encode("utf-8")
    yield SCRIPT, asked.script
    yield SERVER, pem(server)
    described = []
    for key in keys.of_agent(connection, asked.agent):
        told.keys += 1
        described.append(_key_record(connection, key))
        yield from _key_files(key)
    positions: list[int] = []
    for one in statements.of_agent(connection, asked.agent):
        if (asked.since and one.received_at < asked.since) or (asked.until and one.received_at >= asked.until):
            continue
        told.reports += 1
        told.first = told.first if told.first is not None else one.envelope.seq
        told.last = one.envelope.seq
        positions.append(one.position)
        yield from _report_files(one, sign)
    conflicts = []
    for row in evidence.every_conflict(connection, asked.agent):
        told.conflicts += 1
        conflicts.append({"file": number_name(told.conflicts), "seq": row.seq, "received_at": row.received_at})
        name = f"conflicts/{number_name(told.conflicts)}"
        yield f"{name}.envelope", row.envelope
        yield f"{name}.signature", row.signature
        yield f"{name}.body", row.body
    yield CHAIN, "".join(_places(connection, positions, asked.whole_chain)).encode("ascii")
    record = {
        "format": FORMAT,
        "server_key": server.hex(),
        "pc": _pc_record(pc),
        "keys": described,
        "reports": {"count": told.reports, "first": told.first, "last": told.last, "whole_chain": asked.whole_chain},
        "conflicts": conflicts,
        "pruned": str(evidence.beginning(connection)[0]),
        "audit": _audit_about(connection, asked.agent, described),
    }
    yield RECORD, json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True).encode("utf-8", "backslashreplace")


def _key_files(key: Row[Any]) -> Iterator[tuple[str, bytes]]:
    name = f"keys/{key_id(bytes.fromhex(key.public_key))}"
    yield f"{name}.pem", pem(bytes.fromhex(key.public_key))
    yield f"{name}.signed", (ENROL if key.predecessor is None else ROTATE) + key.request
    yield f"{name}.signature", key.request_signature
    if key.predecessor is not None:
        yield f"{name}.former.signature", key.predecessor_signature


def _report_files(one: Stored, sign: Callable[[bytes], bytes]) -> Iterator[tuple[str, bytes]]:
    name = f"reports/{number_name(one.envelope.seq)}"
    receipt = one.receipt.to_bytes()
    yield f"{name}.envelope", one.envelope.to_bytes()
    yield f"{name}.signature", one.signature
    yield f"{name}.body", one.body
    yield f"{name}.receipt", receipt
    yield f"{name}.receipt.signature", sign(receipt)


def _places(connection: Connection, positions: list[int], whole: bool) -> Iterator[str]:
    if not positions:
        return
    wanted = set(positions)
    first, last = positions[0], positions[-1]
    begins, _ = evidence.beginning(connection)
    before = {begins.position: begins.chain, 0: FIRST}
    for row in evidence.between(connection, first - 1, last):
        if whole or row.position in wanted:
            digest, at = evidence.named(row)
            head = before.get(row.position - 1)
            if head is not None and row.position >= first:
                yield f"{row.position} {head} {digest} {at} {row.chain.hex()}\n"
        before = {row.position: row.chain.hex()}


def _pc_record(pc: Row[Any]) -> dict[str, Any]:
    moments = {
        name: None if (at := getattr(pc, name)) is None else moment_text(at)
        for name in ("enrolled_at", "approved_at", "conflict_at", "revoked_at")
    }
    plain = {name: getattr(pc, name) for name in ("id", "name", "unit", "uuid", "serial", "revoked_for", "replaced_by")}
    return {**plain, **moments, "last_seq": pc.last_seq, "last_digest": pc.last_digest}


def _key_record(connection: Connection, key: Row[Any]) -> dict[str, Any]:
    token = evidence.of_token(connection, key.token)
    former = None
    if key.predecessor is not None:
        former = next(row.id for row in keys.of_agent(connection, key.agent) if row.number == key.predecessor)
    return {
        "id": key.id,
        "public_key": key.public_key,
        "bound_by": "enrolment" if key.predecessor is None else "rotation",
        "former_key": former,
        "since": moment_text(key.since),
        "until": None if key.until is None else moment_text(key.until),
        "token": None
        if token is None
        else {
            "hash": token.hash,
            "unit": token.unit,
            "issued_by": token.created_by,
            "issued_at": moment_text(token.created_at),
            "expires_at": moment_text(token.expires_at),
            "uses": token.uses,
        },
    }


def _audit_about(connection: Connection, agent: str, described: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries of the audit log that name this PC or a token that let it in."""
    about = {agent, *(key["token"]["hash"][:12] for key in described if key["token"] is not None)}
    found = []
    for logged in audit.entries(connection):
        if logged.entry.subject in about:
            entry = logged.entry
            found.append({"position": logged.position, "chain": logged.chain, **vars(entry)})
    return found
