"""The dates of end of support, and what they say of a PC."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from muster_agent.facts import OsVersion, Problem, Table
from muster_server.document.mistakes import PolicyError
from muster_server.feeds.os_support import FILE, TABLE, EndOfSupport, OsSupport, load
from muster_server.resources import bundled
from muster_server.words import entries

SHARED = Path(os.environ.get("MUSTER_SHARED") or Path(__file__).parents[4] / "shared")
DATES = load()


def support(**os_version: Any) -> Table:
    return DATES.derive({"os_version": Table(rows=(OsVersion(**os_version),))})[TABLE]


@pytest.mark.parametrize(
    ("os_version", "product", "ends", "extended", "terms"),
    [
        ({"platform": "debian", "major": 12}, "Debian", "2026-07-11", "2028-06-30", "free"),
        ({"platform": "ubuntu", "major": 22, "minor": 4}, "Ubuntu", "2027-06-01", "2032-04-21", "paid"),
        ({"platform": "ubuntu", "major": 25, "minor": 10}, "Ubuntu", "2026-07-09", None, None),
        ({"platform": "fedora", "major": 43}, "Fedora Linux", "2026-12-09", None, None),
        ({"platform": "centos", "major": 8, "name": "CentOS Linux"}, "CentOS Linux", "2021-12-31", None, None),
        ({"platform": "centos", "major": 8, "name": "CentOS Stream"}, "CentOS Stream", "2024-05-31", None, None),
        ({"platform": "rhel", "major": 9}, "Red Hat Enterprise Linux", "2032-05-31", "2036-05-31", "paid"),
        ({"platform": "openEuler", "version": "24.03 (LTS-SP3)"}, "openEuler", "2027-12-31", None, None),
        ({"platform": "darwin", "major": 13, "minor": 7, "version": "13.7.8"}, "macOS", "2025-09-15", None, None),
        ({"platform": "darwin", "major": 10, "minor": 15, "version": "10.15.7"},
         "macOS (OS X) 10", "2026-02-02", None, None),
        ({"platform": "windows", "build": "26100.8", "edition": "Professional"}, "Windows", "2026-10-13", None, None),
        ({"platform": "windows", "build": "26100.8655", "edition": "Core"}, "Windows", "2026-10-13", None, None),
        ({"platform": "windows", "build": "26100", "edition": "Enterprise"}, "Windows", "2027-10-12", None, None),
        ({"platform": "windows", "build": "26100", "edition": "EnterpriseS"}, "Windows", "2029-10-09", None, None),
        ({"platform": "windows", "build": "26100", "edition": "ServerStandard"},
         "Windows Server", "2034-11-14", None, None),
        ({"platform": "windows", "build": "19045.1", "edition": "CoreCountrySpecific"},
         "Windows", "2025-10-14", "2028-10-10", "paid"),
        ({"platform": "windows", "build": "19044.6691", "edition": "EnterpriseS"}, "Windows", "2027-01-12", None, None),
        ({"platform": "windows", "build": "19044.6691", "edition": "IoTEnterpriseS"},
         "Windows", "2032-01-13", None, None),
        ({"platform": "windows", "build": "22631.1", "edition": "Education"}, "Windows", "2026-11-10", None, None),
        ({"platform": "windows", "build": "7601.24545", "edition": "HomePremium"}, "Windows", "2020-01-14", None, None),
        ({"platform": "windows", "build": "26100.1", "edition": "ServerRdsh"},
         "Windows Enterprise multi-session", "2027-10-12", None, None),
        ({"platform": "windows", "build": "17763.3406", "edition": "ServerStandard"},
         "Windows Server", "2029-01-09", None, None),
        ({"platform": "windows", "build": "17763.3406", "edition": "ServerDatacenterACor"},
         "Windows Server (semi-annual and annual channel)", "2020-11-10", None, None),
        ({"platform": "windows", "build": "14393.1", "edition": "ServerDatacenter"},
         "Windows Server", "2027-01-12", "2030-01-12", "paid"),
    ],
)  # fmt: skip
def test_what_is_published(
    os_version: dict[str, Any], product: str, ends: str, extended: str | None, terms: str | None
) -> None:
    table = support(**os_version)
    assert table.rows is not None, table
    (row,) = table.rows
    assert isinstance(row, OsSupport)
    assert (row.product, row.support_ends, row.extended_ends, row.extended_terms) == (product, ends, extended, terms)
    assert row.basis and DATES.as_of in row.basis
    assert row.cycle


@pytest.mark.parametrize(
    ("os_version", "code"),
    [
        ({"platform": "uos", "major": 20, "version": "20"}, "support_not_published"),
        ({"platform": "kylin", "version": "v10"}, "support_not_published"),
        ({"platform": "darwin", "major": 26, "minor": 6, "version": "26.6.2"}, "support_not_published"),
        ({"platform": "darwin", "major": 15, "minor": 7, "version": "15.7.9"}, "support_not_published"),
        ({"platform": "darwin", "major": 14, "minor": 8, "version": "14.8.9"}, "support_not_published"),
        ({"platform": "darwin", "major": 99, "version": "99.1"}, "support_unknown_cycle"),
        ({"platform": "darwin", "major": 10, "minor": 16, "version": "10.16"}, "support_unknown_cycle"),
        ({"platform": "darwin"}, "support_unknown_cycle"),
        ({"platform": "arch"}, "support_unknown_product"),
        ({"platform": "debian", "codename": "sid"}, "support_unknown_cycle"),
        ({"platform": "debian", "major": 99}, "support_unknown_cycle"),
        ({"platform": "ubuntu", "major": 22}, "support_unknown_cycle"),
        ({"platform": "windows", "build": "26100.1"}, "support_unknown_cycle"),
        ({"platform": "windows", "build": "19044.1", "edition": "EnterpriseG"}, "support_unknown_cycle"),
        ({"platform": "windows", "edition": "Professional"}, "support_unknown_cycle"),
        ({"platform": "windows", "build": "26200.1", "edition": "EnterpriseS"}, "support_unknown_cycle"),
        ({"platform": "windows", "build": "7600.1", "edition": "Professional"}, "support_unknown_cycle"),
        ({"platform": "windows", "build": "29000.1", "edition": "Professional"}, "support_unknown_cycle"),
        ({"platform": "windows", "build": "19045.1", "edition": "ServerStandard"}, "support_unknown_cycle"),
        ({"platform": "windows", "build": "20348.1", "edition": "ServerAzureStackHCICor"}, "support_unknown_cycle"),
        ({"name": "Debian"}, "os_version_missing"),
    ],
)
def test_what_is_not_known_is_a_problem_and_never_an_empty_table(os_version: dict[str, Any], code: str) -> None:
    table = support(**os_version)
    assert table.rows is None
    assert table.problem is not None
    assert (table.problem.status, table.problem.code) == ("unsupported", code)
    assert f"reason.{code}" in entries()


def test_what_the_pc_could_not_read_is_passed_on() -> None:
    problem = Problem("denied", "permission", "/etc/os-release")
    assert DATES.derive({"os_version": Table(problem=problem)})[TABLE] == Table(problem=problem)
    for tables in ({}, {"os_version": Table(rows=())}):
        found = DATES.derive(tables)[TABLE].problem
        assert found is not None and found.code == "os_version_missing"


def test_what_a_pc_says_is_cut() -> None:
    problem = support(platform="arch", name="x" * 10_000).problem
    assert problem is not None and len(problem.detail) == 200
    assert support(platform="windows", build="9" * 10_000, edition="*" * 10_000).problem is not None


def test_deriving_leaves_the_other_tables_alone() -> None:
    tables = {"os_version": Table(rows=(OsVersion(platform="debian", major=12),)), "boot": Table(rows=())}
    derived = DATES.derive(tables)
    assert TABLE not in tables
    assert {name: derived[name] for name in tables} == tables


def test_the_file_is_whole() -> None:
    products = {product.id: product for product in DATES.products}
    for product in DATES.products:
        assert product.source
        for cycle in product.cycles.values():
            if cycle.support_ends is None:
                assert product.id == "macos", "only Apple says nothing of releases that it still mends"
            assert cycle.extended_ends is None or cycle.extended_ends > (cycle.support_ends or "9"), (product.id, cycle)
    assert list(products).index("centos-stream") < list(products).index("centos")
    order = ("windows-multi-session", "windows-server-annual", "azure-stack-hci", "windows-server", "windows")
    assert sorted(order, key=list(products).index) == list(order)
    enterprise = products["windows"].cycles
    for build, cycle in products["windows-multi-session"].cycles.items():
        same = enterprise[f"{build}/enterprise"]
        assert (cycle.support_ends, cycle.extended_ends) == (same.support_ends, same.extended_ends), build


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared feeds are not here (MUSTER_SHARED)")
@pytest.mark.parametrize(("distribution", "extended"), [("debian", "eol-lts"), ("ubuntu", "eol-esm")])
def test_the_dates_are_those_of_the_distributions_own_data(distribution: str, extended: str) -> None:
    path = SHARED / "feeds" / "eol" / "distro-info" / f"{distribution}.csv"
    with path.open() as file:
        lines = [line.rstrip("\n").split(",") for line in file]
    regular, column = lines[0].index("eol"), lines[0].index(extended)
    published = {line[0].removesuffix(" LTS"): line for line in lines[1:] if len(line) > 5}
    (product,) = [one for one in DATES.products if one.id == distribution]
    for key, cycle in product.cycles.items():
        line = published[key]
        assert cycle.support_ends == line[regular], key
        assert cycle.extended_ends == (line[column] if len(line) > column else None), key


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared feeds are not here (MUSTER_SHARED)")
@pytest.mark.parametrize(
    ("name", "product"),
    [
        ("fedora", "fedora"),
        ("rhel", "rhel"),
        ("almalinux", "almalinux"),
        ("rocky-linux", "rocky"),
        ("macos", "macos"),
        ("macos", "macos-10"),
        ("windows", "windows"),
    ],
)
def test_the_dates_are_those_of_endoflife_date(name: str, product: str) -> None:
    import yaml

    text = (SHARED / "feeds" / "eol" / "products" / f"{name}.md").read_text("utf-8")
    releases = yaml.load(text.split("---\n")[1], yaml.CSafeLoader)["releases"]
    (mine,) = [one for one in DATES.products if one.id == product]
    if product != "windows":
        published = {
            str(one["releaseCycle"]): (str(one["eol"]) if one["eol"] else None, one.get("eoes")) for one in releases
        }
        for key, cycle in mine.cycles.items():
            extended = published[key][1]
            assert (cycle.support_ends, cycle.extended_ends) == (published[key][0], str(extended) if extended else None)
        return
    by_key: dict[str, tuple[str, str | None]] = {}
    for one in releases:
        cycle = str(one["releaseCycle"])
        build = {"7-sp1": "7601", "8": "9200", "8.1": "9600"}.get(cycle) or str(one["latest"]).rpartition(".")[2]
        group = "iot-ltsc" if "iot-lts" in cycle else "ltsc" if cycle.endswith("-lts") else None
        groups = [group] if group else ["pro"] if cycle.endswith("-w") else ["enterprise"]
        if group is None and not cycle.endswith(("-w", "-e", "-iot")):
            groups = ["pro", "enterprise"]
        for one_group in groups if not cycle.endswith("-iot") else ():
            by_key[f"{build}/{one_group}"] = (str(one["eol"]), str(one["eoes"]) if one.get("eoes") else None)
    for key, entry in mine.cycles.items():
        assert (entry.support_ends, entry.extended_ends) == by_key[key], key


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared feeds are not here (MUSTER_SHARED)")
def test_the_dates_of_windows_server_are_those_of_endoflife_date() -> None:
    import yaml

    text = (SHARED / "feeds" / "eol" / "products" / "windows-server.md").read_text("utf-8")
    published: dict[tuple[bool, str], tuple[str, str | None]] = {}
    for one in yaml.load(text.split("---\n")[1], yaml.CSafeLoader)["releases"]:
        annual, build = str(one["releaseCycle"]).endswith(("-sac", "-ac")), str(one["latest"]).rpartition(".")[2]
        published[annual, build] = (str(one["eol"]), str(one["eoes"]) if one.get("eoes") else None)
    products = {product.id: product for product in DATES.products}
    seen = {
        (annual, build): (cycle.support_ends, cycle.extended_ends)
        for name, annual in (("windows-server", False), ("windows-server-annual", True))
        for build, cycle in products[name].cycles.items()
    }
    assert len(seen) > 12
    assert seen == {key: published[key] for key in seen}


GOOD = (bundled("policies") / FILE).read_text("utf-8")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda text: text.replace("as_of: 2026-11-23", "as_of: today", 1), "needs_day"),
        (lambda text: text.replace("as_of: 2026-11-23\n", "", 1), "missing_key"),
        (lambda text: text.replace("support_ends: 2026-07-11", "support_ends: 2026-13-11", 1), "needs_day"),
        (lambda text: text.replace("support_ends: 2026-07-11", "suport_ends: 2026-07-11", 1), "unknown_key"),
        (lambda text: text.replace("extended: free ", "extended: maybe ", 1), "not_a_choice"),
        (lambda text: text.replace("ends: not published", "ends: never", 1), "not_a_choice"),
        (lambda text: text.replace("{ends: not published}", "{label: none}", 1), "missing_key"),
        (lambda text: text.replace("    extended: free ", "    #", 1), "missing_key"),
        (lambda text: text.replace("cycle: [major]", "cycle: [mayor]", 1), "unknown_column"),
        (lambda text: text.replace("match: {platform: debian}", "match: {plattform: debian}", 1), "unknown_key"),
        (lambda text: text.replace("    match: {platform: debian}\n", "", 1), "missing_key"),
        (lambda text: text.replace('"12":', '"11":', 1), "duplicate_key"),
        (lambda text: "", "empty_file"),
        (lambda text: "as_of: 2026-11-23\nproducts: {}\n", "missing_key"),
        (lambda text: "as_of: 2026-11-23\nproducts: [1]\n", "needs_map"),
    ],
)
def test_a_mistake_in_the_file_is_said(tmp_path: Path, change: Callable[[str], str], code: str) -> None:
    path = tmp_path / FILE
    path.write_text(change(GOOD), "utf-8")
    with pytest.raises(PolicyError) as caught:
        load(path)
    assert code in [mistake.code for mistake in caught.value.mistakes]
    assert all(mistake.path == str(path) for mistake in caught.value.mistakes)


def test_an_office_can_keep_its_own_dates(tmp_path: Path) -> None:
    path = tmp_path / FILE
    uos = "  uos:\n    title: UOS\n    match: {platform: uos}\n    cycle: [major]\n    source: our contract\n"
    path.write_text(f'as_of: 2026-11-01\nproducts:\n{uos}    cycles: {{"20": {{support_ends: 2028-12-31}}}}\n', "utf-8")
    own: EndOfSupport = load(path)
    (row,) = own.derive({"os_version": Table(rows=(OsVersion(platform="uos", major=20),))})[TABLE].rows or ()
    assert (row.support_ends, row.basis) == ("2028-12-31", "our contract (2026-11-01)")
