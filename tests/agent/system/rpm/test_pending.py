"""The pending updates are what dnf and zypper say, on a made-up PC with everything that is difficult."""

from __future__ import annotations

import http.server
import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from muster_agent.collect import collect_table
from muster_agent.collect.update_status import linux as update_status
from muster_agent.collect.updates import linux
from muster_agent.facts import Table, Update

LONG = "a-package-with-a-very-long-name-indeed-so-that-its-lines-may-be-wrapped"
DNF, ZYPPER = "etc/yum.repos.d", "etc/zypp/repos.d"
needs_dnf = pytest.mark.skipif(shutil.which("dnf-3") is None, reason="needs dnf, the truth these tests compare with")
needs_zypper = pytest.mark.skipif(shutil.which("zypper") is None, reason="needs zypper, the truth of these tests")
FRESH = 4_000_000_000  # the second the made-up PC was started (conftest)


def rows(table: Table) -> dict[str, Update]:
    """The rows by name."""
    assert table.rows is not None, table.problem
    return {row.name: row for row in table.rows}


def notes(table: Table) -> set[tuple[str, str, str | None]]:
    """What the table says is missing."""
    return {(note.status, note.code, note.column) for note in table.notes}


def made_fresh(root: Path) -> None:
    """Every index was refreshed an hour before the start."""
    for index in root.glob("var/cache/**/repomd.xml"):
        os.utime(index, (FRESH - 3600, FRESH - 3600))


# -- dnf -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def by_dnf(pc):  # type: ignore[no-untyped-def]
    """An openEuler with a source of advisories and a third party's without."""
    pc.has("dnf-3")
    pc.write("etc/dnf/dnf.conf", "[main]\ngpgcheck=0\n")
    pc.uses(DNF, "os", "update", "third")
    pc.install()
    pc.refresh()
    made_fresh(pc.root)
    return pc


@needs_dnf
def test_what_dnf_would_update_with_what_advisories_say_of_it(by_dnf) -> None:  # type: ignore[no-untyped-def]
    table = linux.collect(by_dnf.machine())
    found = rows(table)
    assert {name: (row.installed, row.available, row.origin) for name, row in found.items()} == {
        "hello": ("1.0-1.oe2203", "1.0-2.oe2203", "update"),
        "mended": ("1.0-1.oe2203", "1.0-10.oe2203", "update"),
        "overtaken": ("3:1.0-1.oe2203", "3:1.0-3.oe2203", "update"),
        "libsub": ("1.0-1.oe2203", "1.1-1.oe2203", "update"),
        "unadvised": ("1.0-1.oe2203", "1.1-1", "third"),
        "kernel": ("5.10.0-60.18.0.50.oe2203", "5.10.0-60.66.0.91.oe2203", "update"),
        "newname": (None, "2.0-1.oe2203", "update"),
        LONG: ("1.0-1.oe2203sp1", "1.1-1.oe2203sp1", "update"),
    }
    said = {name: (row.security, row.severity, row.advisory) for name, row in found.items()}
    assert said["mended"] == (True, "Moderate", "openEuler-SA-2022-1001")
    # The advisory that mends stands below the version on offer, and the one of that version mends nothing.
    assert said["overtaken"] == (True, "Critical", "openEuler-SA-2022-1003")
    assert said["kernel"] == (True, None, "openEuler-SA-2022-1005")  # dnf knows Red Hat's words only
    assert said["hello"] == (False, None, "openEuler-BA-2022-1002")
    assert said["libsub"] == (False, None, None)
    assert said["unadvised"] == (None, None, None)
    assert said["newname"] == (None, None, None)
    assert found["libsub"].source == "subsource"
    assert notes(table) == {("unsupported", "no_advisories", "security")}


@needs_dnf
def test_a_pc_with_nothing_to_update_has_no_rows_and_no_doubt(pc) -> None:  # type: ignore[no-untyped-def]
    pc.has("dnf-3")
    pc.uses(DNF, "os")
    pc.install()
    pc.refresh()
    made_fresh(pc.root)
    machine = pc.machine()
    table = linux.collect(machine)
    assert (table.rows, table.notes) == ((), ())
    assert not any("updateinfo" in argv for argv in machine.asked)  # nothing to advise on


