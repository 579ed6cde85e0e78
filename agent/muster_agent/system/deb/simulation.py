"""What apt itself would do: the words of ``apt-get -s upgrade``, read back."""

from __future__ import annotations

import re

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead, Machine, program_failed

# NoLocking: any user may ask, and a running installation is not disturbed. The rest: run by root, even a simulation
# writes its caches and a log of the planner; the agent leaves nothing behind.
READ_ONLY = ["Debug::NoLocking=true", "Dir::Cache::pkgcache=", "Dir::Cache::srcpkgcache=", "Dir::Log::Planner="]
OPTIONS = [word for option in READ_ONLY for word in ("-o", option)]
UPGRADE = ["/usr/bin/apt-get", *OPTIONS, "-s", "upgrade"]
POLICY = ["/usr/bin/apt-cache", *OPTIONS, "policy"]
INST = re.compile(
    r"^Inst (?P<name>\S+) \[(?P<installed>[^]]+)\] \((?P<version>\S+) (?P<origin>.*?) ?\[(?P<arch>[^][]+)\]\)"
)
# The end of what it prints, whether or not there is anything to do. Both: apt up to 2.9 and apt 3.
SUMMARY = re.compile(r"^(?:[0-9]+ upgraded, |Summary:|  Upgrading: [0-9])", re.MULTILINE)
KEPT = ("The following packages have been kept back:", "Not upgrading:")


@dataclass(frozen=True)
class Pending:
    """One package apt would upgrade, or keeps back although something newer is on offer."""

    name: str
    arch: str  # empty: the PC's own
    available: str
    origin: str  # empty where apt does not say


def parse(text: str) -> tuple[list[Pending], list[str]]:
    """(what apt would upgrade, the names it keeps back). Raises ``not_understood`` for an Inst line it cannot read."""
    pending: list[Pending] = []
    kept: list[str] = []
    in_kept = False
    for line in text.splitlines():
        if line.startswith("Inst "):
            match = INST.match(line)
            if match is not None:
                name, _, arch = match.group("name").partition(":")
                origin = ", ".join(sorted(set(match.group("origin").split(", "))))
                pending.append(Pending(name, arch, match.group("version"), origin))
            elif "[" not in line.partition("(")[0]:
                continue  # a package that is not installed yet, pulled in as a dependency
            else:
                raise CannotRead("not_understood", line[:120])
        elif in_kept and line.startswith("  "):
            kept += line.split()
        else:
            in_kept = line.strip() in KEPT
    return pending, kept


def candidates(text: str) -> dict[str, str]:
    """The candidate of each package in the words of ``apt-cache policy``."""
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if line[:1] not in ("", " "):
            name = line.strip().rstrip(":")
        elif line.startswith("  Candidate: "):
            found[name] = line.partition(": ")[2].strip()
    return found


def _said(machine: Machine, argv: list[str]) -> str:
    output = machine.run(argv)
    if output.status != 0:
        raise program_failed(argv, output.status, output.stderr)
    return output.stdout.decode("utf-8", "replace")


def ask(machine: Machine) -> list[Pending]:
    """Everything apt would upgrade or keeps back. Raises :class:`CannotRead` when apt could not be asked."""
    said = _said(machine, UPGRADE)
    if SUMMARY.search(said) is None:  # cut short, or nothing at all
        raise CannotRead("not_understood", "apt-get -s upgrade")
    pending, kept = parse(said)
    versions = candidates(_said(machine, [*POLICY, *kept])) if kept else {}
    for full in kept:
        name, _, arch = full.partition(":")
        if full not in versions:
            raise CannotRead("not_understood", f"apt-cache policy {full}")
        pending.append(Pending(name, arch, versions[full], ""))
    return pending
