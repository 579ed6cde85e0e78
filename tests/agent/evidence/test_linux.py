"""Evidence on Linux: what makes a product, what does not, and what is unknown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from muster_agent import catalogue
from muster_agent.catalogue import Catalogue, Product
from muster_agent.evidence import unproven
from muster_agent.evidence.linux import Look
from muster_agent.machine import Listing, Process, Uname
from muster_agent.recording import RecordedMachine, of_files

PRODUCTS, REMOTE = catalogue.products(), catalogue.remote_access()
KNOWN = [product for known in (PRODUCTS, REMOTE) for product in known.on("linux")]
DPKG = b"Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21\n"


def look(processes: tuple[Process, ...] = (), files: dict[str, bytes] | None = None) -> Look:
    """A PC with dpkg, these files and these processes."""
    said = of_files(
        Uname("Linux", "pc", "6.1", "x86_64"),
        {"/var/lib/dpkg/status": DPKG, **(files or {})},
        0,
        processes=Listing((Process(1, "systemd", None), *processes), True),
    )
    return Look(RecordedMachine(said, whole=True))


def of(product: Product) -> Catalogue:
    """A catalogue of one."""
    return replace(PRODUCTS, products=(product,))


@pytest.mark.parametrize("product", [p for p in KNOWN if p.linux and p.linux.processes], ids=lambda p: p.id)
def test_a_process_name_alone_never_makes_a_product(product: Product) -> None:
    """Any program may call itself clamd, wherever it lies: without package, file or unit there is no product."""
    assert product.linux is not None
    named = tuple(
        Process(number, name, path)
        for number, name in enumerate(product.linux.processes, 100)
        for path in (f"/usr/sbin/{name}", f"/home/someone/{name}", None)
    )
    assert look(named).search(of(product)) == ([], [])


@pytest.mark.parametrize("product", [p for p in KNOWN if p.linux and p.linux.paths], ids=lambda p: p.id)
def test_a_product_that_is_there_and_idle_does_not_run(product: Product) -> None:
    assert product.linux is not None
    [found], notes = look(files={product.linux.paths[0] + "/x": b""}).search(of(product))
    assert (found.running, found.activity, notes) == (False, (), [])


@pytest.mark.parametrize("product", [p for p in KNOWN if p.linux and p.linux.services], ids=lambda p: p.id)
def test_a_unit_shows_a_product_and_its_control_group_that_it_runs(product: Product) -> None:
    assert product.linux is not None
    service = product.linux.services[0]
    unit = {f"/usr/lib/systemd/system/{service}.service": b"[Unit]\n"}
    [found], _ = look(files=unit).search(of(product))
    assert (found.presence, found.running) == (("service:" + service,), False)
    group = {f"/sys/fs/cgroup/system.slice/{service}.service/cgroup.procs": b"1\n"}
    [found], _ = look(files={**unit, **group}).search(of(product))
    assert (found.activity, found.running) == (("active:" + service,), True)


def test_a_generic_name_counts_in_the_products_folder_only() -> None:
    """pmd is a static analyser too."""
    cortex = of(next(product for product in PRODUCTS.products if product.id == "cortex-xdr"))
    files = {"/opt/traps/bin/cytool": b""}
    for path, running in (("/opt/traps/bin/pmd", True), ("/usr/bin/pmd", False), (None, False)):
        [found], _ = look((Process(9, "pmd", path),), files).search(cortex)
        assert found.running is running, path


# -- a copy that was never installed ---------------------------------------------------------------------------------


def test_a_name_without_a_product_is_said() -> None:
    said = look((Process(9, "rustdesk", "/home/someone/rustdesk"),))
    found, _ = said.search(REMOTE)
    notes = list(unproven(REMOTE, "linux", found, said.processes))
    assert [(note.code, note.detail, note.column) for note in notes] == [("name_alone", "rustdesk", None)]


def test_a_name_with_its_product_is_not_said_again() -> None:
    files = {"/opt/TurboVNC/bin/Xvnc": b""}
    said = look((Process(9, "Xvnc", "/opt/TurboVNC/bin/Xvnc"),), files)
    found, _ = said.search(REMOTE)
    assert [finding.product.id for finding in found] == ["turbovnc"]
    assert list(unproven(REMOTE, "linux", found, said.processes)) == []  # Xvnc is TigerVNC's name too
