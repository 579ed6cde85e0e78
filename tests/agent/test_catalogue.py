"""The catalogue of products: every entry is well formed, and none rests on what any program may be called."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from muster_agent import catalogue
from muster_agent.catalogue import Product
from muster_agent.collect.antivirus import linux
from muster_agent.machine import Listing, Process, Uname
from muster_agent.recording import RecordedMachine, of_files

PRODUCTS = catalogue.load()
DPKG = b"Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21\n"
# What a rule that asks for protection accepts (policies: where type: [av, edr]).
PROTECTION = {"av", "edr"}
ENTRY = {"id": "x", "name": "X", "vendor": "V", "type": "av", "linux": {"paths": ["/opt/x"]}}


def collect(processes: tuple[Process, ...] = (), files: dict[str, bytes] | None = None) -> list[dict[str, object]]:
    """The rows of a PC with dpkg, these files and these processes."""
    said = of_files(
        Uname("Linux", "pc", "6.1", "x86_64"),
        {"/var/lib/dpkg/status": DPKG, **(files or {})},
        0,
        processes=Listing((Process(1, "systemd", None), *processes), True),
    )
    rows = linux.collect(RecordedMachine(said, whole=True)).rows
    assert rows is not None
    return [vars(row) for row in rows]


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.id)
def test_a_product_is_known_by_something_that_only_it_has(product: Product) -> None:
    assert product.linux.packages or product.linux.paths or product.linux.services
    for path in product.linux.paths:
        assert path.count("/") >= 2, f"{path} is a folder of the system"
        assert not path.startswith(("/home", "/tmp", "/var/tmp", "/dev/shm")), "anybody may write there"


@pytest.mark.parametrize("product", [p for p in PRODUCTS if p.linux.processes], ids=lambda product: product.id)
def test_a_process_name_alone_never_makes_a_product(product: Product) -> None:
    """Any program may call itself clamd, wherever it lies: without package, file or unit there is no product."""
    named = tuple(
        Process(100 + number, name, path)
        for number, (name, path) in enumerate(
            (name, path)
            for name in product.linux.processes
            for path in (f"/usr/sbin/{name}", f"/home/someone/{name}", None)
        )
    )
    assert collect(named) == []


def test_no_two_products_rest_on_the_same_evidence() -> None:
    seen: dict[tuple[str, str], str] = {}
    for product in PRODUCTS:
        for kind in ("packages", "paths", "processes", "services"):
            for value in getattr(product.linux, kind):
                assert (kind, value) not in seen, f"{product.id} and {seen[kind, value]}: {value}"
                seen[kind, value] = product.id


@pytest.mark.parametrize("kind", sorted(set(catalogue.TYPES) - PROTECTION))
def test_what_is_no_antivirus_says_so_in_its_type(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Management, access control and leak prevention clients are reported as what they are: a rule about protection
    asks for av or edr."""
    made_up = catalogue.parse(json.dumps([{**ENTRY, "type": kind}]).encode())
    for products in ([product for product in PRODUCTS if product.type == kind], made_up):
        monkeypatch.setattr(catalogue, "load", lambda products=products: products)
        for product in products:
            files = dict.fromkeys(product.linux.paths, b"x")
            files.update({f"/lib/systemd/system/{service}.service": b"" for service in product.linux.services})
            assert [row["type"] for row in collect(files=files) if row["id"] == product.id] == [kind]


@pytest.mark.parametrize("product", [p for p in PRODUCTS if p.linux.paths], ids=lambda product: product.id)
def test_a_product_that_is_there_and_idle_is_reported_as_not_running(product: Product) -> None:
    rows = [row for row in collect(files={product.linux.paths[0] + "/x": b""}) if row["id"] == product.id]
    assert [(row["type"], row["running"], row["registered"]) for row in rows] == [(product.type, False, None)]


def test_the_design_note_agrees_about_who_makes_what_and_what_it_is(shared: Path) -> None:
    """Where the catalogue and the note behind it know the same id, they say the same; "av/edr" is av first."""
    noted = json.loads((shared / "design/antivirus_catalogue.json").read_text("utf-8"))
    entries = noted if isinstance(noted, list) else next(value for value in noted.values() if isinstance(value, list))
    by_id = {entry["id"]: entry for entry in entries}
    known = [product for product in PRODUCTS if product.id in by_id]
    assert len(known) >= 40
    for product in known:
        kinds = re.findall(r"[a-z]+", str(by_id[product.id].get("type", "")).lower())
        wanted = next((kind for kind in ("av", "edr") if kind in kinds), kinds[0] if kinds else product.type)
        assert product.type == wanted, product.id


@pytest.mark.parametrize(
    "change",
    [
        {"id": ""},
        {"type": "antivirus"},
        {"name": 7},
        {"extra": "x"},
        {"linux": {}},
        {"linux": {"processes": ["clamd"]}},
        {"linux": {"paths": []}},
        {"linux": {"paths": ["opt/x"]}},
        {"linux": {"paths": ["/opt"]}},
        {"linux": {"paths": ["/opt/x/"]}},
        {"linux": {"paths": ["/opt/*"]}},
        {"linux": {"packages": ["a b"]}},
        {"linux": {"services": ["x/y"]}},
        {"linux": {"proceses": ["x"]}},
        {"linux": []},
    ],
    ids=str,
)
def test_a_mistake_in_the_catalogue_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        catalogue.parse(json.dumps([{**ENTRY, **change}]).encode())


def test_products_stand_once_and_in_order() -> None:
    assert [product.id for product in catalogue.parse(json.dumps([ENTRY, {**ENTRY, "id": "y"}]).encode())] == ["x", "y"]
    for entries in ([ENTRY, ENTRY], [{**ENTRY, "id": "y"}, ENTRY]):
        with pytest.raises(ValueError, match="order"):
            catalogue.parse(json.dumps(entries).encode())
