"""Checks the whole database: every signature, every body, every PC's chain, and the server's chain of all of them.

What is checked               so that is noticed
signature of each report      whatever is changed in an envelope, its PC, its key, its number
body against the envelope     a body that was changed or exchanged
the PC's chain                a report that is missing, or stands in another place: gaps are named
the server's chain            the same for all PCs together, and a changed time of receipt
agents.last_seq, last_digest  the last report of a PC that was removed
history against bodies        tables, manifests and intervals that do not say what the PC signed
enrolments and rotations      a key that was given to a PC behind its back
a head noted elsewhere        the very last report removed with every trace of it, or a chain made anew
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row

from muster_agent.sending.envelope import FIRST, Envelope, Malformed, chain_head
from muster_server.evidence import bodies, known
from muster_server.evidence.findings import Findings
from muster_server.evidence.known import Known, Line
from muster_server.evidence.signatures import Claim, Signatures
from muster_server.store import audit, evidence
from muster_server.store.evidence import Head
from muster_server.store.schema import EPOCH, moment_text, reports
from muster_server.store.statements import envelope_of

PRUNED = "history.prune"  # the act, as the audit log names it
STEP = 1000  # reports between two words about how far it is

Progress = Callable[[int, int], None]  # reports that were checked, and all of them


@dataclass(frozen=True)
class Verified:
    """What a check of a whole database found."""

    findings: Findings
    begins: Head  # what was before the first report that is kept
    pruned_until: str | None  # until when older ones were removed because their term had passed
    head: Head  # of the chain that was found: note it elsewhere, and a later check can be held against it
    audit: Head


def verify(
    connection: Connection,
    progress: Progress = lambda done, total: None,
    noted: Head | None = None,
    processes: int | None = None,
) -> Verified:
    """Check everything in one consistent moment. ``noted`` is a head that was noted elsewhere earlier."""
    findings = Findings()
    total = evidence.count(connection, reports)
    begins, pruned_until = evidence.beginning(connection)
    with Signatures(total, lambda of: findings.add(**of), processes) as signatures:
        lines = known.lines(connection, findings)
        walk = _Walk(findings, signatures, lines, known.keys(connection, findings, signatures), begins)
        for row in evidence.walk(connection):
            walk.take(row)
            if walk.count % STEP == 0:
                progress(walk.count, total)
        progress(walk.count, total)
        walk.end(pruned_until)
        bodies.check(connection, findings)
        bodies.check_conflicts(connection, findings, signatures, walk.keys.values())
    _check_audit(connection, begins, findings)
    if noted is not None:
        _held_against(connection, noted, begins, walk.head, findings)
    return Verified(findings, begins, pruned_until, walk.head, evidence.audit_head(connection))


def _held_against(connection: Connection, noted: Head, begins: Head, head: Head, findings: Findings) -> None:
    if noted.position < begins.position:
        findings.add("head_before_beginning", noted=noted, begins=begins.position)
    elif noted.position > head.position:
        findings.add("head_beyond", noted=noted, last=head.position)
    elif evidence.head_at(connection, noted.position) != noted:
        findings.add("head_differs", noted=noted)


def _check_audit(connection: Connection, begins: Head, findings: Findings) -> None:
    """The audit log's own chain; and whoever removed the oldest reports as past their term must have said so there."""
    logged = begins.position == 0
    for entry in audit.entries(connection):
        findings.count("audit")
        if not entry.sound:
            findings.add("audit", position=entry.position)
        detail = entry.entry.detail
        if entry.entry.act == PRUNED and isinstance(detail.get("position"), int):
            same = detail["position"] == begins.position and detail.get("chain") == begins.chain
            logged = logged or same or detail["position"] > begins.position  # that one was interrupted
    if not logged:
        findings.add("pruned_unlogged", position=begins.position)


