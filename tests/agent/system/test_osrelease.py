"""What distributions without os-release say of themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.machine import NotFound, Uname
from muster_agent.recording import SimulatedMachine
from muster_agent.system import osrelease


def said(files: dict[str, str]) -> dict[str, str]:
    """The os-release of a PC with these files under /etc."""
    data = {f"/etc/{name}": text.encode() for name, text in files.items()}
    return osrelease.read(SimulatedMachine(Uname("Linux", "pc", "2.6.32", "x86_64"), data))


@pytest.mark.parametrize(
    ("name", "text", "identifier", "version", "codename"),
    [
        ("redhat-release", "CentOS release 6.9 (Final)\n", "centos", "6.9", "Final"),
        ("redhat-release", "Red Hat Enterprise Linux Server release 6.10(Santiago)\n", "rhel", "6.10", "Santiago"),
        ("redhat-release", "Red Hat Enterprise Linux release 9.0 Alpha (Plow)", "rhel", "9.0", "Plow"),
        ("neokylin-release", "NeoKylin Linux release V7Update6 (Chromium)\n", "neokylin", "7Update6", "Chromium"),
        ("oracle-release", "Oracle Linux Server release 7.1\n", "ol", "7.1", None),
        ("slackware-version", "Slackware 14.1\n", "slackware", "14.1", None),
        (
            "SuSE-release",
            "SUSE Linux Enterprise Server 11 (x86_64)\nVERSION = 11\nPATCHLEVEL = 4\n",
            "sles",
            "11.4",
            None,
        ),
        (
            "SuSE-release",
            "openSUSE 42.1 (x86_64)\nVERSION = 42.1\nCODENAME = Malachite\n",
            "opensuse",
            "42.1",
            "Malachite",
        ),
        ("mandriva-release", "Mandriva Linux release 2011.0 (Official) for x86_64\n", "mandriva", "2011.0", None),
        ("debian_version", "6.0.10\n", "debian", "6.0.10", None),
        ("devuan_version", "beowulf\n", "devuan", None, "beowulf"),
        (
            "lsb-release",
            "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=10.04\nDISTRIB_CODENAME=lucid\n",
            "ubuntu",
            "10.04",
            "lucid",
        ),
        ("manjaro-release", "Manjaro Linux\n", "manjaro", None, None),
    ],
)
def test_a_release_file_stands_in(
    name: str, text: str, identifier: str, version: str | None, codename: str | None
) -> None:
    found = said({name: text})
    assert (found["ID"], found.get("VERSION_ID"), found.get("VERSION_CODENAME")) == (identifier, version, codename)


def test_the_distribution_s_own_file_goes_before_that_of_what_it_is_built_from() -> None:
    files = {
        "redhat-release": "Red Hat Enterprise Linux Server release 7.1\n",
        "oracle-release": "Oracle Linux Server release 7.1\n",
    }
    assert said({**files, "lsb-release": "LSB_VERSION=base-4.0-amd64\n"})["ID"] == "ol"
    assert said({"lsb-release": "DISTRIB_ID=Ubuntu\n", "debian_version": "squeeze/sid\n"})["ID"] == "ubuntu"


def test_os_release_goes_before_all_unless_it_names_nothing() -> None:
    assert said({"os-release": "ID=kylin\n", "redhat-release": "CentOS release 6.9 (Final)\n"})["ID"] == "kylin"
    found = said({"os-release": "LSB_VERSION=base-4.0\n", "centos-release": "CentOS release 6.9 (Final)\n"})
    assert (found["ID"], found["NAME"], found["LSB_VERSION"]) == ("centos", "CentOS", "base-4.0")


def test_files_that_name_no_distribution_do_not() -> None:
    with pytest.raises(NotFound, match="os-release"):
        said(
            {
                "redhat-release": "centos-release",
                "system-release-cpe": "cpe:/o:a:b:1",
                "lsb-release": "",
                "issue": "Fedora 19",
            }
        )


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    osrelease.parse(text)
    osrelease.parse_release(text)
    osrelease.parse_lsb(text)
    osrelease.parse_version(text, "debian")