@needs_dnf
@pytest.mark.parametrize("setting", ["exclude=mended kernel*", "excludepkgs=mended,kernel*"])
def test_what_is_held_back_is_pending_all_the_same(by_dnf, setting: str) -> None:  # type: ignore[no-untyped-def]
    by_dnf.write("etc/dnf/dnf.conf", f"[main]\ngpgcheck=0\n{setting}\n")
    table = linux.collect(by_dnf.machine())
    assert {"mended", "kernel", "hello"} <= set(rows(table))
    assert rows(table)["mended"].security is True
    assert ("unsupported", "packages_held_back", None) not in notes(table)


@needs_dnf
def test_a_repository_restricted_to_some_packages_stays_so(by_dnf) -> None:  # type: ignore[no-untyped-def]
    by_dnf.uses(DNF, "third", more="includepkgs=nothing-of-this-pc\n")
    table = linux.collect(by_dnf.machine())
    assert "unadvised" not in rows(table)
    assert notes(table) == {("unsupported", "no_advisories", "security")}  # of newname
    by_dnf.write("etc/dnf/dnf.conf", "[main]\ngpgcheck=0\nexclude=mended\n")
    table = linux.collect(by_dnf.machine())
    assert "mended" not in rows(table)
    assert ("unsupported", "packages_held_back", None) in notes(table)


@needs_dnf
def test_a_repository_never_downloaded_is_said_even_where_dnf_is_silent(by_dnf) -> None:  # type: ignore[no-untyped-def]
    text = "[more]\nname=more\nbaseurl=http://127.0.0.1:9/\nenabled=1\nskip_if_unavailable=1\n"
    by_dnf.write(f"{DNF}/more.repo", text)
    table = linux.collect(by_dnf.machine())
    assert ("error", "repository_not_cached", None) in notes(table)
    assert "mended" in rows(table)
    by_dnf.write(f"{DNF}/more.repo", text.replace("skip_if_unavailable=1\n", ""))
    table = collect_table(by_dnf.machine(), "updates")  # dnf itself refuses
    assert table.problem is not None
    assert (table.problem.code, table.status) == ("program_failed", "error")
    assert "no cache for 'more'" in table.problem.detail
    by_dnf.write(f"{DNF}/more.repo", text.replace("enabled=1", "enabled=0"))
    assert ("error", "repository_not_cached", None) not in notes(linux.collect(by_dnf.machine()))


@needs_dnf
def test_no_source_and_no_cache_are_problems_and_never_nothing_to_update(pc) -> None:  # type: ignore[no-untyped-def]
    pc.has("dnf-3")
    pc.install()
    assert collect_table(pc.machine(), "updates").problem.code == "no_repositories"  # type: ignore[union-attr]
    pc.uses(DNF, "os")
    assert collect_table(pc.machine(), "updates").problem.code == "no_repository_cache"  # type: ignore[union-attr]


@needs_dnf
def test_an_old_cache_tells_what_is_pending_and_not_that_nothing_is(by_dnf) -> None:  # type: ignore[no-untyped-def]
    for index in by_dnf.root.glob("var/cache/**/repomd.xml"):
        os.utime(index, (FRESH - 31 * 86400, FRESH - 31 * 86400))
    table = linux.collect(by_dnf.machine())
    assert ("stale", "metadata_stale", None) in notes(table)
    assert rows(table)["mended"].security is True
    for name in ("update", "third"):
        by_dnf.write(f"{DNF}/{name}.repo", "")
    table = collect_table(by_dnf.machine(), "updates")
    assert table.problem is not None
    assert (table.status, table.problem.code) == ("stale", "metadata_stale")
    assert table.problem.detail == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(FRESH - 31 * 86400))


@needs_dnf
def test_one_source_kept_fresh_does_not_speak_for_one_that_is_dead(by_dnf) -> None:  # type: ignore[no-untyped-def]
    (index,) = by_dnf.root.glob("var/cache/dnf/os-*/repodata/repomd.xml")
    os.utime(index, (FRESH - 400 * 86400, FRESH - 400 * 86400))
    table = linux.collect(by_dnf.machine())
    said = [note.detail.split()[0] for note in table.notes if note.code == "metadata_stale"]
    assert said == ["os"]
    assert ("stale", "metadata_stale", None) in notes(table)


@needs_dnf
@pytest.mark.parametrize("mirror", ["stripped", "emptied"])
def test_without_advisories_whether_an_update_mends_a_fault_is_unknown(pc, mirror: str) -> None:  # type: ignore[no-untyped-def]
    pc.has("dnf-3")
    pc.uses(DNF, "os", mirror)
    pc.install()
    pc.refresh()
    made_fresh(pc.root)
    table = linux.collect(pc.machine())
    assert {row.security for row in table.rows or ()} == {None}
    assert notes(table) == {("unsupported", "no_advisories", "security")}