class _Walk:
    """Goes along the chain; knows where it and each PC's own stand."""

    def __init__(
        self,
        findings: Findings,
        signatures: Signatures,
        lines: dict[int, Line],
        keys: dict[int, Known],
        begins: Head,
    ) -> None:
        self.findings = findings
        self.signatures = signatures
        self.lines = lines
        self.keys = keys
        self.head = begins
        self.begins = begins
        self.count = 0

    def take(self, row: Row[Any]) -> None:
        """The next report."""
        self.count += 1
        self.findings.count("reports")
        line, key = self.lines.get(row.agent), self.keys.get(row.key)
        where = {"position": row.position, "seq": row.seq, "agent": "?" if line is None else line.id}
        if row.position != self.head.position + 1:
            self.findings.add("positions_missing", first=self.head.position + 1, last=row.position - 1)
        chain = evidence.hexadecimal(row.chain)
        try:
            envelope, at = _envelope(row, line, key)
        except (Malformed, TypeError, ValueError, OverflowError, AttributeError) as error:
            self.findings.add("unreadable", **where, why=str(error)[:200])
            self.head = Head(row.position, chain)
            return
        if chain != chain_head(self.head.chain, envelope.digest, at):
            self.findings.add("chain", **where)
        self.head = Head(row.position, chain)
        assert line is not None and key is not None
        if key.agent != line.id:
            self.findings.add("key_of_another", **where, key=key.id)
        claim = Claim(key.public_key, row.signature, envelope.to_bytes(), {"code": "signature", **where})
        if isinstance(row.signature, bytes):
            self.signatures.check(claim)
        else:
            self.findings.add(**claim.of)
        self._follow(line, envelope, where)
        self._in_history(line, row, where)

    def _follow(self, line: Line, envelope: Envelope, where: dict[str, Any]) -> None:
        """The PC's own chain."""
        first = not line.seen
        if envelope.seq <= line.seq:
            self.findings.add("order", **where)
        elif envelope.seq == line.seq + 1 and not (first and self.begins.position):
            # Signed so by the PC's key: two machines have had it. Nobody who lacks the key can bring this about.
            if envelope.previous != line.digest:
                self.findings.fork(line.id, envelope.seq)
        elif not (first and self.begins.position):
            self.findings.gap(line.id, line.seq + 1, envelope.seq - 1)
        line.seq, line.digest, line.seen = envelope.seq, envelope.digest, True

    def _in_history(self, line: Line, row: Row[Any], where: dict[str, Any]) -> None:
        """What the views show for that time is what this report says."""
        while line.interval < len(line.intervals) and line.intervals[line.interval][1] < row.seq:
            line.interval += 1
        found = line.intervals[line.interval] if line.interval < len(line.intervals) else None
        if found is None or not (found[0] <= row.seq <= found[1] and found[2] == row.manifest):
            self.findings.add("history", **where)

    def end(self, pruned_until: str | None) -> None:
        """Where each chain must have ended."""
        for line in self.lines.values():
            if line.seen:
                told = (line.last_seq, line.last_digest) == (line.seq, line.digest)
            elif pruned_until is not None and isinstance(line.last_report, str):
                told = line.last_report <= pruned_until  # all of its reports have passed their term
            else:
                told = (line.last_seq, line.last_digest) == (0, FIRST)
            if not told:
                self.findings.add("last_report", agent=line.id, last=line.last_seq, seq=line.seq)


def _envelope(row: Row[Any], line: Line | None, key: Known | None) -> tuple[Envelope, str]:
    """The envelope of a row, checked field by field, and when it was received."""
    missing = [name for name, part in (("agent", line), ("key", key)) if part is None]
    missing += [name for name in ("boot_id", "body_digest") if getattr(row, name) is None]
    if missing or line is None or key is None:
        raise ValueError(f"{', '.join(missing)} ?")
    envelope = envelope_of(row, line.id, key.id)
    Envelope.parse(envelope.to_bytes())
    return envelope, moment_text(EPOCH + timedelta(microseconds=row.received_at))
