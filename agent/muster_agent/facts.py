"""The contract: every fact table, its row type, and what a PC says when it could not fill one.

Agent and server share this module and nothing else by accident: the agent fills these rows, the server decodes
reports into them, the policy loader checks rules against them, and docs/tables.md is written from them. Names are
osquery's wherever osquery has the fact.

Rules that hold for every table:

* ``None`` in a column means "not read", never "no". What ``None`` means for a column stands in its description.
* A table holds nothing that changes by itself between two runs of an unchanged PC (no pids, no counters, no ages).
* Rows stand in canonical order (:func:`canonical_rows`), so that equal tables are equal bytes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Dict

# What a column holds; the policy language allows a modifier by kind (judge/conditions.py).
TEXT = "text"
INTEGER = "integer"
BOOLEAN = "boolean"
MOMENT = "moment"  # "2026-11-23T06:05:00Z": RFC 3339 in UTC, or "2026-11-23" where only the day is known
VERSION = "version"  # ordered by the rules of the row's package system, never as text
ADDRESS = "address"  # an IPv4 or IPv6 address


def column(kind: str, doc: str, choices: tuple[str, ...] = ()) -> Any:
    """Declare a column: what it holds, what it means (and what null means), and its closed vocabulary if it has one."""
    return field(default=None, metadata={"kind": kind, "doc": doc, "choices": choices})


# -- the tables, in the order a reader asks for them -----------------------------------------------------------------


@dataclass(frozen=True)
class OsVersion:
    """The operating system (one row)."""

    name: str | None = column(TEXT, "Its name as it calls itself, e.g. Debian GNU/Linux.")
    version: str | None = column(TEXT, "Its version as it calls itself, e.g. 12 (bookworm).")
    major: int | None = column(INTEGER, "First number of the version; null for a rolling release.")
    minor: int | None = column(INTEGER, "Second number; null when the system does not state one.")
    patch: int | None = column(INTEGER, "Third number; null when the system does not state one.")
    build: str | None = column(TEXT, "Build, e.g. 26100.8655 on Windows, 1070 on UOS; null where there is none.")
    platform: str | None = column(TEXT, "windows, darwin, or the os-release ID on Linux, e.g. debian, kylin, uos.")
    platform_like: str | None = column(TEXT, "os-release ID_LIKE; null when not stated.")
    codename: str | None = column(TEXT, "Codename of the release, e.g. bookworm; null when not stated.")
    arch: str | None = column(TEXT, "Machine architecture as uname says it, e.g. x86_64, aarch64, loongarch64.")
    edition: str | None = column(TEXT, "Edition, e.g. Professional, Desktop; null where the system has none.")


@dataclass(frozen=True)
class SystemInfo:
    """The machine (one row)."""

    hostname: str | None = column(TEXT, "Name the machine gives itself on the network.")
    uuid: str | None = column(TEXT, "Firmware UUID; null without administrator rights or when it is a placeholder.")
    cpu_brand: str | None = column(TEXT, "Processor model; null when the kernel does not name it.")
    cpu_physical_cores: int | None = column(INTEGER, "Physical cores; null when the kernel does not say.")
    cpu_logical_cores: int | None = column(INTEGER, "Logical processors online.")
    physical_memory: int | None = column(INTEGER, "Memory in bytes.")
    hardware_vendor: str | None = column(TEXT, "Maker; null in most containers and virtual machines.")
    hardware_model: str | None = column(TEXT, "Model; null in most containers and virtual machines.")
    hardware_serial: str | None = column(
        TEXT, "Serial number; null without administrator rights or when a placeholder."
    )


@dataclass(frozen=True)
class Boot:
    """The last start (one row). The time it started, not how long ago: an unchanged PC must say the same twice."""

    boot_id: str | None = column(TEXT, "Identifier of this start; null where the system has none.")
    boot_time: str | None = column(MOMENT, "When the system started.")


@dataclass(frozen=True)
class Antivirus:
    """A protection product: installed, running and fresh are three separate facts."""

    id: str | None = column(TEXT, "Id in the product catalogue; null for a product it does not know.")
    name: str | None = column(TEXT, "Product name.")
    vendor: str | None = column(TEXT, "Maker.")
    type: str | None = column(
        TEXT,
        "What it is; only av and edr count as antivirus.",
        ("av", "edr", "mgmt", "nac", "dlp", "zt", "server", "hids", "os"),
    )
    registered: bool | None = column(BOOLEAN, "Registered with the system's security centre; null where there is none.")
    running: bool | None = column(BOOLEAN, "Its service runs now; null when the processes could not be seen.")
    realtime: bool | None = column(BOOLEAN, "It checks files as they are opened; null when the product does not tell.")
    version: str | None = column(VERSION, "Product version; null when not readable.")
    signatures_version: str | None = column(TEXT, "Version of the signatures; null when not readable.")
    signatures_date: str | None = column(MOMENT, "When the signatures were built; null when not readable.")
    basis: str | None = column(TEXT, "What this row rests on, e.g. package:clamav-daemon process:clamd.")


@dataclass(frozen=True)
class Update:
    """A pending update: something newer than what is installed is on offer."""

    name: str | None = column(TEXT, "Package, or title of the update on Windows.")
    arch: str | None = column(TEXT, "Architecture of the package; null on Windows.")
    source: str | None = column(TEXT, "Source package it is built from; null where there is none.")
    installed: str | None = column(VERSION, "Installed version; null on Windows.")
    available: str | None = column(VERSION, "Version on offer.")
    security: bool | None = column(BOOLEAN, "It mends a security fault, by the publisher's word; null when unknowable.")
    origin: str | None = column(TEXT, "Who offers it, e.g. Debian-Security:12/oldstable-security.")
    kb: str | None = column(TEXT, "Microsoft knowledge-base number; null elsewhere.")


@dataclass(frozen=True)
class UpdateStatus:
    """The patch state of the whole PC (one row)."""

    metadata_date: str | None = column(
        MOMENT, "How old the knowledge of pending updates is: the newest date its publishers or the last refresh state."
    )
    last_installed: str | None = column(MOMENT, "Day an update was last installed; null when no log tells.")
    automatic: bool | None = column(
        BOOLEAN, "Security updates install themselves; null when the setting cannot be read."
    )
    reboot_required: bool | None = column(
        BOOLEAN, "A restart is needed to finish an update; null when nothing can tell."
    )
    reboot_reason: str | None = column(TEXT, "Why, e.g. the package names; null when no restart is needed.")
    running_kernel: str | None = column(TEXT, "Kernel release that runs.")
    installed_kernel: str | None = column(
        TEXT, "Newest installed kernel of the same flavour; null when none is installed."
    )


@dataclass(frozen=True)
class Package:
    """An installed package or program."""

    name: str | None = column(TEXT, "Package name.")
    version: str | None = column(VERSION, "Installed version.")
    type: str | None = column(TEXT, "Package system, which also orders its versions.", ("deb", "rpm", "program", "app"))
    arch: str | None = column(TEXT, "Architecture; null where the package system has none.")
    source: str | None = column(TEXT, "Source package it is built from; advisories speak of these.")
    source_version: str | None = column(VERSION, "Version of the source package.")


@dataclass(frozen=True)
class ListeningPort:
    """A listening socket. osquery's table without pid, fd and socket, which change by themselves."""

    protocol: str | None = column(TEXT, "tcp or udp (osquery's 6 and 17, spelt out).", ("tcp", "udp"))
    family: str | None = column(TEXT, "ipv4 or ipv6 (osquery's 2 and 10, spelt out).", ("ipv4", "ipv6"))
    address: str | None = column(ADDRESS, "Address it listens on; 0.0.0.0 and :: are every address.")
    port: int | None = column(INTEGER, "Port number.")
    scope: str | None = column(
        TEXT,
        "Who can reach it by its address: loopback is this PC only, link is the local segment, network is everyone. "
        "A socket bound to a device (SO_BINDTODEVICE) may be reached by fewer: /proc does not tell.",
        ("loopback", "link", "network"),
    )
    process: str | None = column(TEXT, "Name of the listening program; null when it belongs to another user.")
    path: str | None = column(TEXT, "Its file; null when it belongs to another user, or to the kernel.")


