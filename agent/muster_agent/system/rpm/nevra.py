"""The full name of a package: name-[epoch:]version-release.arch."""

from __future__ import annotations

import re

from muster_agent.dataclass import dataclass

# What rpm calls the architectures it has been built for (rpmrc); "src" and "nosrc" are packages of sources.
ARCHITECTURES = frozenset(
    {"noarch", "src", "nosrc", "x86_64", "x86_64_v2", "x86_64_v3", "x86_64_v4", "amd64", "ia32e", "ia64"}
    | {"i386", "i486", "i586", "i686", "athlon", "geode", "pentium3", "pentium4"}
    | {"aarch64", "armv3l", "armv4l", "armv4tl", "armv5tel", "armv5tejl", "armv6l", "armv6hl", "armv7l", "armv7hl"}
    | {"armv7hnl", "armv8l", "armv8hl", "loongarch64", "loongarch32", "sw_64", "sw_64sw6b", "alpha"}
    | {"mips", "mipsel", "mips64", "mips64el", "mips64r6", "mips64r6el", "riscv32", "riscv64"}
    | {"ppc", "ppc64", "ppc64le", "ppc64p7", "s390", "s390x", "sparc", "sparcv9", "sparc64", "sparc64v", "hppa", "sh4"}
)
# What rpm accepts of a name; of a version and a release, which have no hyphen.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*")
EVR = re.compile(r"(?:(?P<epoch>[0-9]{1,10}):)?(?P<version>[A-Za-z0-9._+~^]+)-(?P<release>[A-Za-z0-9._+~^]+)")


@dataclass(frozen=True)
class Nevra:
    """A full name in its parts."""

    name: str
    version: str  # [epoch:]version-release; an epoch of 0 is left out
    arch: str


def evr(epoch: str, version: str, release: str) -> str:
    """[epoch:]version-release. rpm writes (none) for an epoch that is not set, which equals 0."""
    known = epoch if epoch.strip("0") and epoch != "(none)" else ""
    return f"{known}:{version}-{release}" if known else f"{version}-{release}"


def normal(said: str) -> str | None:
    """``said`` as :func:`evr` writes it; None when it is no [epoch:]version-release."""
    found = EVR.fullmatch(said)
    return evr(found.group("epoch") or "", found.group("version"), found.group("release")) if found else None


def split(full: str) -> Nevra | None:
    """``full`` in its parts, or None when it is none.

    The epoch stands before the version (dnf) or before the name (yum). The architecture must be one that rpm knows:
    without it the last part of a release (el8) would pass for one.
    """
    rest, _, arch = full.rpartition(".")
    parts = rest.rsplit("-", 2)
    if arch not in ARCHITECTURES or len(parts) != 3:
        return None
    name, version, release = parts
    before = re.match(r"([0-9]{1,10}):", name)
    if before:
        name = name[before.end() :]
        version = f"{before.group(1)}:{version}"
    whole = normal(f"{version}-{release}")
    if whole is None or NAME.fullmatch(name) is None:
        return None
    return Nevra(name, whole, arch)
