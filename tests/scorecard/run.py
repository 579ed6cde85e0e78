"""The scorecard of security.md §6, measured: 32 figures, each beside its target.

    python tests/scorecard/run.py [--lines 1,2,30-32] [--quick] [--write]

Every line runs in a process of its own. ``--quick`` takes small numbers, to see that everything runs; ``--write`` puts
the card into docs/figures.md, with the day and the machine. What is measured where stands in lines.py.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FIGURES = ROOT / "docs" / "figures.md"
BEGIN, END = "<!-- scorecard: written by make scorecard -->", "<!-- end of scorecard -->"
LIMIT = 3600  # seconds for one line

sys.path.insert(0, str(HERE))

from lines import LINES, together  # noqa: E402


def one(number: int, quick: bool) -> list[list[object]]:
    """Measure a line, and those measured with it, in a process of its own; one that breaks is not met, and says so."""
    words = [sys.executable, str(HERE / "lines.py"), str(number), *(["--quick"] if quick else [])]
    done = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT, cwd=ROOT)
    found = done.stdout.strip().rsplit("\n", 1)[-1]
    if done.returncode != 0 or not found.startswith("["):
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        said = f"broken: {last}"[:200]
        return [[each, LINES[each].names[0], LINES[each].targets[0], said, False] for each in together(number)]
    measured: list[list[object]] = json.loads(found)
    return measured


def table(rows: list[list[object]], spent: float, quick: bool) -> str:
    """The card in Markdown."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = f"{os.cpu_count()} cores, {memory:.0f} GB, {platform.system()} {platform.release()}, CPython "
    machine += platform.python_version()
    how = "make scorecard" + (" ARGS=--quick" if quick else "")
    lines = [f"`{how}`, {date.today()}, {machine}; {spent / 60:.0f} min.", "", "| # | figure | target | measured | |"]
    lines.append("|--|--|--|--|--|")
    for number, name, target, figure, met in rows:
        lines.append(f"| {number} | {name} | {target} | {figure} | {'' if met else '**not met**'} |")
    return "\n".join(lines)


def asked_lines(said: str) -> list[int]:
    """1,2,30-32 as numbers."""
    numbers = []
    for part in said.split(","):
        found = re.fullmatch(r"([0-9]+)(?:-([0-9]+))?", part)
        if found is None:
            sys.exit(f"--lines: {part!r} is neither a number nor two with a dash")
        numbers += range(int(found[1]), int(found[2] or found[1]) + 1)
    strange = sorted(set(numbers) - set(LINES))
    if strange:
        sys.exit(f"--lines: there is no line {', '.join(map(str, strange))}; there are 1 to {max(LINES)}")
    return numbers


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--lines", default="1-32")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    rows: list[list[object]] = []
    began = time.monotonic()
    wanted = asked_lines(asked.lines)
    whole = not asked.quick and set(wanted) == set(LINES)
    text = FIGURES.read_text("utf-8")
    if BEGIN not in text or END not in text:  # told now, not after an hour
        sys.exit(f"{FIGURES} has no place for the card: the lines {BEGIN} and {END}")
    done: set[int] = set()
    for number in wanted:
        if number in done:
            continue
        before = time.monotonic()
        for row in one(number, asked.quick):
            done.add(int(str(row[0])))
            if row[0] in wanted:
                rows.append(row)
                print(f"{row[0]:3} {row[1]}: {row[3]} (target {row[2]}){'' if row[4] else '  NOT MET'}", flush=True)
        print(f"      {time.monotonic() - before:.0f} s", file=sys.stderr, flush=True)
    card = table(rows, time.monotonic() - began, asked.quick)
    if asked.write and not whole:
        print("docs/figures.md stays as it is: only the whole card, measured in full, is written there")
    elif asked.write:
        before, _, rest = text.partition(BEGIN)
        FIGURES.write_text(f"{before}{BEGIN}\n{card}\n{END}{rest.partition(END)[2]}", "utf-8")
    return 0 if all(row[-1] for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
