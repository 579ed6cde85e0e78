"""Simulated PCs for the benchmarks: real-sized tables, their own keys, and reports signed before anything is timed.

A PC has all 18 tables: 800 packages, 60 services, 40 accounts, 30 listening ports and what else an office PC says of
itself. The packages come from one of :data:`IMAGES` disk images; every PC has its own name, addresses and a handful of
packages of its own, so that no two are alike. What stands in :meth:`Fleet.changed` is what changes from day to day.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import random
import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from muster_agent import facts
from muster_agent.canonical import canonical, canonical_rows, digest
from muster_agent.facts import TABLES, Problem
from muster_agent.sending.envelope import FIRST, Envelope
from muster_agent.sending.keys import SigningKey
from muster_agent.sending.report import ENCODING, SCHEMA, SignedReport
from muster_agent.settings import Settings
from muster_server.store.database import Database
from muster_server.store.schema import agents, keys

IMAGES = 20  # disk images an office was set up from
PACKAGES, PORTS, SERVICES, USERS = 800, 30, 60, 40
OWN = 5  # packages that a PC has and its image has not
START = datetime(2026, 1, 1, 1, tzinfo=UTC)
SYLLABLES = ("lib", "gir", "py", "net", "core", "font", "qt", "gst", "perl", "data", "common", "dev", "tools", "x")

PROBLEMS = {"patches": Problem("unsupported", "not_this_platform", "linux")}
CHANGING = ("packages", "updates", "update_status", "antivirus", "boot")  # what changes on a PC in use

Coded = dict[str, tuple[str, bytes]]  # table -> digest and bytes of its rows


def package(numbers: random.Random, number: int) -> facts.Package:
    """A package with a name and a version as dpkg would list it."""
    source = "".join(numbers.choices(SYLLABLES, k=2)) + str(number)
    major, minor, patch = numbers.randrange(9), numbers.randrange(40), numbers.randrange(20)
    version = f"{major}.{minor}.{patch}-{numbers.randrange(1, 9)}+deb12u{numbers.randrange(1, 7)}"
    return facts.Package(
        name=source + numbers.choice(("", "-dev", "-common", "-data")),
        version=version,
        type="deb",
        arch="amd64",
        source=source,
        source_version=version,
    )


def port(numbers: random.Random, number: int) -> facts.ListeningPort:
    """A listening socket."""
    scope = numbers.choice(("loopback", "link", "network"))
    return facts.ListeningPort(
        protocol=numbers.choice(("tcp", "udp")),
        family="ipv4",
        address="127.0.0.1" if scope == "loopback" else "0.0.0.0",  # noqa: S104  # what a PC says
        port=1024 + number * 37,
        scope=scope,
        process=f"daemon{number}",
        path=f"/usr/sbin/daemon{number}",
    )


def image_tables(image: int) -> Coded:
    """The tables that every PC of a disk image has alike."""
    numbers = random.Random(image)  # noqa: S311  # the same every time, on purpose
    services = [
        facts.Service(
            name=f"service{number}",
            display_name=f"The service {number}",
            start_type="AUTO_START",
            status="RUNNING",
            path=f"/usr/lib/service{number}",
        )
        for number in range(SERVICES)
    ]
    users = [
        facts.User(  # noqa: S604  # the login shell of an account
            uid=number,
            username=f"user{number}",
            type="system",
            shell="/usr/sbin/nologin",
            enabled=False,
            administrator=False,
            password_status="locked",  # noqa: S106  # a word of the contract
        )
        for number in range(USERS)
    ]
    kernel = f"6.1.0-{28 + image}-amd64"
    system = facts.OsVersion(
        name="Debian GNU/Linux",
        version="12 (bookworm)",
        major=12,
        platform="debian",
        codename="bookworm",
        arch="x86_64",
    )
    status = facts.UpdateStatus(
        metadata_date="2026-01-01T00:00:00Z",
        last_installed="2025-12-30",
        automatic=True,
        reboot_required=False,
        running_kernel=kernel,
        installed_kernel=kernel,
    )
    pending = [
        facts.Update(name=f"pending{number}", installed="1.0-1", available="1.0-2", security=number < 3)
        for number in range(10)
    ]
    rows: dict[str, Sequence[Any]] = {
        "os_version": [system],
        "updates": pending,
        "update_status": [status],
        "packages": [package(numbers, number) for number in range(PACKAGES - OWN)],
        "firewall": [facts.Firewall(name="nftables", enabled=True, inbound="block", basis="rules")],
        "users": users,
        "services": services,
        "routes": [facts.Route(destination="0.0.0.0", netmask=0, gateway="10.0.0.1", interface="eth0")],  # noqa: S104
        "shared_resources": [],
        "remote_access": [],
        "settings": [Settings(password_min_length=8)],
    }
    return {name: coded(tuple(found)) for name, found in rows.items()}


def coded(rows: tuple[Any, ...]) -> tuple[str, bytes]:
    """The digest and the bytes of a table."""
    data = canonical_rows(rows)
    return digest(data), data


def body_of(tables: Coded, problems: dict[str, Problem], carried: Collection[str]) -> bytes:
    """The body of a report as muster_agent.sending.report writes it, put together from tables that are bytes already.

    ``carried``: the digests whose rows travel.
    """
    described: dict[str, Any] = {name: {"digest": found[0], "status": "ok"} for name, found in tables.items()}
    for name, problem in problems.items():
        described[name] = {
            "problem": {"code": problem.code, "detail": problem.detail, "status": problem.status},
            "status": problem.status,
        }
    rows = sorted({found[0]: found[1] for found in tables.values() if found[0] in carried}.items())
    bodies = b",".join(b'"' + name.encode("ascii") + b'":' + data for name, data in rows)
    manifest = canonical({"tables": described})
    return b'{"agent_version":"0.2.0","bodies":{%s},"manifest":%s,"schema":%d}' % (bodies, manifest, SCHEMA)


def packed(plain: bytes, level: int = 6) -> bytes:
    """A body as it travels."""
    made = io.BytesIO()
    with gzip.GzipFile(fileobj=made, mode="wb", compresslevel=level, mtime=0) as file:
        file.write(plain)
    return made.getvalue()


@dataclass
class Pc:
    """One PC: who it is, and where its chain stands."""

    number: int
    id: str
    key: SigningKey
    seq: int = 0
    previous: str = FIRST
    changes: dict[str, int] = field(default_factory=dict)  # table -> how often it has changed

    def sign(self, body: bytes, at: datetime = START) -> SignedReport:
        """The next report, with this body."""
        envelope = Envelope(
            agent=self.id,
            key=self.key.id,
            seq=self.seq + 1,
            previous=self.previous,
            boot=f"6b0e7f0c-0000-4000-8000-{self.number:012x}",
            collected_at=at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            encoding=ENCODING,
            body=hashlib.sha256(body).hexdigest(),
        )
        data = envelope.to_bytes()
        self.seq, self.previous = envelope.seq, digest(data)
        return SignedReport(data, self.key.sign(data), body)


class Fleet:
    """Any number of PCs, always the same ones."""

    def __init__(self) -> None:
        self._images = [image_tables(image) for image in range(IMAGES)]
        self._packages = [
            sorted(self._lines(image["packages"][1])) for image in self._images
        ]  # canonical rows, to which a PC's own are added

    @staticmethod
    def _lines(data: bytes) -> list[bytes]:
        return [b"{" + line.strip(b"{}") + b"}" for line in data[1:-1].split(b"},{")]

    def pcs(self, count: int) -> Iterator[Pc]:
        """The first ``count`` PCs, with a new key each."""
        for number in range(count):
            yield Pc(number, str(uuid.UUID(int=(0x4000 << 64) | (0x8000 << 48) | number)), SigningKey.generate())

    def tables(self, pc: Pc) -> Coded:
        """What the PC says of itself now."""
        n, changes = pc.number, pc.changes
        shared = self._images[n % IMAGES]
        made = dict(shared)
        numbers = random.Random(n)  # noqa: S311  # the same every time, on purpose
        own = [package(numbers, 10_000 + n % 977 * OWN + each) for each in range(OWN)]
        own[0] = facts.Package(**{**vars(own[0]), "version": f"{changes.get('packages', 0)}.{n}"})
        rows = sorted([*self._packages[n % IMAGES], *(canonical(_columns(row)) for row in own)])
        data = b"[" + b",".join(rows) + b"]"
        made["packages"] = digest(data), data
        made["system_info"] = coded(
            (
                facts.SystemInfo(
                    hostname=f"PC-{n % 40:02}-{n:06}",
                    uuid=str(uuid.UUID(int=n + 1)),
                    cpu_brand="Intel(R) Core(TM) i5-10500 CPU @ 3.10GHz",
                    cpu_physical_cores=6,
                    cpu_logical_cores=12,
                    physical_memory=8_052_736 * 1024,
                    hardware_vendor="LENOVO",
                    hardware_model="ThinkCentre M70t",
                    hardware_serial=f"PC{n:08}",
                ),
            )
        )
        started = START + timedelta(days=changes.get("boot", 0), seconds=n)
        made["boot"] = coded(
            (facts.Boot(boot_id=str(uuid.UUID(int=n + 7)), boot_time=started.strftime("%Y-%m-%dT%H:%M:%SZ")),)
        )
        made["antivirus"] = coded(
            (
                facts.Antivirus(
                    id="qax-tianqing",
                    name="天擎终端安全管理系统",
                    vendor="奇安信",
                    type="edr",
                    running=True,
                    realtime=True,
                    version="10.7.0",
                    signatures_date=(START + timedelta(days=changes.get("antivirus", 0))).strftime("%Y-%m-%d"),
                    basis="package:qaxsafe process:qaxsafed",
                ),
            )
        )
        made["listening_ports"] = coded(tuple(port(numbers, each) for each in range(PORTS)))
        made["disk_encryption"] = coded(
            (facts.DiskEncryption(name="/dev/sda2", mount="/", system=True, encrypted=False),)
        )
        made["interface_addresses"] = coded(
            (
                facts.InterfaceAddress(
                    interface="eth0",
                    mac="52:54:" + n.to_bytes(4, "big").hex(":"),
                    type="ethernet",
                    address=f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}",
                    mask="8",
                ),
            )
        )
        for name in ("updates", "update_status"):
            if name in changes:
                made[name] = self._changed(name, changes[name])
        missing = set(TABLES) - set(made) - set(PROBLEMS)
        assert not missing, missing
        return made

    @staticmethod
    def _changed(name: str, times: int) -> tuple[str, bytes]:
        if name == "updates":
            return coded(
                tuple(
                    facts.Update(name=f"pending{number}", installed="1.0-1", available=f"1.{times}-2", security=True)
                    for number in range(10)
                )
            )
        day = (START + timedelta(days=times)).strftime("%Y-%m-%dT00:00:00Z")
        return coded(
            (facts.UpdateStatus(metadata_date=day, last_installed=day[:10], automatic=True, reboot_required=False),)
        )

    def full(self, pc: Pc, level: int = 6) -> bytes:
        """The body of a PC that the server knows nothing of."""
        tables = self.tables(pc)
        return packed(body_of(tables, PROBLEMS, {found[0] for found in tables.values()}), level)

    def carrying(self, pc: Pc, names: Collection[str], level: int = 6) -> bytes:
        """A body that carries the rows of these tables alone; none: an unchanged PC."""
        tables = self.tables(pc)
        return packed(body_of(tables, PROBLEMS, {tables[name][0] for name in names}), level)


def _columns(row: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(row).items() if value is not None}


def enrol(database: Database, pcs: Sequence[Pc], now: datetime) -> None:
    """Make the database know these PCs, as if each had enrolled."""
    with database.write() as connection:
        for start in range(0, len(pcs), 1000):
            some = pcs[start : start + 1000]
            connection.execute(
                insert(agents),
                [
                    {
                        "id": pc.id,
                        "number": pc.number + 1,
                        "name": f"pc{pc.number}",
                        "unit": "信息科",
                        "tags": "[]",
                        "enrolled_at": now,
                        "approved_at": now,
                        "last_seq": 0,
                        "last_digest": FIRST,
                    }
                    for pc in some
                ],
            )
            connection.execute(
                insert(keys),
                [
                    {
                        "number": pc.number + 1,
                        "id": pc.key.id,
                        "agent": pc.id,
                        "public_key": pc.key.public.hex(),
                        "request": b"{}",
                        "request_signature": b"",
                        "since": now,
                    }
                    for pc in some
                ],
            )
