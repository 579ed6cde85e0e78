"""Coverage-guided fuzzing of everything that reads bytes of a stranger: scorecard 14 (security.md §6).

    python tests/torture/fuzz_door.py                          every target, a minute each
    python tests/torture/fuzz_door.py policy --seconds 600     one target
    python tests/torture/fuzz_door.py all --runs 1000000       each so many runs
    python tests/torture/fuzz_door.py rows --again FILE        what was found, once more

It needs atheris (libFuzzer for Python), which is no dependency of the project: it has to be built for each Python and
is of use here alone. Exit codes: 0 nothing found, 1 something was found, 2 usage, 3 atheris is not there.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
NAMES = ("envelope", "report", "body", "rows", "enrolment", "rotation", "acts", "stick", "backup", "policy")
LARGEST = {"backup": 65536, "policy": 16384}  # bytes tried; 4096 otherwise
MISSING = """atheris is not installed. In an environment of its own, from the top of the checkout:
    python3.11 -m venv /tmp/fuzzing && /tmp/fuzzing/bin/pip install atheris '.[server]'
    /tmp/fuzzing/bin/python tests/torture/fuzz_door.py"""
_DONE = re.compile(r"Done (\d+) runs in (\d+) second")
_PULSE = re.compile(r"^#(\d+)\t", re.MULTILINE)


def fuzz(name: str, runs: int, seconds: int, corpus: Path) -> None:
    """Fuzz one target in this process, which ends with it."""
    import atheris

    with atheris.instrument_imports(include=["muster_agent", "muster_server"], enable_loader_override=False):
        import fuzz_targets

        target = fuzz_targets.targets(Path(tempfile.mkdtemp()))[name]
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    words = corpus.parent / "words"
    words.write_text("".join(f'"{word}"\n' for word in fuzz_targets.vocabulary()), "ascii")
    limit = LARGEST.get(name, 4096)
    limits = [f"-runs={runs}", f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=2000", f"-max_len={limit}"]
    kept = [f"-artifact_prefix={corpus.parent}/{name}-", f"-dict={words}", str(corpus)]
    atheris.Setup([sys.argv[0], *limits, *kept], target.one)
    atheris.Fuzz()


def watched(name: str, runs: int, seconds: int, folder: Path, say: Callable[[str], object] = print) -> bool:
    """Fuzz one target in a process of its own; returns whether nothing was found."""
    corpus = folder / name
    corpus.mkdir(parents=True, exist_ok=True)
    line = [sys.executable, __file__, name, "--runs", str(runs), "--seconds", str(seconds), "--corpus", str(corpus)]
    began = time.monotonic()
    log = folder / f"{name}.log"
    with log.open("wb") as file:
        done = subprocess.run(line, stdout=file, stderr=subprocess.STDOUT, env={**os.environ, "TMPDIR": str(folder)})
    said = log.read_text("utf-8", "replace")
    found, pulses = _DONE.search(said), _PULSE.findall(said)
    count = int(found[1]) if found else int(pulses[-1]) if pulses else 0
    took = time.monotonic() - began
    verdict = "nothing found" if done.returncode == 0 and found else f"FOUND something, see {log}"
    say(f"{name:10} {count:>10,} runs  {took:6.0f} s  {verdict}")
    return done.returncode == 0 and found is not None


def main() -> int:
    """Fuzz what is asked for."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("target", nargs="?", default="all", choices=("all", *NAMES))
    parser.add_argument(
        "--runs", type=int, default=-1, metavar="N", help="of each target; -1: as many as there is time"
    )
    parser.add_argument("--seconds", type=int, default=60, metavar="S", help="for each target")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where corpus, logs and findings are kept")
    parser.add_argument("--again", type=Path, metavar="FILE", help="run the target once, with what was found")
    parser.add_argument("--corpus", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    sys.path[:0] = [str(HERE), str(ROOT / "agent"), str(ROOT / "server")]
    if asked.again is not None:
        import fuzz_targets

        fuzz_targets.targets(Path(tempfile.mkdtemp()))[asked.target].one(asked.again.read_bytes())
        return 0
    if importlib.util.find_spec("atheris") is None:
        print(MISSING, file=sys.stderr)
        return 3
    if asked.corpus is not None:
        fuzz(asked.target, asked.runs, asked.seconds, asked.corpus)
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="muster-fuzz-"))
    names = NAMES if asked.target == "all" else (asked.target,)
    found = [name for name in names if not watched(name, asked.runs, asked.seconds, folder)]
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
