"""Whether a restart would bring another kernel, by flavour and package version."""

from __future__ import annotations

import pytest

from muster_agent.machine import CannotRead
from muster_agent.system.deb.kernels import Image, flavour, images, newest, restart_pending
from muster_agent.system.deb.status import Installed


def packages(*names: str) -> list[Installed]:
    """Installed packages of version 1."""
    return [Installed(name, "1", "amd64", name, "1") for name in names]


@pytest.mark.parametrize(
    ("release", "kind"),
    [
        ("6.1.0-37-amd64", "amd64"),
        ("6.1.0-37-cloud-amd64", "cloud-amd64"),
        ("6.8.0-45-generic", "generic"),
        ("4.19.0-amd64-desktop", "amd64-desktop"),
        ("6.12.9+bpo-amd64", "amd64"),
        ("6.12-rc1-amd64", "amd64"),
        ("5.4.18-85-generic", "generic"),
    ],
)
def test_the_flavour_is_what_is_left_without_numbers(release: str, kind: str) -> None:
    assert flavour(release) == kind


def test_only_what_boots_this_system_is_a_kernel() -> None:
    found = images(
        packages(
            "linux-image-6.1.0-37-amd64",
            "linux-image-unsigned-6.5.0-21-generic",
            "linux-image-6.1.0-37-amd64-unsigned",
            "linux-image-amd64",
            "linux-image-6.1.0-37-amd64-dbg",
            "linux-image-rescue-6.1",
            "linux-headers-6.1.0-37-amd64",
        )
    )
    assert [image.release for image in found] == ["6.1.0-37-amd64", "6.5.0-21-generic", "6.1.0-37-amd64"]


def test_the_newest_is_by_version_and_of_the_same_flavour() -> None:
    installed = [
        Image("6.1.0-9-amd64", "6.1.27-1"),
        Image("6.1.0-10-amd64", "6.1.38-1"),
        Image("6.9.0-1-cloud-amd64", "6.9.1-1"),
    ]
    assert newest("6.1.0-9-amd64", installed) == installed[1]
    assert newest("6.1.0-9-rt-amd64", installed) is None


@pytest.mark.parametrize(
    ("running", "built_as", "pending"),
    [
        ("6.1.0-9-amd64", "6.1.27-1", True),  # a newer one is installed
        ("6.1.0-10-amd64", "6.1.38-1", False),
        ("6.1.0-10-amd64", "6.1.38-0", True),  # the same release, built anew since
        ("6.1.0-11-amd64", "6.1.52-1", None),  # of no package here
    ],
)
def test_a_restart_is_pending_where_it_would_bring_something_newer(
    running: str, built_as: str, pending: bool | None
) -> None:
    installed = [Image("6.1.0-9-amd64", "6.1.27-1"), Image("6.1.0-10-amd64", "6.1.38-1")]
    text = f"Linux version {running} (gcc-12) #1 SMP PREEMPT_DYNAMIC Debian {built_as} (2026-05-22)"
    assert restart_pending(running, text, installed) is pending


def test_a_build_that_cannot_be_read_is_unknown_and_not_no() -> None:
    image = Image("6.1.0-37-amd64", "6.1.140-1")
    with pytest.raises(CannotRead, match="/proc/version"):
        restart_pending(image.release, "Linux version 6.1.0-37-amd64 (Debian 6:)", [image])
