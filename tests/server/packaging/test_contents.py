"""Every package: equal orders give equal bytes, and nothing goes in that should not."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from muster_server.packaging import KINDS, build
from muster_server.packaging.contents import EPOCH, Order, Unbuildable, agent_files, epoch

LIBRARIES = (
    "cffi-1.17.1-cp38-cp38-win_amd64.whl",
    "cryptography-41.0.7-cp37-abi3-win_amd64.whl",
    "psutil-7.2.2-cp37-abi3-win_amd64.whl",
    "pycparser-2.23-py3-none-any.whl",
)


@pytest.fixture
def full(order: Order, embeddable: Callable[..., Path], wheels: Callable[..., Path]) -> Order:
    """An order that every kind can be built from."""
    return replace(order, python=embeddable(), wheels=wheels(*LIBRARIES))


@pytest.mark.parametrize("kind", KINDS)
def test_equal_orders_are_equal_bytes_whatever_the_files_look_like_here(kind: str, full: Order, tmp_path: Path) -> None:
    copied = tmp_path / "elsewhere" / "muster_agent"
    shutil.copytree(full.agent, copied)
    for path in copied.rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o700)
    (copied / "__pycache__").mkdir(exist_ok=True)
    (copied / "__pycache__" / "cli.cpython-37.pyc").write_bytes(b"byte-code")
    (copied / "cli.py.orig").write_text("left by an editor")
    assert build(kind, full) == build(kind, replace(full, agent=copied))


@pytest.mark.parametrize("kind", KINDS)
def test_another_order_is_another_package(kind: str, full: Order) -> None:
    made = build(kind, full)
    for other in (
        replace(full, provided=replace(full.provided, token="another")),
        replace(full, provided=replace(full.provided, server="https://other:8470")),
        replace(full, epoch=EPOCH + 86400),
    ):
        assert build(kind, other).data != made.data
    assert build(kind, replace(full, release=2)).name != made.name


@pytest.mark.parametrize("kind", KINDS)
def test_a_package_without_an_authority_names_none(kind: str, full: Order) -> None:
    made = build(kind, replace(full, provided=replace(full.provided, ca=None)))
    assert made.data
    assert b'"ca": null' in replace(full.provided, ca=None).conf()


def test_the_whole_agent_goes_in_and_its_byte_code_does_not(order: Order) -> None:
    names = {entry.path for entry in agent_files(order, "x/")}
    assert {"x/muster_agent/cli.py", "x/muster_agent/words/status.json", "x/muster_agent/py.typed"} <= names
    assert {path.relative_to(order.agent).as_posix() for path in order.agent.rglob("*.py")} == {
        name.removeprefix("x/muster_agent/") for name in names if name.endswith(".py")
    }
    assert not any("__pycache__" in name or name.endswith(".pyc") for name in names)


def test_times_come_from_source_date_epoch(order: Order) -> None:
    assert epoch({}) == EPOCH
    assert epoch({"SOURCE_DATE_EPOCH": "1800000000"}) == 1800000000
    for said in ("", "x", "-1", "0", "1e9", "99999999999", "１８００００００００"):
        with pytest.raises(Unbuildable):
            epoch({"SOURCE_DATE_EPOCH": said})
    made = build("macos", replace(order, epoch=1800000000))
    with tarfile.open(fileobj=io.BytesIO(made.data)) as archive:
        assert {(info.mtime, info.uid, info.gid, info.uname) for info in archive} == {(1800000000, 0, 0, "root")}
    with zipfile.ZipFile(io.BytesIO(build("pyz", replace(order, epoch=1800000000)).data)) as packed:
        assert {info.date_time for info in packed.infolist()} == {(2027, 1, 15, 8, 0, 0)}