# One name in every place: this key = the folder of the collector = the folder of its recordings = the table of a
# policy = the table in the store.
TABLES: dict[str, type[Any]] = {
    "os_version": OsVersion,
    "system_info": SystemInfo,
    "boot": Boot,
    "antivirus": Antivirus,
    "updates": Update,
    "update_status": UpdateStatus,
    "packages": Package,
    "listening_ports": ListeningPort,
}

# -- what stands where a table could not be filled -------------------------------------------------------------------

STATUSES = ("ok", "error", "denied", "unsupported", "stale")


@dataclass(frozen=True)
class Problem:
    """Why something could not be read. ``code`` is a key of words.json, so that every language can say it."""

    status: str  # one of STATUSES, never "ok"
    code: str  # what happened, e.g. "not_found"
    detail: str = ""  # the file, program or line it happened to; untrusted text once it has left the PC
    column: str | None = None  # the column it concerns; None: the whole table


@dataclass(frozen=True)
class Table:
    """One collected table: rows, or the problem that stands in their place; and what is missing inside the rows."""

    rows: tuple[Any, ...] | None = None
    problem: Problem | None = None
    notes: tuple[Problem, ...] = ()

    @property
    def status(self) -> str:
        """``ok``, or the status of the problem."""
        return "ok" if self.problem is None else self.problem.status


