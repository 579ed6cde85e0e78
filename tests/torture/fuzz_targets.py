"""What is fuzzed: everything that reads bytes of a stranger, each as a function of bytes.

A target takes its own module's refusal as an answer; any other exception is a finding. Where two ways lead to one
answer (the quick and the thorough reader), or one step promises something to the next (a policy that loads can judge),
the target checks that, too.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from muster_agent.canonical import canonical
from muster_agent.collect import collect
from muster_agent.columns import column_docs
from muster_agent.facts import TABLES, Table, Tables
from muster_agent.sending import stick
from muster_agent.sending.envelope import ENROL, FIRST, ROTATE, Envelope, Malformed, Receipt
from muster_agent.sending.home import State
from muster_agent.sending.keys import SigningKey
from muster_agent.sending.report import ENCODING, SignedReport, body_of, packed, sign
from muster_server.acts.act import Refused
from muster_server.acts.performing import ACTS, perform
from muster_server.backup import archive
from muster_server.demo import pc as demo
from muster_server.demo.condition import condition
from muster_server.deployment import Deployment
from muster_server.document.nodes import Source, compose
from muster_server.judge.judging import judge
from muster_server.judge.loading import FAMILIES, REFERENCES, RULE_KEYS, TOP_KEYS, Loader
from muster_server.judge.policies import load_policies
from muster_server.receive import door, quick, rotation, thorough
from muster_server.receive.body import decode, unpack
from muster_server.receive.refusal import Refusal
from muster_server.resources import bundled
from muster_server.store.history import rows_of
from muster_server.store.keys import Key
from muster_server.subject import PC, Subject
from muster_server.web.acting import decoded
from muster_server.words import Words

AGENT = "00000000-0000-4000-8000-000000000000"
TOKEN = "a-token-of-the-fuzzer"
NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
SAID = "2026-11-24T08:00:00Z"
LARGEST = 1_000_000  # bytes of a policy: open_source reads no more


def a_key(number: int) -> SigningKey:
    """The same key every time: what was found must be found again."""
    return SigningKey(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))


SUCCESSOR = a_key(2)


class Finding(AssertionError):
    """Two answers that should be one, or a promise that was not kept."""


@dataclass(frozen=True)
class Target:
    """What is given bytes, and what it begins from."""

    one: Callable[[bytes], None]
    seeds: list[bytes]


def targets(folder: Path) -> dict[str, Target]:
    """Every target by name; ``folder`` is an empty one to work in."""
    key = a_key(1)
    tables = facts()
    _, signed = sign(tables, AGENT, key, State(0, FIRST, []), SAID)
    plain = body_of(tables, ())
    return {
        "envelope": Target(envelope, [signed.envelope, RECEIPT]),
        "report": Target(_report(key), [b"\0" + plain, b"\1" + signed.body, b"\0" + body_of(tables, signed.digests())]),
        "body": Target(body, [plain, body_of(tables, signed.digests())]),
        "rows": Target(_Rows().one, rows_seeds(tables)),
        "enrolment": Target(_enrolment(key), [enrolment_request(key)]),
        "rotation": Target(_rotation(key), [rotation_request(key)]),
        "acts": _acts(folder),
        "stick": _stick(folder, key, signed),
        "backup": Target(backup, [a_backup()]),
        "policy": Target(_Policy(tables).one, policy_seeds()),
    }


def vocabulary() -> list[str]:
    """Words that mean something to the readers, so that the fuzzer need not find them by chance."""
    columns = {name for row_type in TABLES.values() for name, _, _, _ in column_docs(row_type)}
    policy = {*TOP_KEYS, *RULE_KEYS, *REFERENCES, *FAMILIES, "within", "older_than", "contains", "re", "cidr", "all"}
    asked = {
        field.name
        for module in ACTS.values()
        for field in msgspec.structs.fields(importlib.import_module(f"muster_server.acts.{module}").Asked)
    }
    json_words = {"true", "false", "null", "1e400", "NaN", "9223372036854775808", "\\\\ud800", "\\\\u0000"}
    return sorted({*columns, *TABLES, *policy, *asked, *json_words, "digest", "status", "problem", "notes"})


def facts() -> Tables:
    """What a simulated PC says."""
    return collect(demo.machine(condition(1, 3), "PC-0001", NOW))


RECEIPT = Receipt(AGENT, 1, FIRST, SAID, 1, FIRST).to_bytes()


def envelope(data: bytes) -> None:
    """Envelopes and receipts. What is read is written back as it was."""
    for kind in (Envelope, Receipt):
        try:
            read = kind.parse(data)
        except Malformed:
            continue
        if read.to_bytes() != data:
            raise Finding("read as something it is not")


def _report(key: SigningKey) -> Callable[[bytes], None]:
    """The whole door, with a good signature over an envelope around the bytes: as they are, or compressed first."""
    known = Key(1, AGENT, key.public, None)

    def one(data: bytes) -> None:
        content = data[1:] if data[:1] == b"\1" else packed(data[1:])
        said = Envelope(AGENT, key.id, 1, FIRST, "-", SAID, ENCODING, hashlib.sha256(content).hexdigest()).to_bytes()
        try:
            incoming = door.check_report(SignedReport(said, key.sign(said), content), lambda agent, id: known)
        except Refusal as refusal:
            check_refusal(refusal)
            return
        if unpack(packed(incoming.manifest)) != incoming.manifest:
            raise Finding("a manifest that cannot be kept")

    return one


def check_refusal(refusal: Refusal) -> None:
    """A refusal can be sent: JSON, UTF-8, one line, not long."""
    json.dumps({"error": refusal.code, "detail": refusal.detail}, ensure_ascii=False).encode("utf-8")
    if not 400 <= refusal.status < 500 or len(refusal.detail) > 400:
        raise Finding(f"refused with {refusal.status}, {len(refusal.detail)} characters")


def body(data: bytes) -> None:
    """The readers of a body: the quick one takes nothing that the thorough one refuses, and reads it the same way."""
    fast = quick.read(data)
    try:
        slow = thorough.read(data)
    except Refusal as refusal:
        check_refusal(refusal)
        if fast is not None:
            raise Finding("the quick reader takes what the thorough one refuses") from None
        return
    if fast is not None and (fast.described, fast.bodies, fast.name) != (slow.described, slow.bodies, slow.name):
        raise Finding("the two readers read different things")


class _Rows:
    """Rows under their right digest, so that what is in them is reached; what is taken in is judged."""

    def __init__(self) -> None:
        self._names = sorted(TABLES)
        self._policies = load_policies(bundled("policies"))
        self._facts = facts()

    def one(self, data: bytes) -> None:
        name, rows = self._names[data[0] % len(self._names)] if data else "boot", data[1:]
        digest = hashlib.sha256(rows).hexdigest()
        head = f'{{"agent_version":"0","bodies":{{"{digest}":'.encode()
        tail = f'}},"manifest":{{"tables":{{"{name}":{{"digest":"{digest}","status":"ok"}}}}}},"schema":1}}'.encode()
        body(head + rows + tail)
        try:
            decode(head + rows + tail)
        except Refusal:
            return
        found = Table(rows_of(name, rows))
        for policy in self._policies:
            judge(policy, subject({**self._facts, name: found}), NOW)


def subject(tables: Tables) -> Subject:
    """A PC that says this."""
    return Subject(PC(AGENT, "PC-0001", "x", (), NOW, NOW), tables)


def rows_seeds(tables: Tables) -> list[bytes]:
    """The rows of each table of a PC, with the table's number before them."""
    plain = json.loads(body_of(tables, ()))
    described = plain["manifest"]["tables"]
    found = []
    for number, name in enumerate(sorted(TABLES)):
        rows = plain["bodies"].get(described.get(name, {}).get("digest"), [])
        found.append(bytes([number]) + canonical(rows[:3]))
    return found


