"""``make accuracy``: every recording of others against our parsers, by system and topic.

Prints how many cases came out right, unknown, wrong, and how many nobody states an answer for; lists the wrong ones,
and with --unknown the unknown ones with their reasons. Ends with 1 when anything is wrong: an unknown is a gap, a wrong
answer is a lie.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
for folder in (HERE, ROOT / "agent", ROOT / "server"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from cases import RIGHT, UNKNOWN, UNSTATED, WRONG, Entry, Result, entries  # noqa: E402

VERDICTS = (RIGHT, UNKNOWN, WRONG, UNSTATED)
FAILED = "the reader failed"  # how the detail of an unknown begins that is a fault of the reader


def readers() -> Iterator[ModuleType]:
    """The modules in readers/."""
    for path in sorted((HERE / "readers").glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"accuracy_{path.stem}", path)
        if spec is None or spec.loader is None:
            raise ImportError(str(path))
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        yield module


def of_reader(module: ModuleType, members: list[Entry]) -> list[Result]:
    """The results of one reader. When it fails, the raw files it fails at when it is given them alone are unknown, and
    the others are read without them: some stand for one system together."""
    try:
        return list(module.score(members))
    except Exception:  # a damaged recording may raise anything, and ends one verdict, not the run
        pass
    found: list[Result] = []
    alone: list[Result] = []
    good = [entry for entry in members if entry.kind != "raw"]
    beside = tuple(good)
    for entry in members:
        if entry.kind != "raw":
            continue
        try:
            alone += list(module.score([*beside, entry]))
            good.append(entry)
        except Exception as error:
            found.append(Result(entry.file, UNKNOWN, f"{FAILED}: {type(error).__name__}: {error}"[:200]))
    try:
        return found + list(module.score(good))
    except Exception:  # they fail together only
        return found + alone


def scored(all_entries: Iterable[Entry]) -> dict[tuple[str, str], list[Result]]:
    """The results by (platform, topic). A raw file that no reader says anything of is unknown, and so is a topic that
    nobody reads: nothing is left out of the count."""
    by_topic: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in all_entries:
        by_topic[entry.platform, entry.topic].append(entry)
    found: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for module in readers():
        for topic in sorted(set(module.READS) & set(by_topic)):
            found[topic] += of_reader(module, by_topic[topic])
    for topic, members in by_topic.items():
        said = {result.file for result in found[topic]}
        missing = [entry for entry in members if entry.kind == "raw" and entry.file not in said]
        found[topic] += [Result(entry.file, UNKNOWN, "nothing of ours reads this kind") for entry in missing]
    return found


def table(found: dict[tuple[str, str], list[Result]]) -> list[str]:
    """The figures, one line a topic."""
    lines = [f"{'system':9}{'topic':13}" + "".join(f"{verdict:>10}" for verdict in VERDICTS)]
    total: Counter[str] = Counter()
    for (platform, topic), results in sorted(found.items()):
        counts = Counter(result.verdict for result in results)
        total.update(counts)
        lines.append(f"{platform:9}{topic:13}" + "".join(f"{counts[verdict]:>10}" for verdict in VERDICTS))
    return [*lines, f"{'all':22}" + "".join(f"{total[verdict]:>10}" for verdict in VERDICTS)]


def main() -> int:
    """Score, print, and end with 1 when anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--unknown", action="store_true", help="list what is unknown, with the reasons")
    parser.add_argument("--topic", help="one topic only, e.g. packages")
    arguments = parser.parse_args()
    recorded = Path(os.environ.get("MUSTER_SHARED", ROOT.parent / "shared")) / "recorded"
    if not (recorded / "index.tsv").is_file():
        print(f"no recordings in {recorded}: set MUSTER_SHARED to the folder that holds recorded/", file=sys.stderr)
        return 2
    chosen = [entry for entry in entries(recorded) if arguments.topic in (None, entry.topic)]
    found = scored(chosen)
    print("\n".join(table(found)))
    for verdict in (WRONG, UNKNOWN) if arguments.unknown else (WRONG,):
        for results in found.values():
            for result in results:
                if result.verdict == verdict:
                    print(f"{verdict}: {result.file}: {result.detail}")
    return int(any(result.verdict == WRONG for results in found.values() for result in results))


if __name__ == "__main__":
    sys.exit(main())
