"""The application as it is served: what it loads, what runs while it answers, and how much a hostile request takes."""

from __future__ import annotations

import sys
from pathlib import Path

SCORECARD = str(Path(__file__).resolve().parents[1] / "scorecard")
if SCORECARD not in sys.path:
    sys.path.insert(0, SCORECARD)


def test_no_request_makes_the_server_run_code_it_did_not_have_when_it_began_to_listen() -> None:
    import audit_hook

    said, requests = audit_hook.events(0)
    assert said["events"] == {}, said["places"]
    assert requests > 80


def test_the_hook_sees_what_it_watches_for(tmp_path: Path) -> None:
    import subprocess

    program = (
        "import audited_server as a, sys; sys.addaudithook(a.hook); a.arm(); compile('1', 'x', 'eval');"
        "import subprocess; subprocess.run(['/bin/true']); print(sorted(a.events))"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=SCORECARD, capture_output=True, text=True, check=True)
    assert "'compile'" in ran.stdout
    assert "'subprocess.Popen'" in ran.stdout


def test_B01_B16_one_hostile_request_takes_at_most_20_MB_more(tmp_path: Path) -> None:
    import hostile_memory
    import served

    office = served.prepare(tmp_path)
    for name in ("B01 zip bomb, 200 MB in 200 kB", "B16 10 million rows claimed"):  # the worst; the rest: scorecard 15
        more, status = hostile_memory.measured(office, hostile_memory.REQUESTS[name])
        assert more <= 20 * 1024, name
        assert status in ("413", "422")