def enrolment_request(key: SigningKey) -> bytes:
    """A good request."""
    hints = {"hostname": "PC-0001", "hardware_serial": "X1", "uuid": "-"}
    token = hashlib.sha256(TOKEN.encode()).hexdigest()
    return canonical({"agent_version": "0", "hints": hints, "public_key": key.public.hex(), "token": token})


def _enrolment(key: SigningKey) -> Callable[[bytes], None]:
    def one(data: bytes) -> None:
        try:
            asked = door.check_enrolment(data, key.sign(ENROL + data), TOKEN)
        except Refusal as refusal:
            check_refusal(refusal)
            return
        for said in (asked.name, asked.uuid, asked.serial):
            if said is not None and ("\0" in said or len(said) > 255 or said != said.encode().decode()):
                raise Finding("text that a database cannot hold")

    return one


def rotation_request(key: SigningKey) -> bytes:
    """A good request, by a key whose successor is :data:`SUCCESSOR`."""
    return canonical({"agent": AGENT, "predecessor": key.id, "public_key": SUCCESSOR.public.hex()})


def _rotation(key: SigningKey) -> Callable[[bytes], None]:
    known = Key(1, AGENT, key.public, None)

    def one(data: bytes) -> None:
        said = ROTATE + data
        try:
            rotation.check(data, SUCCESSOR.sign(said), key.sign(said), lambda agent, id: known)
        except Refusal as refusal:
            check_refusal(refusal)

    return one


class _Undone(Exception):
    """Ends a transaction without a trace."""


