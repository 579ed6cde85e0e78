"""Scorecard line 1: routes that answer without a credential beyond the three named, and routes for readers that take
what belongs to a PC. ``python tests/scorecard/routes.py`` prints both; the target is 0 and 0.
"""

from __future__ import annotations

import base64
import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import small_office

from muster_agent.sending.keys import SigningKey
from muster_server.access.roles import Need
from muster_server.web.declared import Caller

OPEN = {"/healthz", "/readyz", "/v1/enrol"}
PLACES = {"{pc:path}": "PC-0001", "{rule:path}": "AV-001", "{month}": "2026-11", "{act}": "tokens.issue"}
REFUSED = (401, 403)


def addresses(office: Any) -> Iterator[tuple[str, str, Caller | Need]]:
    """Method, address and mark of every route; a route without a mark is a fault of its own."""
    for route in office.application.routes:
        declared = route.path.replace(":path}", "}")
        path = route.path
        for place, value in PLACES.items():
            path = path.replace(place, value)
        for method in sorted(route.methods):
            yield method, path, office.application.marks[method, declared]


def wrong_for_readers(office: Any) -> dict[str, list[tuple[str, str]]]:
    """What must not open a readers' route, by name: nothing at all, and everything that is wrong in one way."""
    good = office.credentials["administrator"]

    def basic(text: str) -> str:
        return "Basic " + base64.b64encode(text.encode()).decode()

    single = {
        "empty": "",
        "bearer without a token": "Bearer",
        "bearer with blanks": "Bearer   ",
        "unknown": "Bearer mra_" + "A" * 43,
        "expired": f"Bearer {office.credentials['expired']}",
        "revoked": f"Bearer {office.credentials['revoked']}",
        "truncated": f"Bearer {good[:-1]}",
        "one longer": f"Bearer {good}A",
        "case changed": f"Bearer {good.swapcase()}",
        "a blank inside": f"Bearer {good[:20]} {good[20:]}",
        "a tab inside": f"Bearer {good[:20]}\t{good[20:]}",
        "in quotes": f'Bearer "{good}"',
        "bare": good,
        "another scheme": f"Digest {good}",
        "its hash": f"Bearer {hashlib.sha256(good.encode()).hexdigest()}",
        "basic, empty password": basic("administrator:"),
        "basic, as the name": basic(f"{good}:"),
        "basic, no colon": basic(good),
        "basic, a blank before": basic(f"x: {good}"),
        "basic, a line after": basic(f"x:{good}\n"),
        "basic, not base64": "Basic !!!",
        "two in one": f"Bearer {good}, Bearer {good}",
        "other letters": "Bearer mra_" + "é" * 43,
        "long": "Bearer mra_" + "A" * 6000,
        "a format": "Bearer %s%n{0}",
        "SQL": "Bearer mra_' OR 1=1 --",
        "an enrolment token": f"Bearer {office.token}",
        "an enrolment token, basic": basic(f"x:{office.token}"),
    }
    wrong = {name: [("Authorization", value)] for name, value in single.items()}
    wrong["nothing"] = []
    wrong["two headers"] = [("Authorization", f"Bearer {good}")] * 2
    wrong["a good one after a bad one"] = [("Authorization", "Bearer x"), ("Authorization", f"Bearer {good}")]
    wrong["in the address"] = [("X-Authorization", f"Bearer {good}"), ("Cookie", f"token={good}")]
    wrong["a PC's signature"] = signed()
    return wrong


def signed() -> list[tuple[str, str]]:
    """The headers of a PC that signs, with a key of its own."""
    key = SigningKey.generate()
    envelope = b"PCCR/1\n" + b"x" * 40
    return [
        ("Muster-Envelope", base64.b64encode(envelope).decode()),
        ("Muster-Signature", base64.b64encode(key.sign(envelope)).decode()),
        ("Muster-Predecessor-Signature", base64.b64encode(key.sign(b"x")).decode()),
        ("Content-Encoding", "gzip"),
    ]


def unguarded(office: Any) -> list[str]:
    """Routes beyond the named ones that let a caller without a credential past."""
    found = []
    for method, path, mark in addresses(office):
        if path in OPEN:
            continue
        answer = office.client.ask(method, path, [("Content-Type", "application/json")], b"{}")
        if answer.status != 401:
            found.append(f"{method} {path} ({mark}): {answer.status}")
    return found


def opened_by_pcs(office: Any) -> list[str]:
    """Readers' routes that take an enrolment token or a PC's signature."""
    wrong = wrong_for_readers(office)
    found = []
    for method, path, mark in addresses(office):
        if not isinstance(mark, Need):
            continue
        for kind in ("an enrolment token", "an enrolment token, basic", "a PC's signature"):
            answer = office.client.ask(method, path, [*wrong[kind], ("Content-Type", "application/json")], b"{}")
            if answer.status != 403:
                found.append(f"{method} {path} with {kind}: {answer.status}")
    return found


def figures() -> tuple[int, int]:
    """Routes reachable without a credential beyond the three; readers' routes that a PC's credential opens."""
    with tempfile.TemporaryDirectory() as folder:
        office = small_office.make(Path(folder) / "data")
        try:
            return len(unguarded(office)), len(opened_by_pcs(office))
        finally:
            office.close()


if __name__ == "__main__":
    print("routes without a credential beyond the three: {}; opened by a PC's credential: {}".format(*figures()))