Tables = Dict[str, Table]


# -- what may travel -------------------------------------------------------------------------------------------------

# The server refuses what is beyond these, so the agent never sends it: what a file of the PC says must not be able to
# silence the PC.
TEXT_LIMIT = 10_000  # characters of one value
ROW_LIMIT = 50_000  # rows of one table
INTEGER_LIMIT = 2**63  # what both databases and JSON readers can hold


def speakable(text: str) -> str:
    """``text`` as UTF-8 and PostgreSQL can hold it: bytes that are not text, and NUL, are written as escapes."""
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        data = text.encode("utf-8", "surrogatepass")
    return data.decode("utf-8", "backslashreplace").replace("\0", "\\x00")


def within_limits(table: Table) -> Table:
    """``table`` as it may travel. A value that is too large is null and a note says so; so it is with too many rows."""
    notes = [dataclasses.replace(note, detail=speakable(note.detail)[:TEXT_LIMIT]) for note in table.notes]
    problem = table.problem
    if problem is not None:
        problem = dataclasses.replace(problem, detail=speakable(problem.detail)[:TEXT_LIMIT])
    rows = table.rows
    if rows is not None:
        cut: set[str] = set()
        if len(rows) > ROW_LIMIT:
            notes.append(Problem("error", "too_many_rows", str(len(rows))))
        rows = tuple(_row_within_limits(row, cut) for row in rows[:ROW_LIMIT])
        notes += [Problem("error", "value_too_large", "", name) for name in sorted(cut)]
    return Table(rows, problem, tuple(notes))


def _row_within_limits(row: Any, cut: set[str]) -> Any:
    changed: dict[str, Any] = {}
    for name, value in vars(row).items():
        if isinstance(value, str):
            said = value if value.isascii() and "\0" not in value else speakable(value)
            if len(said) > TEXT_LIMIT:
                changed[name] = None
                cut.add(name)
            elif said != value:
                changed[name] = said
        elif isinstance(value, int) and abs(value) >= INTEGER_LIMIT:
            changed[name] = None
            cut.add(name)
    return dataclasses.replace(row, **changed) if changed else row


# -- canonical bytes -------------------------------------------------------------------------------------------------


def canonical(value: Any) -> bytes:
    """The one byte form of ``value``: JSON, UTF-8, sorted keys, no blanks. Raises ``ValueError`` on NaN."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode(
        "utf-8", "backslashreplace"
    )


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal: the name of a table, a manifest or a report."""
    return hashlib.sha256(data).hexdigest()


def row_dict(row: Any) -> dict[str, Any]:
    """The columns of ``row`` that were read; null columns are left out, which keeps a table small."""
    return {f.name: value for f in dataclasses.fields(row) for value in [getattr(row, f.name)] if value is not None}


def canonical_rows(rows: tuple[Any, ...]) -> bytes:
    """The bytes of a table: distinct rows in the order of their own bytes."""
    return b"[" + b",".join(sorted({canonical(row_dict(row)) for row in rows})) + b"]"


def manifest(tables: Tables) -> tuple[bytes, dict[str, bytes]]:
    """Describe ``tables`` by digest.

    Returns the bytes of the manifest and the table bodies it names, by digest. The manifest says for every table of
    this agent what became of it, so a table that is missing from it was never tried.
    """
    described: dict[str, Any] = {}
    bodies: dict[str, bytes] = {}
    for name, table in tables.items():
        entry: dict[str, Any] = {"status": table.status}
        if table.rows is not None:
            body = canonical_rows(table.rows)
            entry["digest"] = digest(body)
            bodies[entry["digest"]] = body
        if table.problem is not None:
            entry["problem"] = row_dict(table.problem)
        if table.notes:
            entry["notes"] = [row_dict(note) for note in table.notes]
        described[name] = entry
    return canonical({"tables": described}), bodies


def column_docs(row_type: type[Any]) -> list[tuple[str, str, str, tuple[str, ...]]]:
    """(name, kind, description, choices) of every column of ``row_type``, in declaration order."""
    return [
        (f.name, f.metadata["kind"], f.metadata["doc"], f.metadata["choices"]) for f in dataclasses.fields(row_type)
    ]
