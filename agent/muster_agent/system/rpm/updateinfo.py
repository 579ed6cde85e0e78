"""What advisories speak of: the words of ``updateinfo list`` of dnf and yum, and of ``advisory list`` of dnf 5.

RHSA-2023:1335 Important/Sec. openssl-1:1.1.1k-9.el8_7.x86_64                        dnf and yum
Name                   Type     Severity                       Package              Issued
FEDORA-2024-0123456789 security Moderate chromium-130.0-1.fc41.x86_64 2024-11-01 02:10:22    dnf 5
"""

from __future__ import annotations

import re

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead
from muster_agent.system.rpm import nevra

# From bad to worse, in the words of Red Hat, SUSE, openEuler and EulerOS. What is not here says nothing of its kind.
SEVERITIES = ("none", "unknown", "low", "medium", "moderate", "high", "important", "critical")
SECURITY = re.compile(r"(?P<severity>[A-Za-z]+)/Sec\.")
KINDS = frozenset({"security", "bugfix", "enhancement", "newpackage", "recommended", "optional", "feature", "unknown"})
# What yum prints before and behind the list, and dnf 5 above it.
AROUND = re.compile(
    r"Loaded plugins:|Last metadata expiration check:|updateinfo list done|Loading mirror speeds| \* \S+: |"
    r"Name +Type +Severity +Package|Update notice \S+ \(from \S+\) is broken|You should report this problem to the|"
    r"If you are the owner, consider re-running|To help pinpoint the issue|Unable to detect release version|"
    r"This system is not registered|Updating Subscription Management|No security updates needed"
)
ADVISORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_+-]{0,99}")
ISSUED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class Advised:
    """A version of a package that an advisory speaks of."""

    advisory: str
    kind: str  # security, bugfix, enhancement, …
    severity: str  # the publisher's word; empty where it says none
    name: str
    arch: str
    version: str

    @property
    def weight(self) -> int:
        """How bad it is, for comparison."""
        word = self.severity.lower()
        return SEVERITIES.index(word) if word in SEVERITIES else 0


def _kind(words: list[str]) -> tuple[str, str] | None:
    """(kind, severity) of the words between advisory and package; None when they are not of this form."""
    if len(words) == 2 and words[0].lower() in KINDS:  # dnf 5
        return words[0].lower(), "" if words[1].lower() in ("none", "unknown") else words[1]
    if len(words) != 1:
        return None
    found = SECURITY.fullmatch(words[0])
    if found:
        word = found.group("severity")
        return "security", "" if word.lower() in ("none", "unknown") else word
    return (words[0].lower(), "") if words[0].lower() in KINDS else None


def _advised(line: str) -> Advised | None:
    words = line.split()
    if words and words[0] == "i":  # installed already: lists of all advisories mark those
        words = words[1:]
    if len(words) > 3 and ISSUED.fullmatch(words[-2]):  # dnf 5: when it was issued
        words = words[:-2]
    if len(words) < 3:
        return None
    said, package = _kind(words[1:-1]), nevra.split(words[-1])
    if said is None or package is None or ADVISORY.fullmatch(words[0]) is None:
        return None
    return Advised(words[0], said[0], said[1], package.name, package.arch, package.version)


def parse(text: str) -> list[Advised]:
    """The advisories, one for each package they speak of. Raises ``not_understood`` for a line of another kind."""
    found = []
    for line in text.splitlines():
        advised = _advised(line)
        if advised is not None:
            found.append(advised)
        elif line.strip() and not AROUND.match(line):
            raise CannotRead("not_understood", f"updateinfo: {line[:80]}")
    return found
