"""An RPM package, written without rpmbuild: lead, signature header, header, gzip-compressed cpio (rpm 4's format).

The digests in it let rpm notice damage; it carries no signature of a person. ``rpmsign`` adds one where an office has
a key of its own.
"""

from __future__ import annotations

import hashlib
import struct

from muster_server.packaging import linux, rpm_header
from muster_server.packaging.archive import gz
from muster_server.packaging.contents import Made, Order, data
from muster_server.packaging.cpio import Member, cpio
from muster_server.packaging.rpm_header import LOCALISED, Value, binary, number, short, string, strings

NAME = "muster-agent"
FOLDER, FILE = 0o040000, 0o100000  # kinds of file, in a mode
# The folders that are the package's own, not the system's.
OWN = ("/etc/muster-agent", "/var/lib/muster-agent", "/usr/lib/muster-agent", "/usr/share/doc/muster-agent")
CONFIG, DOC, MISSING_OK, KEEP_CHANGED, LICENCE = 1, 2, 8, 16, 128  # flags of a file
EQUAL, AT_LEAST, LESS_OR_EQUAL, RPMLIB = 8, 12, 10, 1 << 24  # flags of a dependency
SCRIPTS = {"post": (1024, 1086, 1 << 10), "preun": (1025, 1087, 1 << 11), "postun": (1026, 1088, 1 << 12)}
NEEDS = (
    ("python3", "3.7", AT_LEAST),
    ("python3-cryptography", "2.6", AT_LEAST),
    ("rpmlib(CompressedFileNames)", "3.0.4-1", LESS_OR_EQUAL | RPMLIB),
    ("rpmlib(FileDigests)", "4.6.0-1", LESS_OR_EQUAL | RPMLIB),
    ("rpmlib(PayloadFilesHavePrefix)", "4.0-1", LESS_OR_EQUAL | RPMLIB),
)
SUMMARY = "Reports the security facts of this PC to the office's Muster server"
DESCRIPTION = (
    "Reads which antivirus runs, which updates wait, which ports are open and the\n"
    "like, signs it and sends it to the server, which judges it. Started by the\n"
    "system a few times a day; it judges nothing and changes nothing."
)


def build(order: Order) -> Made:
    """muster-agent-VERSION-RELEASE.noarch.rpm: for openEuler, 银河麒麟 server, Fedora, Rocky and the like."""
    members = files(order)
    plain = cpio(members, order.epoch)
    payload = gz(plain)
    head = rpm_header.header(rpm_header.IMMUTABLE, [*about(order), *listed(members, order), *digests(payload, plain)])
    archive = lead(order) + signature(head, payload, len(plain)) + head + payload
    return Made(f"{NAME}-{order.version}-{order.release}.noarch.rpm", archive)


def files(order: Order) -> list[Member]:
    """Every file and every folder of the package's own, in the order of their paths."""
    entries = [Member("/" + entry.path, FILE | entry.mode, entry.data) for entry in linux.entries(order)]
    within = {entry.path.rpartition("/")[0] for entry in entries}
    own = {folder for folder in within if folder.startswith(OWN)}.union(OWN)
    found = [Member(folder, FOLDER | linux.MODES.get(folder[1:], 0o755)) for folder in own]
    return sorted([*found, *entries], key=lambda member: member.path)


