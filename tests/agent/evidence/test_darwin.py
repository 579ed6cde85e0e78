"""Evidence on macOS: what makes a product, what stays when one is removed, and what is unknown."""

from __future__ import annotations

import plistlib
from dataclasses import replace

import pytest

from muster_agent import catalogue
from muster_agent.catalogue import Catalogue, Product
from muster_agent.evidence.darwin import Look
from muster_agent.facts import Problem
from muster_agent.machine import CannotRead, Listing, Output, Process, Uname
from muster_agent.recording import RecordedMachine, Recording, of_files

PRODUCTS, REMOTE = catalogue.products(), catalogue.remote_access()
KNOWN = [product for known in (PRODUCTS, REMOTE) for product in known.on("darwin")]
DAEMONS = "/Library/LaunchDaemons"


def recording(files: dict[str, bytes], *processes: tuple[str, str | None]) -> Recording:
    """A Mac with these files and processes."""
    listing = Listing(tuple(Process(n, *each) for n, each in enumerate(processes, 1)), True)
    said = of_files(Uname("Darwin", "mac", "24.6.0", "arm64"), {"/Applications/.x": b"", **files}, 0, processes=listing)
    said.platform = "darwin"
    return said


def of(product: Product) -> Catalogue:
    """A catalogue of one."""
    return replace(PRODUCTS, products=(product,))


def search(said: Recording, known: Catalogue) -> tuple[list[tuple[str, tuple[str, ...], bool | None]], list[Problem]]:
    """(product, what shows it, whether it runs) of everything found."""
    found, notes = Look(RecordedMachine(said, whole=True)).search(known)
    return [(finding.product.id, finding.presence, finding.running) for finding in found], notes


def job(label: str, program: str) -> bytes:
    """A job of launchd."""
    return plistlib.dumps({"Label": label, "ProgramArguments": [program], "RunAtLoad": True})


@pytest.mark.parametrize("product", KNOWN, ids=lambda p: p.id)
def test_process_names_alone_never_make_a_product(product: Product) -> None:
    assert product.darwin is not None
    named = [(name, path) for name in product.darwin.processes for path in (f"/usr/local/bin/{name}", None)]
    assert search(recording({}, *named), of(product)) == ([], [])


@pytest.mark.parametrize("product", [p for p in KNOWN if p.darwin and p.darwin.folders], ids=lambda p: p.id)
def test_the_folders_that_stay_are_no_product(product: Product) -> None:
    assert product.darwin is not None
    folders = [folder for folder in product.darwin.folders if folder not in product.darwin.paths]
    files = {folder + "/settings.plist": b"" for folder in folders}
    assert search(recording(files), of(product))[0] == []


@pytest.mark.parametrize("product", [p for p in KNOWN if p.darwin and p.darwin.apps], ids=lambda p: p.id)
def test_a_bundle_shows_a_product(product: Product) -> None:
    assert product.darwin is not None
    app = product.darwin.apps[0]
    said = recording(
        {f"/Applications/{app}/Contents/Info.plist": plistlib.dumps({"CFBundleShortVersionString": "1.2"})}
    )
    found, _ = search(said, of(product))
    assert found == [(product.id, ("app:" + app,), False)]


TODESK = next(product for product in REMOTE.products if product.id == "todesk")
PROGRAM = "/Applications/ToDesk.app/Contents/MacOS/ToDesk_Service"
JOB = {DAEMONS + "/com.youqu.todesk.service.plist": job("com.youqu.todesk.service", PROGRAM)}


def test_a_job_counts_while_its_program_is_there() -> None:
    assert search(recording(JOB), of(TODESK)) == ([], [])
    found, _ = search(recording({**JOB, PROGRAM: b""}), of(TODESK))
    assert found == [("todesk", ("app:ToDesk.app", "launchd:com.youqu.todesk.service"), False)]


def test_a_job_that_cannot_be_read_is_said() -> None:
    found, notes = search(recording({DAEMONS + "/com.youqu.todesk.service.plist": b"bplist00\xff"}), of(TODESK))
    assert (found, [note.code for note in notes]) == ([], ["not_understood"])


def test_an_extension_of_the_system_shows_a_product_and_its_process() -> None:
    place = (
        "/Library/SystemExtensions/6A7F0C11-0000-4000-8000-000000000001/com.crowdstrike.falcon.Agent.systemextension"
    )
    falcon = next(product for product in PRODUCTS.products if product.id == "crowdstrike")
    files = {place + "/Contents/Info.plist": b""}
    name = "com.crowdstrike.falcon.Agent"
    running = recording(files, (name, f"{place}/Contents/MacOS/{name}"))
    assert search(running, of(falcon))[0] == [("crowdstrike", ("extension:" + name,), True)]
    elsewhere = recording(files, (name, f"/Users/someone/{name}"))
    assert search(elsewhere, of(falcon))[0] == [("crowdstrike", ("extension:" + name,), False)]


@pytest.mark.parametrize(
    ("listed", "privileged", "running"),
    [
        (b"PID\tStatus\tLabel\n77\t0\tcom.youqu.todesk.service\n", True, True),
        (b"PID\tStatus\tLabel\n-\t0\tcom.youqu.todesk.service\n", True, None),
        (b"", True, None),
        (b"PID\tStatus\tLabel\n77\t0\tcom.youqu.todesk.service\n", False, None),
    ],
)
def test_without_a_list_of_processes_launchd_tells_what_runs(
    listed: bytes, privileged: bool, running: bool | None
) -> None:
    said = recording({**JOB, PROGRAM: b""})
    said.processes = CannotRead("no_psutil", "processes", "unsupported")
    said.privileged = privileged
    said.programs["/bin/launchctl", "list"] = Output(0, listed, b"")
    assert [entry[2] for entry in search(said, of(TODESK))[0]] == [running]
