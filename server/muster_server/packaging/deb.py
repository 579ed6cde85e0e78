"""A Debian package, written without dpkg: an ar archive of three members (deb(5))."""

from __future__ import annotations

import hashlib

from muster_server.packaging import linux
from muster_server.packaging.archive import tar_gz
from muster_server.packaging.contents import Entry, Made, Order, data, text

SCRIPTS = ("postinst", "prerm", "postrm")


def build(order: Order) -> Made:
    """muster-agent_VERSION-RELEASE_all.deb: for Debian, Ubuntu, 统信 UOS, 银河麒麟 desktop."""
    entries = linux.entries(order)
    archive = ar(
        [
            ("debian-binary", b"2.0\n"),
            ("control.tar.gz", tar_gz(control(order, entries), order.epoch, "./")),
            ("data.tar.gz", tar_gz(entries, order.epoch, "./", linux.MODES)),
        ],
        order.epoch,
    )
    return Made(f"muster-agent_{order.version}-{order.release}_all.deb", archive)


def control(order: Order, entries: list[Entry]) -> list[Entry]:
    """What dpkg reads of the package itself."""
    size = sum((len(entry.data) + 1023) // 1024 for entry in entries)  # KiB (deb-control(5))
    about = text("deb/control", version=order.version, release=order.release, size=size)
    settings = {entry.path for entry in linux.settings(order)}
    # The first run empties the token, so dpkg is not told what was in it.
    kept = [entry for entry in entries if entry.path not in settings and entry.path != linux.token(order).path]
    sums = "".join(f"{hashlib.md5(entry.data, usedforsecurity=False).hexdigest()}  {entry.path}\n" for entry in kept)
    return [
        Entry("control", about.encode("utf-8")),
        Entry("conffiles", "".join(f"/{path}\n" for path in sorted(settings)).encode("ascii")),
        Entry("md5sums", sums.encode("ascii")),
        *(Entry(name, data(f"deb/{name}"), 0o755) for name in SCRIPTS),
    ]


def ar(members: list[tuple[str, bytes]], epoch: int) -> bytes:
    """An ar archive in the form dpkg wants (deb(5)): names end in blanks, members begin at even offsets."""
    found = b"!<arch>\n"
    for name, content in members:
        found += f"{name:<16}{epoch:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode("ascii") + content
        found += b"\n" * (len(content) % 2)
    return found
