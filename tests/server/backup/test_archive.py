"""A backup is read as one that a stranger has made (L8): nothing of it leads anywhere but into the new deployment."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from muster_server.backup import archive, restoring
from muster_server.backup.archive import DATABASE, FORMAT, MANIFEST, TOP, BadBackup, Reader

CONTENT = {name: b"what is in " + name.encode() for name in (*TOP, "tls/ca.pem", "policies/办公.yaml")}


def manifest(content: dict[str, bytes], **changed: Any) -> bytes:
    members = [
        {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in content.items()
    ]
    told = {"made_at": "-", "made_by": "-", "head": {}, "counts": {}, "members": members}
    return json.dumps({"format": FORMAT, "schema": "0002", **told, **changed}).encode()


def member(name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, **more: Any) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.type = len(data), kind
    for key, value in more.items():
        setattr(info, key, value)
    return info


def tar(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.GNU_FORMAT) -> bytes:
    """An archive as tar makes it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as file:
        for info, data in members:
            file.addfile(info, io.BytesIO(data))
    return out.getvalue()


def plain(content: dict[str, bytes]) -> list[tuple[tarfile.TarInfo, bytes]]:
    return [(member(name, data), data) for name, data in content.items()]


def of(content: dict[str, bytes], said: bytes | None = None, *more: tuple[tarfile.TarInfo, bytes]) -> bytes:
    said = manifest(content) if said is None else said
    return tar((member(MANIFEST, said), said), *plain(content), *more)


def read(data: bytes) -> dict[str, bytes]:
    reader = Reader(io.BytesIO(data))
    found = {}
    for one, file in reader.members():
        found[one.name] = b"".join(iter(file.read, b""))
    return found


def refused(data: bytes) -> str:
    with pytest.raises(BadBackup) as error:
        read(data)
    return error.value.code


def test_what_any_tar_wrote_is_read() -> None:
    assert read(of(CONTENT)) == CONTENT
    long_name = "policies/" + "很长的名字" * 12 + ".yaml"
    assert read(of({**CONTENT, long_name: b"x"}))[long_name] == b"x"


def test_what_is_written_any_tar_reads() -> None:
    out = io.BytesIO()
    archive.put(out, "policies/" + "名" * 60, io.BytesIO(b"data"), 4, 0)
    archive.put(out, DATABASE, io.BytesIO(bytes(1000)), 1000, 0)
    archive.finish(out)
    with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as file:
        assert [(one.name, one.size, one.mode) for one in file.getmembers()] == [
            ("policies/" + "名" * 60, 4, 0o600),
            (DATABASE, 1000, 0o600),
        ]


NAMES = [
    *("/etc/passwd", "../outside", "policies/../../outside", "policies/..", "policies/", "policies//x", "./muster.db"),
    *("C:/x", "policies/C:x", "policies\\x", "policies/a\\b", "policies/a\nb", "policies/\x7f", "muster.db-wal"),
    *("serve.lock", "other/x", "tls", "policies/" + "/".join("abcdefghij"), "policies/" + "x" * 300),
]


@pytest.mark.parametrize("name", NAMES)
def test_L8_a_name_that_no_deployment_has_is_refused(name: str) -> None:
    data = b"x"
    listed = {**CONTENT, name: data}
    assert refused(of(listed)) == "name"
    said = manifest(CONTENT)
    assert refused(tar((member(MANIFEST, said), said), (member(name, data), data))) in ("name", "kind", "header")