@needs_dnf
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
def test_any_user_may_ask(by_dnf, public: Path) -> None:  # type: ignore[no-untyped-def]
    expected = rows(linux.collect(by_dnf.machine()))
    by_dnf.root = Path(shutil.copytree(by_dnf.root, public / "pc", symlinks=True))
    for path in [by_dnf.root, *by_dnf.root.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
    (by_dnf.root / "var/tmp").chmod(0o1777)
    left_behind = set(Path("/var/tmp").glob("dnf-*"))
    os.seteuid(65534)
    try:
        found = rows(linux.collect(by_dnf.machine()))
    finally:
        os.seteuid(0)
        for folder in set(Path("/var/tmp").glob("dnf-*")) - left_behind:  # where dnf keeps the logs of other users
            shutil.rmtree(folder)
    assert found == expected


@needs_dnf
def test_how_old_the_knowledge_is_stands_in_the_patch_state(by_dnf) -> None:  # type: ignore[no-untyped-def]
    (row,) = update_status.collect(by_dnf.machine()).rows or ()
    assert row.metadata_date == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(FRESH - 3600))
    assert (row.automatic, row.reboot_required, row.running_kernel) == (
        False,
        False,
        "5.10.0-60.18.0.50.oe2203.x86_64",
    )
    assert row.installed_kernel == "5.10.0-60.18.0.50.oe2203.x86_64"


# -- zypper ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def by_zypper(pc):  # type: ignore[no-untyped-def]
    """The same PC, served by zypper."""
    pc.has("zypper")
    pc.uses(ZYPPER, "os", "update", "third")
    pc.install()
    pc.refresh()
    made_fresh(pc.root)
    return pc


@needs_zypper
def test_what_zypper_would_update_and_the_security_patches_it_needs(by_zypper) -> None:  # type: ignore[no-untyped-def]
    table = linux.collect(by_zypper.machine())
    found = rows(table)
    packages = {name: row for name, row in found.items() if row.installed is not None}
    assert {name: (row.installed, row.available, row.origin) for name, row in packages.items()} == {
        "hello": ("1.0-1.oe2203", "1.0-2.oe2203", "update"),
        "mended": ("1.0-1.oe2203", "1.0-10.oe2203", "update"),
        "overtaken": ("3:1.0-1.oe2203", "3:1.0-3.oe2203", "update"),
        "libsub": ("1.0-1.oe2203", "1.1-1.oe2203", "update"),
        "unadvised": ("1.0-1.oe2203", "1.1-1", "third"),
        "kernel": ("5.10.0-60.18.0.50.oe2203", "5.10.0-60.66.0.91.oe2203", "update"),
        LONG: ("1.0-1.oe2203sp1", "1.1-1.oe2203sp1", "update"),
    }
    patches = {name: (row.security, row.severity, row.advisory) for name, row in found.items() if name not in packages}
    assert patches == {
        "openEuler-SA-2022-1001": (True, "moderate", "openEuler-SA-2022-1001"),
        "openEuler-SA-2022-1003": (True, "critical", "openEuler-SA-2022-1003"),
        "openEuler-SA-2022-1005": (True, "high", "openEuler-SA-2022-1005"),
    }
    assert {row.security for row in packages.values()} == {None}
    assert notes(table) == {("unsupported", "patches_mend_packages", "security")}


@needs_zypper
def test_where_no_security_patch_is_needed_the_updates_of_that_source_mend_nothing(by_zypper) -> None:  # type: ignore[no-untyped-def]
    newer = (by_zypper.archive / "update").glob("*/*.rpm")
    by_zypper.rpm("-U", *(file for file in newer if not file.name.startswith("settled")))
    table = linux.collect(by_zypper.machine())
    assert {name: row.security for name, row in rows(table).items()} == {"unadvised": None}
    assert notes(table) == {("unsupported", "no_advisories", "security")}


