"""Which kernel runs, and which one a restart would bring."""

from __future__ import annotations

import re

from muster_agent.dataclass import dataclass
from muster_agent.system.rpm.installed import Installed
from muster_agent.versions import rpm

# The packages that hold a kernel: kernel (openEuler, 银河麒麟, yum's systems), kernel-core and kernel-rt-core (dnf's,
# where kernel holds nothing itself), kernel-default and kernel-azure (SUSE), kernel-uek, kernel-ml, kernel6.12.
KERNEL = re.compile(r"kernel[0-9.]*(?:-[a-z0-9]+)*")
NO_KERNEL = re.compile(
    r"-(?:devel|headers|tools|libs|modules|extra|internal|matched|doc|docs|source|src|macros|srpm|debuginfo|debugsource|"
    r"common|firmware|abi|whitelists|stablelists|obs|syms|selftests|partner|bpftool|rpm|install|bootwrapper|ipaclones|"
    r"vdso|addons|uki|virt|optional|livepatch|kvmsmall)(?:-|$)"
)


@dataclass(frozen=True)
class Kernel:
    """An installed kernel."""

    package: str
    version: str  # of its package, without an epoch: version-release
    arch: str
    release: str  # what uname says while it runs


def _release(package: Installed) -> str:
    """The release a kernel of this package calls itself: version-release.architecture; on SUSE the flavour stands
    behind, and the count of rebuilds does not stand in it: kernel-default 5.14.21-150400.24.63.1 is
    5.14.21-150400.24.63-default."""
    version = package.version.rpartition(":")[2]
    suse = re.fullmatch(
        r"kernel-(default|azure|rt|preempt|vanilla|pae|64kb|kvmsmall|debug|xen|trace|lpae)(?:-base)?", package.name
    )
    if suse and not re.search(r"\.(?:el|fc|oe|ky|amzn|an|uel|oc|ctl|hce)[0-9]", version):
        base, _, count = version.rpartition(".")
        return f"{base if count.isdigit() and base.count('-') else version}-{suse.group(1)}"
    variant = re.fullmatch(r"kernel-(rt|64k|debug|rt-debug|64k-debug|zfcpdump|16k|automotive)(?:-core)?", package.name)
    return f"{version}.{package.arch}" + (f"+{variant.group(1)}" if variant else "")


def kernels(packages: list[Installed]) -> list[Kernel]:
    """The kernels among ``packages``."""
    return [
        Kernel(package.name, package.version.rpartition(":")[2], package.arch, _release(package))
        for package in packages
        if KERNEL.fullmatch(package.name) and not NO_KERNEL.search(package.name)
    ]


def _runs(kernel: Kernel, running: str) -> bool:
    """Whether the kernel that calls itself ``running`` may be this one."""
    if kernel.release == running or f"{kernel.version}.{kernel.arch}" == running:
        return True
    # SUSE: rebuilt packages and those of -base count on behind what the kernel calls itself.
    said, hyphen, flavour = running.rpartition("-")
    own = re.fullmatch(r"kernel-([a-z0-9]+)(?:-base)?", kernel.package)
    return bool(hyphen and own and own.group(1) == flavour and f"{kernel.version}.".startswith(f"{said}."))


def own(running: str, installed: list[Kernel]) -> list[Kernel]:
    """The installed packages the running kernel may come from; of kernel and kernel-core the one that holds it."""
    found = [kernel for kernel in installed if _runs(kernel, running)]
    exact = [kernel for kernel in found if kernel.release == running] or found
    cores = [kernel for kernel in exact if kernel.package.endswith("-core")]
    return cores or exact


def newest(running: str, installed: list[Kernel]) -> Kernel | None:
    """The newest installed kernel of the kind of the ``running`` one; None when that is of no installed package."""
    kinds = {kernel.package for kernel in own(running, installed)}
    same = [kernel for kernel in installed if kernel.package in kinds]
    return max(same, key=lambda kernel: rpm(kernel.version), default=None)


def restart_pending(running: str, installed: list[Kernel]) -> bool | None:
    """Whether a newer kernel waits for a restart; None when the running one belongs to no installed package."""
    best, mine = newest(running, installed), own(running, installed)
    if best is None or not mine:
        return None
    return rpm(best.version) > max(rpm(kernel.version) for kernel in mine)