KINDS = {
    "symbolic link": (tarfile.SYMTYPE, {"linkname": "/etc/shadow"}),
    "hard link": (tarfile.LNKTYPE, {"linkname": DATABASE}),
    "character device": (tarfile.CHRTYPE, {"devmajor": 1, "devminor": 3}),
    "block device": (tarfile.BLKTYPE, {"devmajor": 8}),
    "fifo": (tarfile.FIFOTYPE, {}),
    "folder": (tarfile.DIRTYPE, {}),
    "contiguous": (tarfile.CONTTYPE, {}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_L8_only_plain_files_are_taken(kind: str) -> None:
    type_, more = KINDS[kind]
    said = manifest(CONTENT)
    hostile = member("tls/ca.pem", b"", type_, **more)
    assert refused(tar((member(MANIFEST, said), said), (hostile, b""))) == "kind"


def test_L8_extensions_of_the_format_are_not_interpreted() -> None:
    said = manifest(CONTENT)
    info = member(DATABASE, b"x")
    info.pax_headers = {"path": "/etc/passwd", "size": "999999999999"}
    assert refused(tar((member(MANIFEST, said), said), (info, b"x"), form=tarfile.PAX_FORMAT)) == "kind"
    endless = member("././@LongLink", b"", archive.LONG_NAME)
    endless.size = 10**10
    data = tar((member(MANIFEST, said), said))[: -archive.BLOCK * 2]
    data = data[: 512 + -(-len(said) // 512) * 512] + endless.tobuf(tarfile.GNU_FORMAT) + bytes(1024)
    assert refused(data) == "name"


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    said = json.loads(manifest(CONTENT))
    change(said)
    return of(CONTENT, json.dumps(said).encode())


HOSTILE: dict[str, tuple[Callable[[], bytes], set[str]]] = {
    "nothing": (lambda: b"", {"cut"}),
    "text": (lambda: b"this is no archive" * 1000, {"header", "manifest"}),
    "no manifest": (lambda: tar(*plain(CONTENT)), {"manifest"}),
    "a damaged manifest": (lambda: of(CONTENT, b"{"), {"manifest"}),
    "a deep manifest": (lambda: of(CONTENT, b"[" * 100_000), {"manifest"}),
    "a manifest of another format": (lambda: of(CONTENT, manifest(CONTENT, format="x")), {"manifest"}),
    "a manifest of wrong types": (lambda: of(CONTENT, manifest(CONTENT, members=[{"name": 1}])), {"manifest"}),
    "a negative size": (lambda: changed(lambda said: said["members"][0].update(size=-1)), {"manifest"}),
    "a size of true": (lambda: changed(lambda said: said["members"][0].update(size=True)), {"manifest"}),
    "an enormous file": (lambda: changed(lambda said: said["members"][1].update(size=10**12)), {"size"}),
    "another size": (lambda: changed(lambda said: said["members"][0].update(size=3)), {"size"}),
    "another digest": (lambda: changed(lambda said: said["members"][0].update(sha256="0" * 64)), {"digest"}),
    "one named twice": (lambda: changed(lambda said: said["members"].append(said["members"][0])), {"twice"}),
    "one not listed": (lambda: of(CONTENT, None, (member("tls/x", b"x"), b"x")), {"not_listed"}),
    "one twice": (lambda: of(CONTENT, None, (member(DATABASE, b"x"), b"x")), {"twice"}),
    "one missing": (
        lambda: of({k: v for k, v in CONTENT.items() if k != "tls/ca.pem"}, manifest(CONTENT)),
        {"missing"},
    ),
    "no database": (lambda: of({k: v for k, v in CONTENT.items() if k != DATABASE}), {"missing"}),
    "cut short": (lambda: of(CONTENT)[:2000], {"cut"}),
    "cut in a header": (lambda: of(CONTENT)[:5000], {"cut"}),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_L8_what_is_no_whole_backup_is_refused(what: str) -> None:
    make, codes = HOSTILE[what]
    assert refused(make()) in codes


@pytest.mark.parametrize("name", [*NAMES[:6], "tls/x"])
def test_L8_a_hostile_backup_leaves_nothing_anywhere(name: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "hostile.tar"
    path.write_bytes(of(CONTENT, None, (member(name, b"x"), b"x")))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(BadBackup):
        restoring.check(path, lambda done, total: None)
    assert sorted(tmp_path.rglob("*")) == before
