"""What Windows calls itself, where its registry key is not as plain as it looks."""

from __future__ import annotations

from typing import Any

import pytest

from muster_agent.collect.os_version import windows as os_version
from muster_agent.machine import CannotRead, Uname
from muster_agent.recording import RecordedMachine, Recording
from muster_agent.system import current_version
from muster_agent.system.current_version import KEY, CurrentVersion


def read(**values: Any) -> CurrentVersion:
    """The version of a Windows 10 whose key differs by ``values``; None takes one away."""
    key = {"CurrentBuild": "19045", "UBR": 3570, "CurrentMajorVersionNumber": 10, "CurrentMinorVersionNumber": 0}
    said = {name: value for name, value in {**key, **values}.items() if value is not None}
    recording = Recording("windows", Uname("Windows", "pc", "10", "AMD64"), False, values={KEY: said})
    return current_version.read(RecordedMachine(recording, whole=True))


def test_release_id_is_not_believed_after_20h2() -> None:
    assert read(CurrentBuild="19042", ReleaseId="2009").display_version == "2009"
    assert read(CurrentBuild="19045", ReleaseId="2009").display_version is None
    assert read(CurrentBuild="17763", ReleaseId="1809").display_version == "1809"
    assert read(ReleaseId="2009", DisplayVersion="22H2").display_version == "22H2"


def test_the_label_of_the_build_is_the_revision_before_windows_10_only() -> None:
    seven = {"CurrentBuild": "7601", "UBR": None, "CurrentMajorVersionNumber": None, "CurrentVersion": "6.1"}
    assert read(**seven, BuildLabEx="7601.24545.amd64fre.win7sp1_ldr_escrow.200102-1707").full_build == "7601.24545"
    assert read(**seven, BuildLabEx="7600.16385.amd64fre.win7_rtm.090713-1255").full_build == "7601"
    assert read(UBR=None, BuildLabEx="19041.1.amd64fre.vb_release.191206-1406").full_build == "19045"


@pytest.mark.parametrize(
    "values",
    [
        {"CurrentBuild": None},
        {"CurrentBuild": ""},
        {"CurrentBuild": "19045 "},
        {"CurrentBuild": "1" * 5000},
        {"CurrentBuild": b"1"},
        {"UBR": "3570"},
        {"CurrentMajorVersionNumber": None},
        {"CurrentMajorVersionNumber": None, "CurrentVersion": "six"},
    ],
)
def test_what_it_does_not_state_is_not_guessed(values: dict[str, Any]) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        read(**values)


@pytest.mark.parametrize(
    ("build", "product", "kind", "name"),
    [
        ("26100", "Windows 10 Pro", "Client", "Windows 11"),
        ("22000", "Windows 10 Home China", "Client", "Windows 11"),
        ("19045", "Windows 10 Pro", "Client", "Windows 10"),
        ("19044", "Windows 10 Enterprise LTSC 2021", "Client", "Windows 10"),
        ("26100", "Windows 11 Pro", "Client", "Windows 11"),
        ("9600", "Windows 8.1 Pro", "Client", "Windows 8.1"),
        ("7601", "Windows 7 Ultimate", "Client", "Windows 7"),
        ("26100", "Windows Server 2025 Standard", "Server", "Windows Server 2025"),
        ("9600", "Windows Server 2012 R2 Datacenter", "Server", "Windows Server 2012 R2"),
        ("25398", "Windows Server Datacenter", "Server Core", "Windows Server Datacenter"),
        ("17763", "Hyper-V Server 2019", "Server Core", "Hyper-V Server 2019"),
        ("30000", "Windows 12 Pro", "Client", "Windows 12"),
        ("19045", None, "Client", None),
    ],
)
def test_the_product_is_named_without_its_edition(build: str, product: str | None, kind: str, name: str | None) -> None:
    assert os_version.name(read(CurrentBuild=build, ProductName=product, InstallationType=kind)) == name
