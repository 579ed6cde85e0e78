"""Which kernel runs, and which one a restart would bring (patches.md §4.3)."""

from __future__ import annotations

import re

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead
from muster_agent.system.deb.status import Installed
from muster_agent.versions import dpkg

# linux-image-6.1.0-37-amd64, linux-image-unsigned-6.5.0-21-generic; not linux-image-amd64 (which only depends on the
# newest one), not -dbg or -rescue (which do not boot this system).
IMAGE = re.compile(r"^linux-image-(?:unsigned-)?(?P<release>[0-9]+\.[0-9].*?)(?:-unsigned)?$")
NOT_BOOTED = re.compile(r"-(dbg|dbgsym|rescue)$|rescue")
VERSION = "/proc/version"
# Debian's kernels name the version of their package in /proc/version.
BUILT_AS = re.compile(r"\bDebian ([0-9][0-9A-Za-z.+~:-]*)")


@dataclass(frozen=True)
class Image:
    """An installed kernel."""

    release: str
    version: str  # of its package


def flavour(release: str) -> str:
    """What kind of kernel a release is: amd64, cloud-amd64, generic, amd64-desktop; what is left without numbers."""
    parts = release.split("-")
    numbered = [index for index, part in enumerate(parts) if part[:1].isdigit() or re.match(r"rc[0-9]", part)]
    return "-".join(parts[numbered[-1] + 1 :]) if numbered else release


def is_legal(version: str) -> bool:
    """Whether dpkg could compare ``version``."""
    try:
        dpkg(version)
    except ValueError:
        return False
    return True


def images(packages: list[Installed]) -> list[Image]:
    """The kernels among ``packages``."""
    found = []
    for package in packages:
        match = IMAGE.match(package.name)
        if match and not NOT_BOOTED.search(package.name) and is_legal(package.version):
            found.append(Image(match.group("release"), package.version))
    return found


def newest(running: str, installed: list[Image]) -> Image | None:
    """The newest installed kernel of the flavour of the ``running`` one. Raises ``ValueError``: illegal version."""
    same = [image for image in installed if flavour(image.release) == flavour(running)]
    return max(same, key=lambda image: (dpkg(image.version), dpkg(image.release)), default=None)


def restart_pending(running: str, version_text: str, installed: list[Image]) -> bool | None:
    """Whether a newer kernel waits for a restart; None when the running one belongs to no installed package.

    ``version_text`` is /proc/version: a kernel can be replaced by a newer build of the same release, and only there
    does the difference show.
    """
    best = newest(running, installed)
    own = [image for image in installed if image.release == running]
    if best is None or not own:
        return None
    if best.release != running:
        return dpkg(best.version) > dpkg(own[0].version)
    built_as = BUILT_AS.search(version_text)
    if built_as is None:
        return False
    if not is_legal(built_as.group(1)):
        raise CannotRead("not_understood", VERSION)
    return dpkg(built_as.group(1)) < dpkg(own[0].version)
