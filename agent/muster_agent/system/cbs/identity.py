"""The identity of a package, which is also the name of its registry key.

``name~public key token~architecture~language~version``, the language empty for a neutral one:
``Package_for_RollupFix~31bf3856ad364e35~amd64~~19041.3570.1.9``.
"""

from __future__ import annotations

import re

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead

IDENTITY = re.compile(
    r"^([^~\\]{1,200})~([0-9A-Fa-f]{16})~([^~\\]{0,20})~([^~\\]{0,20})~([0-9]{1,9}(?:\.[0-9]{1,9}){3})$"
)
UPDATE = "Package_for_"  # packages of updates; what an update consists of has names like Package_2_for_KB5034231
ROLLUP = UPDATE + "RollupFix"  # the monthly cumulative update of Windows
KB = re.compile(r"^Package_for_(KB[0-9]{5,8})(?![0-9])", re.IGNORECASE)
# What Microsoft names by its function and not by a number.
FUNCTIONS = (
    (ROLLUP, "cumulative"),
    (UPDATE + "ServicingStack", "servicing stack"),
    (UPDATE + "DotNetRollup", ".NET cumulative"),
)


@dataclass(frozen=True)
class Identity:
    """A package."""

    name: str
    architecture: str
    language: str
    version: str  # four numbers

    @property
    def kb(self) -> str | None:
        """KB5034231 when it is named by its number; a cumulative update is not."""
        found = KB.match(self.name)
        return found.group(1).upper() if found else None

    @property
    def cumulative(self) -> bool:
        """Whether it is a cumulative update of Windows itself."""
        return self.name.startswith(ROLLUP)

    @property
    def build(self) -> tuple[int, int]:
        """The first two numbers of the version: of a cumulative update the build it brings, (19041, 3570)."""
        base, revision = self.version.split(".")[:2]
        return int(base), int(revision)

    @property
    def description(self) -> str:
        """cumulative, servicing stack, .NET cumulative, or its name."""
        return next((said for start, said in FUNCTIONS if self.name.startswith(start)), self.name)


def parse(text: str) -> Identity:
    """The identity written as ``text``. Raises ``not_understood``."""
    found = IDENTITY.match(text)
    if found is None:
        raise CannotRead("not_understood", text[:200])
    name, _, architecture, language, version = found.groups()
    return Identity(name, architecture, language, version)
