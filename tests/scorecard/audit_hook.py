"""Scorecard line 9, the run: what runs code in a server while strangers and readers ask it everything.

``python tests/scorecard/audit_hook.py [SECONDS]`` prints how many such events a server process saw from its start on
(exec, compile, a process, pickle, a library, an import), the requests it answered meanwhile, and the first event of
each kind. The target is 0. That no such call stands in the code is tests/test_house_rules.py.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import hostile_memory
import served
import small_office

from muster_server.web import acting

PROGRAM = str(Path(__file__).with_name("audited_server.py"))


def events(seconds: float = 10.0) -> tuple[dict[str, Any], int]:
    """What the hook counted, and the requests that were made."""
    with tempfile.TemporaryDirectory() as folder:
        office = served.prepare(Path(folder))
        counted = Path(folder) / "audited.json"
        os.environ["MUSTER_AUDITED"] = str(counted)
        try:
            with served.serve(office, (PROGRAM,)) as running:
                time.sleep(0.5)  # it has said where it listens; its threads have begun
                running.process.send_signal(signal.SIGUSR1)
                made = ask_all(running) + hostile_memory.send_all(running)
                if seconds:
                    import burst

                    made += burst.burst(office, seconds, 3, url=running.url).cases
                running.process.send_signal(signal.SIGUSR2)
                until = time.monotonic() + 20
                while not counted.exists() and time.monotonic() < until:
                    time.sleep(0.1)
                time.sleep(0.2)
                return json.loads(counted.read_text("utf-8")), made
        finally:
            del os.environ["MUSTER_AUDITED"]


def ask_all(running: Any) -> int:
    """Ask everything a reader may ask, in every form; returns how many requests that were."""
    month = small_office.this_month()
    places = ["/", "/nothing", "/healthz", "/readyz", "/metrics", "/v1/audit", "/v1/openapi.json"]
    for path in ("/v1/office", "/v1/pcs/PC-0001", "/v1/pcs/nobody", "/v1/rules/AV-001", f"/v1/months/{month}"):
        places += [f"{path}?form={form}&lang={lang}" for form, lang in (("html", "zh"), ("text", "en"), ("json", "zh"))]
    attacker = hostile_memory.Attacker(running.office)
    for place in places:
        for headers in ([], [attacker.administrator]):
            hostile_memory.send(running, hostile_memory.request("GET", place, headers))
    acts = ({"unit": "科"}, {"unit": 1}, {})
    for name in sorted(acting.acts()):
        for asked in acts:
            body = json.dumps(asked).encode()
            headers = [attacker.administrator, "Content-Type: application/json"]
            hostile_memory.send(running, hostile_memory.request("POST", f"/v1/acts/{name}", headers, body))
    return len(places) * 2 + len(acts) * len(acting.acts())


def count(seconds: float = 10.0) -> int:
    """How many events."""
    return sum(events(seconds)[0]["events"].values())


if __name__ == "__main__":
    said, requests = events(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0)
    for what, where in said["places"].items():
        print(f"{said['events'][what]} x {what}\n{where}")
    print(f"{sum(said['events'].values())} events in {requests} requests")
