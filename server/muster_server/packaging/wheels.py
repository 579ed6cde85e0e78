"""Libraries for a Python that this machine does not run: the files of the wheels that fit it."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from muster_server.packaging.contents import Entry, Unbuildable

# What the agent imports, and what those import: cryptography for the key, psutil for processes and sockets.
NEEDED = ("cffi", "cryptography", "psutil", "pycparser")
_NAME = re.compile(r"(?P<name>[^-]+)-[^-]+(?:-[0-9][^-]*)?-(?P<python>[^-]+)-(?P<abi>[^-]+)-(?P<platform>[^-]+)\.whl")


@dataclass(frozen=True)
class Target:
    """The Python the wheels are for."""

    minor: int  # 8 for Python 3.8
    platform: str  # as wheels name it, e.g. win_amd64

    def fits(self, name: str) -> str | None:
        """The normalised name of the library a wheel holds, or None when the wheel is for another Python or system."""
        found = _NAME.fullmatch(name)
        if found is None:
            return None
        if not {"any", self.platform} & set(found["platform"].split(".")):
            return None
        pythons, abis = found["python"].split("."), found["abi"].split(".")
        return found["name"].lower().replace("_", "-") if self._runs(pythons, abis) else None

    def _runs(self, pythons: list[str], abis: list[str]) -> bool:
        own = f"cp3{self.minor}"
        if own in pythons:
            return bool({own, own + "m", "abi3", "none"} & set(abis))
        if "abi3" in abis:
            return any(p[:3] == "cp3" and p[3:].isdigit() and int(p[3:]) <= self.minor for p in pythons)
        return "none" in abis and any(p in ("py3", f"py3{self.minor}") for p in pythons)


def unpacked(folder: Path, target: Target, into: str) -> list[Entry]:
    """The files of every wheel in ``folder`` that fits, under ``into``. Raises :class:`Unbuildable` for what lacks."""
    fitting: dict[str, Path] = {}
    for path in sorted(folder.glob("*.whl")):
        name = target.fits(path.name)
        if name is not None:
            fitting[name] = path  # of two versions the later name
    lacking = [name for name in NEEDED if name not in fitting]
    if lacking:
        raise Unbuildable("agent.package.wheels_missing", folder=folder, names=", ".join(lacking))
    return [entry for path in fitting.values() for entry in _files(path, into)]


def _files(path: Path, into: str) -> list[Entry]:
    try:
        with zipfile.ZipFile(path) as archive:
            return [
                Entry(into + _place(info.filename), archive.read(info))
                for info in archive.infolist()
                if not info.is_dir()
            ]
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise Unbuildable("agent.package.bad_zip", path=path, error=error) from None


def _place(name: str) -> str:
    """Where a wheel's file goes: NAME.data/platlib/ and purelib/ stand for the folder itself (PEP 427)."""
    return re.sub(r"^[^/]+\.data/(?:platlib|purelib)/", "", name)
