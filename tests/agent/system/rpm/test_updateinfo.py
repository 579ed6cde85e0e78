"""What advisories say of pending updates, in the words of dnf, yum and dnf 5."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.machine import CannotRead
from muster_agent.system.rpm.updateinfo import parse

Line = tuple[str, str, str, str, str]


def said(text: str) -> list[Line]:
    """(advisory, kind, severity, name.arch, version) of each."""
    return [(one.advisory, one.kind, one.severity, f"{one.name}.{one.arch}", one.version) for one in parse(text)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "openEuler-SA-2022-1003 Critical/Sec.  epochal-3:1.1-1.oe2203.noarch",
            ("openEuler-SA-2022-1003", "security", "Critical", "epochal.noarch", "3:1.1-1.oe2203"),
        ),
        (
            "FEDORA-2020-777f43619c bugfix         firefox-83.0-13.fc32.x86_64",
            ("FEDORA-2020-777f43619c", "bugfix", "", "firefox.x86_64", "83.0-13.fc32"),
        ),
        (  # yum writes the epoch before the name
            "RHSA-2020:5009 Moderate/Sec.  1:NetworkManager-1.18.8-2.el7_9.x86_64",
            ("RHSA-2020:5009", "security", "Moderate", "NetworkManager.x86_64", "1:1.18.8-2.el7_9"),
        ),
        (
            "HCE2-SA-2022-0006 Unknown/Sec. curl-7.79.1-12.h1.r1.hce2.x86_64",
            ("HCE2-SA-2022-0006", "security", "", "curl.x86_64", "7.79.1-12.h1.r1.hce2"),
        ),
        (
            "i RHSA-2021:1234 Important/Sec. openssl-1:1.1.1k-9.el8_7.x86_64",
            ("RHSA-2021:1234", "security", "Important", "openssl.x86_64", "1:1.1.1k-9.el8_7"),
        ),
        (
            "RHEA-2020-0003 enhancement    flatpak-selinux-1.8.3-1.fc32.noarch",
            ("RHEA-2020-0003", "enhancement", "", "flatpak-selinux.noarch", "1.8.3-1.fc32"),
        ),
        (
            "FEDORA-2024-0123456789 security Moderate chromium-130.0-1.fc41.x86_64 2024-11-01 02:10:22",
            ("FEDORA-2024-0123456789", "security", "Moderate", "chromium.x86_64", "130.0-1.fc41"),
        ),
        (
            "FEDORA-2024-0123456789 bugfix None dracut-103-3.fc41.x86_64 2024-11-01 02:10:22",
            ("FEDORA-2024-0123456789", "bugfix", "", "dracut.x86_64", "103-3.fc41"),
        ),
        (  # dnf 5 where the publisher states no severity at all
            "FEDORA-2024-0123456789 newpackage          dracut-103-3.fc41.x86_64 2024-11-01 02:10:22",
            ("FEDORA-2024-0123456789", "newpackage", "", "dracut.x86_64", "103-3.fc41"),
        ),
    ],
)
def test_a_line_of_each_form(line: str, expected: Line) -> None:
    assert said(line + "\n") == [expected]


def test_what_stands_around_the_list_is_no_advisory() -> None:
    text = (
        "Loaded plugins: fastestmirror\n * base: mirror.example.org\n"
        "Last metadata expiration check: 0:01:35 ago on Mon 07 Oct 2019 11:55:21 PM UTC.\n"
        "RHSA-2021:1234 Important/Sec. openssl-1:1.1.1k-9.el8_7.x86_64\nupdateinfo list done\n"
    )
    assert len(parse(text)) == 1
    assert parse("Name                   Type     Severity                       Package              Issued\n") == []
    assert parse("") == []


@pytest.mark.parametrize(
    "line",
    [
        "RHSA-2021:1234 Important/Sec.",
        "RHSA-2021:1234 Important/Sec. openssl-1.1.1k-9.el8_7.x86",
        "RHSA-2021:1234 Important openssl-1.1.1k-9.el8_7.x86_64",
        "RHSA-2021:1234 Important/Sec. openssl-1.1.1k.x86_64",
        "Traceback (most recent call last):",
    ],
)
def test_a_line_of_another_kind_is_refused(line: str) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        parse(f"RHBA-2021:1 bugfix bash-5.1-1.el8.x86_64\n{line}\n")


def test_the_worse_weighs_more() -> None:
    words = ["Unknown", "Low", "Medium", "Moderate", "High", "Important", "Critical"]
    found = [parse(f"A {word}/Sec. bash-5.1-1.el8.x86_64\n")[0].weight for word in words]
    assert found == sorted(found)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse(text)
    except CannotRead as error:
        assert error.code == "not_understood"
