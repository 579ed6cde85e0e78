"""Which kernel runs and which a restart would bring, by the names each distribution gives its packages."""

from __future__ import annotations

import pytest

from muster_agent.machine import CannotRead, Uname
from muster_agent.recording import SimulatedMachine
from muster_agent.system.rpm.installed import Installed
from muster_agent.system.rpm.kernels import kernels, newest, own, restart_pending
from muster_agent.system.rpm.restart import needed

BOOT = 1_700_000_000
STAT = {"/proc/stat": f"cpu 1\nbtime {BOOT}\n".encode()}


def package(full: str, at: int = BOOT - 1000) -> Installed:
    """An installed package: name version-release.arch."""
    name, rest = full.split()
    version, _, arch = rest.rpartition(".")
    return Installed(name, version, arch, "kernel", version, at)


# (installed, running, the newest of its kind, whether a restart would bring it)
CASES = {
    "openEuler": (
        ["kernel 5.10.0-60.18.0.50.oe2203.x86_64", "kernel 5.10.0-60.66.0.91.oe2203.x86_64"],
        "5.10.0-60.18.0.50.oe2203.x86_64",
        "5.10.0-60.66.0.91.oe2203.x86_64",
        True,
    ),
    "kylin-server": (
        [
            "kernel 4.19.90-24.4.v2101.ky10.x86_64",
            "kernel-core 4.19.90-24.4.v2101.ky10.x86_64",
            "kernel-core 4.19.90-52.22.v2207.ky10.x86_64",
            "kernel-modules 4.19.90-99.1.ky10.x86_64",
        ],
        "4.19.90-52.22.v2207.ky10.x86_64",
        "4.19.90-52.22.v2207.ky10.x86_64",
        False,
    ),
    "el8-the-meta-package-is-no-kernel": (
        [
            "kernel 4.18.0-553.40.1.el8_10.x86_64",
            "kernel-core 4.18.0-513.9.1.el8_9.x86_64",
            "kernel-core 4.18.0-553.40.1.el8_10.x86_64",
            "kernel-tools 4.18.0-999.el8.x86_64",
            "kernel 4.18.0-513.9.1.el8_9.x86_64",
            "kernel-headers 5.0-1.el8.x86_64",
        ],
        "4.18.0-513.9.1.el8_9.x86_64",
        "4.18.0-553.40.1.el8_10.x86_64",
        True,
    ),
    "el9-real-time-beside-the-other": (
        [
            "kernel-core 5.14.0-503.el9.x86_64",
            "kernel-rt-core 5.14.0-427.el9.x86_64",
            "kernel-core 5.14.0-427.el9.x86_64",
        ],
        "5.14.0-427.el9.x86_64+rt",
        "5.14.0-427.el9.x86_64+rt",
        False,
    ),
    "el9-the-other-beside-real-time": (
        [
            "kernel-core 5.14.0-503.el9.x86_64",
            "kernel-rt-core 5.14.0-427.el9.x86_64",
            "kernel-core 5.14.0-427.el9.x86_64",
        ],
        "5.14.0-427.el9.x86_64",
        "5.14.0-503.el9.x86_64",
        True,
    ),
    "el7": (
        ["kernel 3.10.0-229.14.1.el7.x86_64", "kernel 3.10.0-229.4.2.el7.x86_64"],
        "3.10.0-229.4.2.el7.x86_64",
        "3.10.0-229.14.1.el7.x86_64",
        True,
    ),
    "oracle-uek": (
        ["kernel-uek-core 5.15.0-200.131.27.el8uek.x86_64", "kernel-core 4.18.0-553.el8_10.x86_64"],
        "5.15.0-200.131.27.el8uek.x86_64",
        "5.15.0-200.131.27.el8uek.x86_64",
        False,
    ),
    "sles": (
        [
            "kernel-default 5.14.21-150400.24.63.1.x86_64",
            "kernel-default 5.14.21-150400.24.100.2.x86_64",
            "kernel-default-devel 5.14.21-150400.99.1.1.x86_64",
            "kernel-azure 5.14.21-150400.99.1.1.x86_64",
        ],
        "5.14.21-150400.24.63-default",
        "5.14.21-150400.24.100-default",
        True,
    ),
    "sles-a-release-is-no-beginning-of-another": (
        ["kernel-default 5.14.21-150400.24.63.1.x86_64"],
        "5.14.21-150400.24.6-default",
        None,
        None,
    ),
    "tumbleweed": (
        ["kernel-default 6.4.6-1.1.x86_64", "kernel-default 6.4.4-1.1.x86_64"],
        "6.4.6-1-default",
        "6.4.6-1-default",
        False,
    ),
    "a-kernel-of-nobody": (["kernel-core 5.14.0-427.el9.x86_64"], "6.9.0-self-built", None, None),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_newest_is_of_the_kind_that_runs(case: tuple[list[str], str, str | None, bool | None]) -> None:
    names, running, best, pending = case
    found = kernels([package(name) for name in names])
    chosen = newest(running, found)
    assert (chosen.release if chosen else None) == best
    assert restart_pending(running, found) is pending
    assert all(kernel.package not in ("kernel-tools", "kernel-headers", "kernel-modules") for kernel in found)
    assert bool(own(running, found)) is (pending is not None)


def restart(names: list[str], running: str, files: dict[str, bytes] | None = None, at: int = BOOT - 1000):  # type: ignore[no-untyped-def]
    """Whether a PC with these packages must be restarted."""
    machine = SimulatedMachine(Uname("Linux", "pc", running, "x86_64"), {**STAT, **(files or {})})
    return needed(machine, running, [package(name, at) for name in names])


EL9 = "kernel-core 5.14.0-427.el9.x86_64"
RUNNING = "5.14.0-427.el9.x86_64"


def test_what_everything_rests_on_and_is_newer_than_the_start_needs_a_restart() -> None:
    machine = SimulatedMachine(Uname("Linux", "pc", RUNNING, "x86_64"), STAT)
    packages = [package(EL9), package("bash 5.1-1.el9.x86_64", BOOT + 9999)]
    assert needed(machine, RUNNING, packages) == (False, None)
    packages += [package("glibc 2.34-1.el9.x86_64", BOOT + 9999), package("glibc 2.34-1.el9.i686", BOOT + 9999)]
    packages += [package("systemd 252-1.el9.x86_64", BOOT + 9999)]
    assert needed(machine, RUNNING, packages) == (True, "glibc systemd")


def test_a_clock_that_was_set_right_after_the_start_is_no_update() -> None:
    assert restart([EL9, "glibc 2.34-1.el9.x86_64"], RUNNING, at=BOOT + 60) == (False, None)


def test_the_administrator_may_name_more_packages() -> None:
    files = {"/etc/dnf/plugins/needs-restarting.d/office.conf": b"wps-office\n\n"}
    packages = [package(EL9), package("wps-office 11-1.x86_64", BOOT + 9999)]
    for more, expected in ((files, (True, "wps-office")), ({}, (False, None))):
        machine = SimulatedMachine(Uname("Linux", "pc", RUNNING, "x86_64"), {**STAT, **more})
        assert needed(machine, RUNNING, packages) == expected


def test_a_newer_kernel_that_was_there_before_the_start_still_waits() -> None:
    assert restart([EL9, "kernel-core 5.14.0-503.el9.x86_64"], RUNNING) == (True, "kernel-core-5.14.0-503.el9")


@pytest.mark.parametrize("mark", ["/run/reboot-needed", "/run/ostree/staged-deployment"])
def test_a_mark_that_says_so_is_enough(mark: str) -> None:
    assert restart([EL9], RUNNING, {mark: b""}) == (True, mark)


@pytest.mark.parametrize(
    ("names", "running", "files", "code"),
    [
        ([EL9], RUNNING, {"/.dockerenv": b""}, "container"),
        ([EL9], "6.9.0-self-built", {}, "kernel_not_packaged"),
        ([EL9], RUNNING, {"/proc/stat": b"cpu 1\n"}, "not_understood"),
    ],
)
def test_what_nothing_can_tell_is_unknown(names: list[str], running: str, files: dict[str, bytes], code: str) -> None:
    with pytest.raises(CannotRead) as raised:
        restart(names, running, files)
    assert raised.value.code == code