def _acts(folder: Path) -> Target:
    """JSON as it comes over HTTP, to every act, in a real database; nothing is kept."""
    database = Deployment.create(folder / "data", "fuzz", Words("en")).database()
    names = sorted(ACTS)

    def one(data: bytes) -> None:
        name = names[data[0] % len(names)] if data else names[0]
        try:
            asked = decoded(data[1:])
        except Refusal as refusal:
            check_refusal(refusal)
            return
        try:
            with database.write() as connection:
                msgspec.json.encode(perform(connection, name, asked, "reader:fuzz", NOW))
                raise _Undone
        except Refused as refused:
            Words("en")("act." + refused.code, **refused.values).encode("utf-8")
        except _Undone:
            pass

    seeds = []
    for number, name in enumerate(names):
        asked = importlib.import_module(f"muster_server.acts.{ACTS[name]}").Asked
        given = {field.name: EXAMPLES.get(field.name, "x") for field in msgspec.structs.fields(asked)}
        seeds.append(bytes([number]) + canonical(given))
    seeds.append(bytes([names.index("tokens.issue")]) + b'{"unit":"x","uses":3,"days":2,"tags":["a"]}')
    seeds.append(bytes([names.index("readers.add")]) + b'{"name":"a","role":"viewer","unit":"x","days":3}')
    return Target(one, seeds)


EXAMPLES: dict[str, Any] = {"uses": 1, "days": 1, "tags": ["a"], "approval": True, "id": "abcd1234", "role": "viewer"}


def _stick(folder: Path, key: SigningKey, signed: SignedReport) -> Target:
    """The file of `muster import` and of `muster-agent receipts`, to the last line."""
    path = folder / "stick"

    def one(data: bytes) -> None:
        path.write_bytes(data)
        try:
            with stick.Opened(path) as opened:
                for line in opened.lines():
                    for kind in (SignedReport, stick.Signed, stick.Request):
                        try:
                            kind.from_json(line)  # type: ignore[attr-defined]
                        except ValueError:
                            continue
        except stick.BadFile:
            return

    request = enrolment_request(key)
    asked = stick.Request(stick.Signed(request, key.sign(ENROL + request)), TOKEN)
    small = SignedReport(signed.envelope, signed.signature, b"x")
    receipt = stick.Signed(RECEIPT, key.sign(RECEIPT))
    return Target(
        one,
        [
            stick.bundle(AGENT, [small, small]),
            stick.receipts(AGENT, [receipt]),
            stick.single(stick.ENROL_FILE, asked.to_json()),
            stick.single(stick.ENROLLED, receipt.to_json()),
        ],
    )


def backup(data: bytes) -> None:
    """The file of `muster restore`, to its end."""
    try:
        for _, content in archive.Reader(io.BytesIO(data)).members():
            while content.read(65536):
                pass
    except archive.BadBackup:
        return


def a_backup() -> bytes:
    """A small file that is whole."""
    contents = {name: name.encode() for name in (*archive.TOP, "tls/ca.pem", "policies/" + "p" * 120 + ".yaml")}
    members = [
        {"name": name, "size": len(held), "sha256": hashlib.sha256(held).hexdigest()} for name, held in contents.items()
    ]
    told = {"made_at": "-", "made_by": "-", "head": {}, "counts": {}, "members": members}
    said = json.dumps({"format": archive.FORMAT, "schema": "0002", **told}).encode()
    file = io.BytesIO()
    for name, held in {archive.MANIFEST: said, **contents}.items():
        archive.put(file, name, io.BytesIO(held), len(held), 0)
    archive.finish(file)
    return file.getvalue()


class _Policy:
    """A policy is refused with its mistakes, or judges any PC without failing."""

    def __init__(self, tables: Tables) -> None:
        self._subjects = [subject(tables), subject({}), Subject(subject({}).pc, None)]
        self._words = [Words("zh"), Words("en")]

    def one(self, data: bytes) -> None:
        source = Source("fuzz.yaml", data[:LARGEST])
        policy = Loader(source).load(compose(source))
        for mistake in source.mistakes:
            for words in self._words:
                mistake.text(words).encode("utf-8")
            if mistake.place.line < 1 or mistake.place.column < 1:
                raise Finding("a mistake that stands nowhere")
        if policy is None or source.wrong:
            if not source.wrong:
                raise Finding("neither a policy nor a mistake")
            return
        for one in self._subjects:
            judge(policy, one, NOW)


def policy_seeds() -> list[bytes]:
    """The shipped policies, whole and rule by rule."""
    found = []
    for path in sorted(bundled("policies").glob("*.yaml")):
        text = path.read_text("utf-8")
        found.append(text.encode("utf-8"))
        head, _, rules = text.partition("\nrules:\n")
        for rule in rules.split("\n\n"):
            found.append(f"{head}\nrules:\n{rule}\n".encode())
    return found
