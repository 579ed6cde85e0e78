"""What is mounted, from /proc/self/mountinfo (proc(5))."""

from __future__ import annotations

import re

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead

PATH = "/proc/self/mountinfo"
ESCAPED = re.compile(r"\\([0-7]{3})")
LAYERS = re.compile(r"(?:^|,)(?:lowerdir\+?|upperdir|datadir\+?)=([^,]*)")


@dataclass(frozen=True)
class Mount:
    """One mounted file system."""

    device: str  # major:minor; 0:… is none, e.g. btrfs, overlay, a network
    root: str  # the folder of the file system that is seen here
    point: str  # where
    kind: str  # ext4, btrfs, overlay …
    source: str  # what the file system was given as its device
    options: str  # of the file system


def unescaped(text: str) -> str:
    """A blank stands as \\040."""
    return ESCAPED.sub(lambda found: chr(int(found.group(1), 8)), text)


def parse(text: str) -> list[Mount]:
    """What can be seen: of several mounts on one place the last. Raises :class:`CannotRead` for a line that is none."""
    seen: dict[str, Mount] = {}
    for line in text.split("\n"):
        if not line.strip():
            continue
        front, dash, rest = line.partition(" - ")
        fields, more = front.split(" "), rest.split(" ")
        if not dash or len(fields) < 6 or len(more) < 2 or ":" not in fields[2]:
            raise CannotRead("not_understood", f"{PATH}: {line.strip()[:80]}")
        source = unescaped(more[1])
        mount = Mount(fields[2], unescaped(fields[3]), unescaped(fields[4]), more[0], source, " ".join(more[2:]))
        seen.pop(mount.point, None)
        seen[mount.point] = mount
    return list(seen.values())


def holding(mounts: list[Mount], path: str) -> Mount | None:
    """The mount a path lies in."""
    above = (mount for mount in mounts if (path + "/").startswith(mount.point.rstrip("/") + "/"))
    return max(above, key=lambda mount: len(mount.point), default=None)


def layers(mount: Mount) -> list[str]:
    """The folders that an overlay shows one over the other."""
    return [path for found in LAYERS.findall(mount.options) for path in found.split(":") if path.startswith("/")]
