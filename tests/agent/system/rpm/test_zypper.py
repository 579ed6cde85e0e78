"""What zypper prints: its XML, and its tables in the layouts of its history."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.machine import CannotRead
from muster_agent.system.rpm.zypper import parse

HEAD = "<?xml version='1.0'?>\n<stream>\n<message type=\"info\">Loading repository data...</message>\n"
PACKAGE = (
    '<update kind="package" name="curl" edition="8.0.1-11.80.1" arch="x86_64" edition-old="8.0.1-11.74.1">'
    '<summary>a</summary><source url="https://x" alias="SLES:updates"/></update>'
)
PATCH = (
    '<update kind="patch" name="SUSE-2023-4521" edition="1" arch="noarch" status="{status}" category="security" '
    'severity="important" pkgmanager="false"><summary>b &lt;c&gt;</summary><source alias="SLES:updates"/></update>'
)
XML = HEAD + '<update-status version="0.6">\n<update-list>\n{}</update-list>\n</update-status>\n</stream>\n'
SLES11 = """Loading repository data...
Reading installed packages...
S | Repository         | Name       | Current Version | Available Version | Arch
--+--------------------+------------+-----------------+-------------------+-------
v | SLES11-SP1-Updates | ConsoleKit | 0.2.10-64.13.6  | 0.2.10-64.65.1    | x86_64
"""
PATCHES = """Repository | Name       | Category    | Severity  | Interactive    | Status     | Summary
-----------+------------+-------------+-----------+----------------+------------+---------------
Updates    | SUSE-2023-1 | security   | important | ---            | needed     | A | in a summary
Updates    | SUSE-2023-2 | recommended | moderate | reboot         | not needed | Of something else

Found 2 applicable patches:
1 patches needed (1 security patches)
"""


def test_packages_and_patches_of_one_answer() -> None:
    rows = parse(XML.format(PACKAGE + PATCH.format(status="needed") + PATCH.format(status="not-needed")).encode())
    assert [(row.kind, row.name, row.installed, row.available, row.repository) for row in rows] == [
        ("package", "curl", "8.0.1-11.74.1", "8.0.1-11.80.1", "SLES:updates"),
        ("patch", "SUSE-2023-4521", "", "1", "SLES:updates"),
    ]
    assert (rows[1].category, rows[1].severity) == ("security", "important")


def test_a_patch_of_zypper_itself_comes_first_and_the_others_still_count() -> None:
    """What waits for it stands in a list of its own."""
    text = XML.format(PATCH.format(status="needed")).replace(
        "</update-status>", f"<blocked-update-list>{PACKAGE}</blocked-update-list></update-status>"
    )
    assert [row.kind for row in parse(text.encode())] == ["patch", "package"]


def test_nothing_to_update_is_an_empty_list_of_updates_and_not_an_empty_answer() -> None:
    assert parse(XML.format("").encode()) == []
    assert parse(b"Loading repository data...\nReading installed packages...\nNo updates found.\n") == []
    for text in (b"", b"<stream></stream>", HEAD.encode(), b"Loading repository data...\n", b"<html/>"):
        with pytest.raises(CannotRead, match="not_understood"):
            parse(text)


def test_the_tables_people_see_say_the_same() -> None:
    (row,) = parse(SLES11.encode())
    assert (row.kind, row.name, row.arch, row.installed, row.available) == (
        "package",
        "ConsoleKit",
        "x86_64",
        "0.2.10-64.13.6",
        "0.2.10-64.65.1",
    )
    assert [(row.name, row.category, row.severity) for row in parse(PATCHES.encode())] == [
        ("SUSE-2023-1", "security", "important")
    ]
    wider = PATCHES.replace("| Summary", "| Since      | Summary").replace("| A | in", "| 2023-11-28 | A | in")
    wider = wider.replace("| Of some", "|            | Of some").replace("+------------+-----", "+----+----+---", 1)
    assert [row.name for row in parse(wider.encode())] == ["SUSE-2023-1"]


@pytest.mark.parametrize(
    "text",
    [
        XML.format(PACKAGE)[:-200],
        XML.format(PACKAGE.replace("8.0.1-11.80.1", "")),
        XML.format(PACKAGE.replace("curl", "")),
        "<!DOCTYPE x [<!ENTITY a 'b'>]>" + XML.format(PACKAGE),
        SLES11[:-20],
        SLES11.replace("0.2.10-64.65.1 ", ""),
        SLES11.replace("Current Version", "Something Else "),
        "S | Name | Type | Version | Arch | Repository\n--+--+--+--+--+--\n  | vim | package | 1-1 | noarch | os\n",
    ],
)
def test_what_is_cut_short_or_of_another_kind_is_refused(text: str) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        parse(text.encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for text in (data, HEAD.encode() + data, SLES11.encode() + data):
        try:
            parse(text)
        except CannotRead as error:
            assert error.code == "not_understood"
