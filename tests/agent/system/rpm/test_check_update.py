"""What yum and dnf print of pending updates: every package of it, and nothing else."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.machine import CannotRead
from muster_agent.system.rpm.check_update import Offered, parse

YUM = """Loaded plugins: fastestmirror, security
Loading mirror speeds from cached hostfile
 * base: mirrors.example.org

bash.x86_64                        4.2.46-12.el7                          base
NetworkManager.x86_64              1:1.0.0-14.git20150121.b4ea599c.el7    base
java-1.8.0-openjdk.x86_64          1:1.8.0.131-2.b11.el7_3                updates
"""
SAID = {
    ("bash", "x86_64", "4.2.46-12.el7", "base"),
    ("NetworkManager", "x86_64", "1:1.0.0-14.git20150121.b4ea599c.el7", "base"),
    ("java-1.8.0-openjdk", "x86_64", "1:1.8.0.131-2.b11.el7_3", "updates"),
}


def said(text: str) -> set[tuple[str, str, str, str]]:
    """The updates in ``text``."""
    return {(one.name, one.arch, one.version, one.repository) for one in parse(text)[0]}


def test_every_package_and_nothing_of_what_stands_around_them() -> None:
    noise = (
        "Random plugin output\nRandom plugin failed, is the mirror available?\n"
        "Security: kernel-3.10.0-229.14.1.el7.x86_64 is an installed security update\n"
        "Update notice RHBA-2014:0722 (from rhel-7-server-rpms) is broken, or a bad duplicate, skipping.\n"
        "You should report this problem to the owner of the rhel-7-server-rpms repository.\n"
        "Modular dependency problems:\n\n Problem 1: conflicting requests\n"
        "  - nothing provides module(perl:5.26) needed by module perl-DBD-SQLite:1.58:8010.x86_64\n"
        "Last metadata expiration check: 0:05:17 ago on Mon 28 Apr 2025 04:01:03 PM UTC.\n"
        "Unable to read consumer identity\nThis system is not registered with an entitlement server.\n"
        "(try to add '--skip-broken' to skip uninstallable packages)\n"
    )
    assert said(YUM + noise) == SAID
    assert said(noise + YUM) == SAID


@pytest.mark.parametrize(
    "wrapped",
    [
        "a-long-name.noarch\n                    0.14.0-1.el7_9    updates\n",
        "a-long-name.noarch    0.14.0-1.el7_9\n                                     updates  \n",
        "a-long-name.noarch\n   0.14.0-1.el7_9\n   updates\n",
        "a-long-name.noarch 0.14.0-1.el7_9 updates\r\n",
    ],
)
def test_lines_that_are_carried_on_are_one_package(wrapped: str) -> None:
    expected = {("a-long-name", "noarch", "0.14.0-1.el7_9", "updates")}
    assert said(wrapped) == expected
    assert said(YUM + wrapped + YUM) == SAID | expected


def test_what_would_replace_a_package_of_another_name_stands_apart() -> None:
    text = YUM + (
        "Obsoleting Packages\n"
        "google-cloud-cli.x86_64       519.0.0-1             google-cloud-sdk\n"
        "    google-cloud-sdk.x86_64   455.0.0-1             @google-cloud-sdk\n"
        "a-long-new-name-that-goes-on-and-on.x86_64\n                1:2-1    base\n"
        "    an-old-name.x86_64         1-1\n"  # from no repository at all
        "Security: kernel-core-4.18.0-553.40.1.el8_10.x86_64 is an installed security update\n"
    )
    updates, replacing = parse(text)
    assert {(one.name, one.arch, one.version, one.repository) for one in updates} == SAID
    assert replacing == [
        (
            Offered("google-cloud-cli", "x86_64", "519.0.0-1", "google-cloud-sdk"),
            Offered("google-cloud-sdk", "x86_64", "455.0.0-1", "@google-cloud-sdk"),
        ),
        (
            Offered("a-long-new-name-that-goes-on-and-on", "x86_64", "1:2-1", "base"),
            Offered("an-old-name", "x86_64", "1-1", ""),
        ),
    ]


def test_dnf_5_prints_the_same_with_a_line_between() -> None:
    text = (
        "chromium.x86_64     130.0.6723.91-1.fc41 updates\nvim-data.noarch 2:9.1.825-1.fc41 updates\n"
        "\nObsoleting packages\nnew.x86_64 2-1 updates\n    old.x86_64 1-1 <unknown>\n\n"
    )
    updates, replacing = parse(text)
    assert [(one.name, one.version) for one in updates] == [
        ("chromium", "130.0.6723.91-1.fc41"),
        ("vim-data", "2:9.1.825-1.fc41"),
    ]
    assert [(new.name, old.name) for new, old in replacing] == [("new", "old")]


def test_an_architecture_nobody_has_heard_of_yet_is_no_reason_to_lose_an_update() -> None:
    assert said("bash.quantum128 5.1-1.oe9 update\n") == {("bash", "quantum128", "5.1-1.oe9", "update")}


@pytest.mark.parametrize(
    "line",
    [
        "bash.x86_64 4.2.46-12.el7\n",  # and nothing follows
        "bash.x86_64\n\n",
        "bash.x86_64 4.2.46 base\n",
        "bash.x86_64 4.2.46-12.el7 base more\n",
        "bash.x86_64 4.2.46-12.el7 base zlib.x86_64 1.2-1.el7 base\n",
        "ba\x00sh.x86_64 4.2.46-12.el7 base\n",
        "bash.x86_64 4.2.46-12.e\ufffd7 base\n",
        "bash.x86_",
    ],
)
def test_a_package_that_cannot_be_read_is_said_and_not_lost(line: str) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        parse(YUM + line)


def test_a_list_that_is_cut_anywhere_is_refused_or_shorter_by_whole_packages() -> None:
    for at in random.Random(3).sample(range(len(YUM)), 150):
        try:
            found = said(YUM[:at])
        except CannotRead:
            continue
        for name, arch, version, repository in found:
            assert any((name, arch, version) == one[:3] and one[3].startswith(repository) for one in SAID)


WORDS = [
    "bash.x86_64",
    "1:2-3.el8",
    "base",
    "\n",
    "    ",
    " ",
    "Obsoleting Packages\n",
    "x",
    "\x00",
    "é",
    "\ufffd",
    "a.b",
]


@given(st.lists(st.sampled_from(WORDS), max_size=40).map("".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        updates, replacing = parse(text)
    except CannotRead as error:
        assert error.code == "not_understood"
    else:
        assert len(updates) + len(replacing) <= text.count("2-3")


def test_a_huge_line_takes_no_time() -> None:
    parse("x" * 1_000_000 + " " + "y" * 1_000_000 + "\n" + "a." * 500_000 + "\n")
