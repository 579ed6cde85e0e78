"""What a run of the agent costs this PC, beside the peers that are installed here: ``make bench``.

Every command is run --runs times, in turn with the others, as a whole process with all it starts. Printed are the
median wall time and the largest peak memory (ru_maxrss of wait4). The goal: at most half of what the quickest peer
takes in the same run. An own server on loopback takes the signed reports; an unchanged PC sends only what changed.
The agent runs as it does where it is installed: the system's Python, isolated (-I), its byte-code compiled.

Peers, where installed: fusioninventory-agent, ocsinventory-agent, lynis (Debian packages of these names).
"""

# ruff: noqa: S603  # the commands below are written here

from __future__ import annotations

import argparse
import contextlib
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
# A PC runs the agent with the system's Python, not through a version manager.
PYTHON = next(path for path in ("/usr/bin/python3", sys.executable) if Path(path).exists())
START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from muster_agent.cli import start; start()"
PEERS = ("fusioninventory-agent", "ocsinventory-agent", "lynis")


@dataclass
class Contestant:
    """A command, and what its runs came to."""

    name: str
    argv: list[str]
    accepted: tuple[int, ...] = (0,)
    seconds: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)

    def run(self) -> None:
        """Run it once. Raises ``RuntimeError`` when it fails: a run that gave up early costs nothing."""
        started = time.perf_counter()
        with subprocess.Popen(self.argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            assert process.stderr is not None
            complaint = process.stderr.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        self.seconds.append(time.perf_counter() - started)
        self.megabytes.append(usage.ru_maxrss / 1024)
        if process.returncode not in self.accepted:
            raise RuntimeError(
                f"{self.name} ended with {process.returncode}: {complaint.decode(errors='replace')[-300:]}"
            )

    @property
    def median(self) -> float:
        """Seconds."""
        return statistics.median(self.seconds)

    @property
    def peak(self) -> float:
        """Megabytes."""
        return max(self.megabytes)


def peers(folder: Path, wanted: list[str]) -> Iterator[Contestant]:
    """The ``wanted`` inventories and audits that are installed here, writing to a folder instead of a server."""
    (folder / "ocs").mkdir()
    commands = {
        "fusioninventory-agent": ["fusioninventory-inventory"],
        "ocsinventory-agent": ["ocsinventory-agent", f"--local={folder / 'ocs'}"],
        "lynis": [
            "lynis",
            "audit",
            "system",
            "--quick",
            "--quiet",
            "--logfile",
            str(folder / "lynis.log"),
            "--report-file",
            str(folder / "lynis.dat"),
        ],
    }
    for name in wanted:
        argv = commands[name]
        program = shutil.which(argv[0])
        if program is None:
            print(f"{name} is not installed here and is left out")
        else:
            yield Contestant(name, [program, *argv[1:]], tuple(range(256)) if name == "lynis" else (0,))


def installed(folder: Path) -> list[str]:
    """The command of an agent laid down in ``folder`` as its package does."""
    place = folder / "agent"
    shutil.copytree(
        ROOT / "agent" / "muster_agent", place / "muster_agent", ignore=shutil.ignore_patterns("__pycache__")
    )
    subprocess.run([PYTHON, "-m", "compileall", "-q", str(place)], check=True)
    return [PYTHON, "-IB", "-c", START, str(place)]


@contextlib.contextmanager
def enrolled(folder: Path, agent: list[str]) -> Iterator[Path]:
    """A server on loopback and the home of an agent enrolled there."""
    data, home, token = folder / "server", folder / "home", folder / "token.txt"
    muster = [str(BIN / "muster"), "--data", str(data)]
    for command in (["init"], ["token", "--unit", "bench", "--output", str(token)]):
        subprocess.run([*muster, *command], check=True, capture_output=True)
    with subprocess.Popen([*muster, "serve", "--port", "0"], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = next(found.group() for line in server.stdout if (found := re.search(r"http://[0-9.:]+", line)))
            command = [*agent, "enrol", address, "--token-file", str(token), "--home", str(home)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            yield home
        finally:
            server.terminate()


def left_behind() -> list[int]:
    """The memory, in bytes, of each process of the agent that is still there after its runs."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (folder / "cmdline").read_bytes()
            if b"muster_agent.cli" in command and int(folder.name) != os.getpid():
                pages = int((folder / "statm").read_text().split()[1])
                found.append(pages * resource.getpagesize())
    return found


def main() -> int:
    """Run everything, print the figures, and end with 1 when the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=11, help="runs of each command (default 11)")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS, help="the peers to run (default: all)")
    arguments = parser.parse_args()
    runs: int = arguments.runs
    with contextlib.ExitStack() as stack:
        name = stack.enter_context(tempfile.TemporaryDirectory())
        agent = installed(Path(name))
        home = stack.enter_context(enrolled(Path(name), agent))
        ours = [
            Contestant("python alone (floor)", [PYTHON, "-IB", "-c", "pass"]),
            Contestant("muster-agent, collecting alone", [*agent, "check", "--json"], (0, 3)),
            Contestant("muster-agent, whole signed run", [*agent, "run", "--home", str(home)]),
        ]
        others = list(peers(Path(name), arguments.peers))
        for contestant in [*ours, *others]:
            contestant.run()  # the first run warms the disk cache and is not counted
            contestant.seconds.clear()
            contestant.megabytes.clear()
        for _ in range(runs):
            for contestant in [*ours, *(peer for peer in others if peer.name != "lynis")]:
                contestant.run()
        for lynis in (peer for peer in others if peer.name == "lynis"):
            lynis.run()  # takes most of a minute: once is enough to place it
    print(f"{'median of ' + str(runs) + ' runs':34}{'seconds':>9}{'peak MB':>9}")
    for contestant in [*ours, *others]:
        print(f"{contestant.name:34}{contestant.median:9.3f}{contestant.peak:9.1f}")
    resident = left_behind()
    print(f"{'left in memory after the runs':34}{sum(resident):>9} bytes in {len(resident)} processes")
    if not others:
        print("no peer is installed: nothing to compare with")
        return 0
    lightest, whole = min(others, key=lambda peer: peer.median), ours[2]
    print(f"{'goal: half of ' + lightest.name:34}{lightest.median / 2:9.3f}{lightest.peak / 2:9.1f}")
    met = whole.median <= lightest.median / 2 and whole.peak <= lightest.peak / 2 and not resident
    share = f"{whole.median / lightest.median:.0%} of its time and {whole.peak / lightest.peak:.0%} of its memory"
    print(f"the goal is {'met' if met else 'MISSED'}: the whole signed run takes {share}")
    return int(not met)


if __name__ == "__main__":
    sys.exit(main())