def about(order: Order) -> list[Value]:
    """What the package is, what it needs, and its scripts."""
    version, scripts = f"{order.version}-{order.release}", ("/bin/sh", "", sum(flag for _, _, flag in SCRIPTS.values()))
    needs = sorted([*NEEDS, scripts])
    values = [
        strings(100, ["C"]),  # the languages of the localised values
        string(1000, NAME),
        string(1001, order.version),
        string(1002, str(order.release)),
        strings(1004, [SUMMARY], LOCALISED),
        strings(1005, [DESCRIPTION], LOCALISED),
        number(1006, order.epoch),  # built
        string(1007, "localhost"),  # where: not this machine's name
        string(1014, "Apache-2.0"),
        string(1015, "Muster <muster@localhost>"),  # who packed it
        strings(1016, ["System Environment/Base"], LOCALISED),
        string(1021, "linux"),
        string(1022, "noarch"),
        string(1044, f"{NAME}-{version}.src.rpm"),  # without it rpm takes the package for a source
        strings(1047, [NAME]),
        strings(1113, [version]),
        number(1112, EQUAL),
        strings(1049, [name for name, _, _ in needs]),
        strings(1050, [least for _, least, _ in needs]),
        number(1048, *(flag for _, _, flag in needs)),
        strings(5046, ["python3-psutil"]),  # recommended; an rpm before 4.12 skips these three
        strings(5047, [""]),
        number(5048, 0),
        number(1080, order.epoch),
        strings(1081, [f"Muster <muster@localhost> - {version}"]),
        strings(1082, ["- made by muster agent package"]),
        string(1124, "cpio"),
        string(1125, "gzip"),
        string(1126, "9"),
        string(5062, "utf-8"),
    ]
    for name, (script, program, _) in SCRIPTS.items():
        values += [string(script, data(f"rpm/{name}").decode("utf-8")), string(program, "/bin/sh")]
    return values


def listed(members: list[Member], order: Order) -> list[Value]:
    """The list of files. Names are split into folders and what lies in them."""
    settings = {"/" + entry.path for entry in linux.settings(order)}
    token = "/" + linux.token(order).path

    def flags(path: str) -> int:
        if path in settings:
            return CONFIG | KEEP_CHANGED
        if path == token:
            return CONFIG | KEEP_CHANGED | MISSING_OK
        return DOC | LICENCE if path.endswith("/copyright") else 0

    split = [member.path.rpartition("/") for member in members]
    folders = sorted({folder + "/" for folder, _, _ in split})
    is_file = [bool(member.mode & FILE) for member in members]
    count = len(members)
    return [
        number(1009, sum(len(member.data) for member in members)),
        number(1028, *(len(member.data) for member in members)),
        short(1030, *(member.mode for member in members)),
        short(1033, *[0] * count),  # device numbers, of devices
        number(1034, *[order.epoch] * count),
        strings(1035, [hashlib.sha256(m.data).hexdigest() if f else "" for m, f in zip(members, is_file, strict=True)]),
        strings(1036, [""] * count),  # where links lead
        number(1037, *(flags(member.path) for member in members)),
        strings(1039, ["root"] * count),
        strings(1040, ["root"] * count),
        # What rpm -V compares: everything, but nothing of the token, which the first run empties.
        number(1045, *(0 if member.path == token else 0xFFFFFFFF for member in members)),
        number(1095, *[1] * count),
        number(1096, *range(1, count + 1)),
        strings(1097, [""] * count),  # languages
        number(1116, *(folders.index(folder + "/") for folder, _, _ in split)),
        strings(1117, [name for _, _, name in split]),
        strings(1118, folders),
        number(5011, 8),  # the digests are SHA-256
    ]


def digests(payload: bytes, plain: bytes) -> list[Value]:
    """SHA-256 of the payload as it is stored and as it is unpacked."""
    sums = [hashlib.sha256(one).hexdigest() for one in (payload, plain)]
    return [strings(5092, sums[:1]), number(5093, 8), strings(5097, sums[1:])]


def signature(head: bytes, payload: bytes, size: int) -> bytes:
    """The signature header: digests of what follows it, filled up to eight bytes."""
    made = rpm_header.header(
        rpm_header.SIGNATURES,
        [
            string(269, hashlib.sha1(head, usedforsecurity=False).hexdigest()),
            string(273, hashlib.sha256(head).hexdigest()),
            number(1000, len(head) + len(payload)),
            binary(1004, hashlib.md5(head + payload, usedforsecurity=False).digest()),
            number(1007, size),
        ],
    )
    return made + bytes(-len(made) % 8)


def lead(order: Order) -> bytes:
    """The 96 bytes every .rpm begins with: format 3.0, binary, and a name that only file(1) reads."""
    name = f"{NAME}-{order.version}-{order.release}".encode("ascii")[:65]
    return struct.pack(">4sBBhh66shh16x", b"\xed\xab\xee\xdb", 3, 0, 0, 1, name, 1, 5)
