"""What macOS brings against malware: which copy of XProtect's signatures is in force, and what is unknown."""

from __future__ import annotations

import plistlib

import pytest

from muster_agent.collect.antivirus import darwin, xprotect
from muster_agent.facts import Antivirus, Table
from muster_agent.machine import CannotRead, Denied, Listing, Process, Stat, Uname
from muster_agent.recording import RecordedMachine, Recording, of_files

OLD, NEW = xprotect.BUNDLES[1] + "/Contents/Info.plist", xprotect.BUNDLES[0] + "/Contents/Info.plist"


def bundle(version: str) -> bytes:
    """An Info.plist."""
    return plistlib.dumps({"CFBundleShortVersionString": version})


def recording(files: dict[str, bytes], *processes: tuple[str, str]) -> Recording:
    """A Mac with these files and processes."""
    listing = Listing(tuple(Process(n, *each) for n, each in enumerate(processes, 1)), True)
    said = of_files(Uname("Darwin", "mac", "24.6.0", "arm64"), files, 1795200000, processes=listing)
    said.platform = "darwin"
    return said


def collect(said: Recording) -> Table:
    """The table of that Mac."""
    return darwin.collect(RecordedMachine(said, whole=True))


def only(table: Table) -> Antivirus:
    """The one row of a table."""
    assert table.rows is not None
    [row] = table.rows
    assert isinstance(row, Antivirus)
    return row


@pytest.mark.parametrize(
    ("files", "version"),
    [({OLD: "5316"}, "5316"), ({OLD: "5316", NEW: "5322"}, "5322"), ({OLD: "5322", NEW: "5316"}, "5316")],
)
def test_the_copy_in_force_tells_the_version(files: dict[str, str], version: str) -> None:
    """Since macOS 15 it is the one in /var/protected, be it the newer or the older."""
    row = only(collect(recording({path: bundle(said) for path, said in files.items()})))
    assert (row.id, row.type, row.signatures_version) == ("apple-xprotect", "os", version)
    assert row.signatures_date == "2026-11-20T18:40:00Z"


def test_the_other_copy_is_no_answer_when_the_one_in_force_may_not_be_read() -> None:
    said = recording({OLD: bundle("5316"), NEW: bundle("5322")})
    said.files[NEW] = Denied(NEW)
    table = collect(said)
    assert (only(table).signatures_version, only(table).signatures_date) == (None, None)
    assert {("denied", "signatures_version"), ("denied", "signatures_date")} <= {
        (note.code, note.column) for note in table.notes
    }


@pytest.mark.parametrize("data", [b"", b"bplist00\xff\xff", b"<plist><dict>", plistlib.dumps([])])
def test_a_damaged_bundle_is_unknown(data: bytes) -> None:
    assert only(collect(recording({OLD: data}))).signatures_version is None


def test_what_came_before_the_remediator_is_not_reported() -> None:
    mrt = "/Library/Apple/System/Library/CoreServices/MRT.app/Contents/Info.plist"
    assert collect(recording({mrt: bundle("1.93")})).rows == ()


def test_clamav_checks_nothing_as_it_is_opened() -> None:
    said = recording({"/opt/homebrew/sbin/clamd": b""}, ("clamd", "/opt/homebrew/Cellar/clamav/1.4.3/sbin/clamd"))
    said.programs["/opt/homebrew/sbin/clamd", "--version"] = CannotRead("timed_out", "clamd")
    row = only(collect(said))
    assert (row.id, row.running, row.realtime, row.version) == ("clamav", True, False, None)


def test_the_age_of_a_bundle_may_be_unknown() -> None:
    said = recording({OLD: bundle("5316")})
    said.stats[OLD] = Stat(1, 0)
    assert only(collect(said)).signatures_date is None