@needs_zypper
def test_a_source_zypper_never_downloaded_is_said_and_not_fetched(by_zypper) -> None:  # type: ignore[no-untyped-def]
    """--no-refresh alone does not keep zypper from downloading what is not there yet."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        by_zypper.write(f"{ZYPPER}/more.repo", f"[more]\nname=more\nbaseurl={address}\nenabled=1\n")
        by_zypper.write(f"{ZYPPER}/disc.repo", "[SLES15]\nname=disc\nbaseurl=cd:///?devices=/dev/sr0\nenabled=1\n")
        table = linux.collect(by_zypper.machine())
        with pytest.raises(TimeoutError):
            server.accept()
    assert notes(table) == {
        ("error", "repository_not_cached", None),
        ("unsupported", "patches_mend_packages", "security"),
    }
    assert {"mended", "unadvised", "openEuler-SA-2022-1003"} <= set(rows(table))


@needs_zypper
def test_the_installation_disc_is_no_source_of_updates(pc) -> None:  # type: ignore[no-untyped-def]
    pc.has("zypper")
    pc.install()
    pc.write(f"{ZYPPER}/disc.repo", "[SLES15]\nname=disc\nbaseurl=cd:///?devices=/dev/sr0\nenabled=1\n")
    assert collect_table(pc.machine(), "updates").problem.code == "no_repositories"  # type: ignore[union-attr]


@needs_zypper
@needs_dnf
def test_of_two_programs_the_one_whose_knowledge_is_newer_is_asked(by_zypper) -> None:  # type: ignore[no-untyped-def]
    by_zypper.has("dnf-3")
    by_zypper.uses(DNF, "os")
    machine = by_zypper.machine()
    linux.collect(machine)
    assert {argv[0] for argv in machine.asked} == {"/usr/bin/rpm", "/usr/bin/zypper"}
    by_zypper.refresh()
    for index in by_zypper.root.glob("var/cache/dnf/**/repomd.xml"):
        os.utime(index, (FRESH, FRESH))
    machine = by_zypper.machine()
    linux.collect(machine)
    assert {argv[0] for argv in machine.asked} == {"/usr/bin/rpm", "/usr/bin/dnf-3"}


# -- never the network -----------------------------------------------------------------------------------------------


@pytest.fixture
def served(archive: Path) -> Iterator[tuple[str, list[str]]]:
    """The archive over HTTP: its address, and what was asked of it."""
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(archive))

        def log_message(self, format: str, *arguments: Any) -> None:
            asked.append(self.path)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("tool", "folder"),
    [pytest.param("dnf-3", DNF, marks=needs_dnf), pytest.param("zypper", ZYPPER, marks=needs_zypper)],
)
def test_nothing_is_asked_over_the_network(pc, served, tool: str, folder: str) -> None:  # type: ignore[no-untyped-def]
    """Not even where the cache has expired long ago."""
    address, asked = served
    pc.has(tool)
    text = "[update]\nname=update\nbaseurl={}/update\nenabled=1\nautorefresh=1\nmetadata_expire=1\ngpgcheck=0\n"
    pc.write(f"{folder}/update.repo", text.format(address))
    pc.install()
    pc.refresh()
    assert asked  # the repository was downloaded from there
    asked.clear()
    for index in pc.root.glob("var/cache/**/repomd.xml"):
        os.utime(index, (1, 1))
    table = linux.collect(pc.machine())
    assert "mended" in rows(table)
    update_status.collect(pc.machine())
    assert asked == []


@needs_dnf
def test_collecting_leaves_settings_and_caches_as_they_were(by_dnf) -> None:  # type: ignore[no-untyped-def]
    """dnf writes its logs and opens its history whatever it is asked; nothing else may change."""

    def state() -> dict[str, tuple[int, int]]:
        found = (Path(folder) / name for folder, _, names in os.walk(by_dnf.root) for name in names)
        kept = [path for path in found if not re.search(r"/var/log/|/var/lib/dnf/history|rpmdb\.sqlite-", str(path))]
        return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in kept}

    before = state()
    linux.collect(by_dnf.machine())
    update_status.collect(by_dnf.machine())
    assert state() == before


# -- neither ---------------------------------------------------------------------------------------------------------


def test_a_pc_with_rpm_alone_says_that_nothing_here_knows(pc) -> None:  # type: ignore[no-untyped-def]
    pc.install()
    table = collect_table(pc.machine(), "updates")
    assert table.problem is not None
    assert (table.status, table.problem.code) == ("unsupported", "no_update_program")


def test_a_system_that_is_an_image_is_not_asked_about_packages(pc) -> None:  # type: ignore[no-untyped-def]
    pc.install()
    pc.write("run/ostree-booted")
    table = collect_table(pc.machine(), "updates")
    assert table.problem is not None
    assert (table.status, table.problem.code) == ("unsupported", "system_is_an_image")
