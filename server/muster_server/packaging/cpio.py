"""A cpio archive in the form "newc", the payload of an .rpm."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

TRAILER = "TRAILER!!!"


@dataclass(frozen=True)
class Member:
    """A file or folder: its path with a leading slash, and its mode with the kind of file in it."""

    path: str
    mode: int
    data: bytes = b""


def cpio(members: Iterable[Member], epoch: int) -> bytes:
    """The archive; everything is root's and of the time ``epoch``."""
    found = b"".join(
        _one("." + member.path, member.data, number, member.mode, epoch) for number, member in enumerate(members, 1)
    )
    return found + _one(TRAILER, b"", 0, 0, 0)


def _one(name: str, data: bytes, inode: int, mode: int, epoch: int) -> bytes:
    encoded = name.encode("utf-8") + b"\0"
    # inode, mode, owner, group, links, time, size, two device numbers twice, length of the name, no checksum
    fields = (inode, mode, 0, 0, 1, epoch, len(data), 0, 0, 0, 0, len(encoded), 0)
    head = b"070701" + b"".join(b"%08x" % value for value in fields) + encoded
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)
