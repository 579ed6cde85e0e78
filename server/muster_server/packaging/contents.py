"""What goes into every package: the agent's own files, and what IT lays down for its PCs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import muster_agent

DATA = Path(__file__).resolve().parent / "data"
EPOCH = 1767225600  # 2026-01-01: the time of every file where SOURCE_DATE_EPOCH names no other
SUFFIXES = (".py", ".json", ".typed")


class Unbuildable(Exception):
    """A package cannot be made. ``code`` is a key of reports/wording/agent_package.yaml, ``values`` fill its braces."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(f"{code} {values}")
        self.code = code
        self.values = values


@dataclass(frozen=True)
class Entry:
    """A file of a package: its path there, without a leading slash."""

    path: str
    data: bytes
    mode: int = 0o644


@dataclass(frozen=True)
class Provided:
    """The settings of the PCs a package is for (muster_agent/sending/conf.py)."""

    server: str  # address
    unit: str
    token: str
    ca: bytes | None = None  # PEM; None: the PCs' own authorities
    server_key: str | None = None  # the server's public key in hexadecimal

    def conf(self, ca: str = "ca.pem") -> bytes:
        """agent.conf, naming the authority's file by ``ca``."""
        found: dict[str, str | None] = {"server": self.server, "unit": self.unit, "ca": ca if self.ca else None}
        if self.server_key is not None:
            found["server_key"] = self.server_key
        return (json.dumps(found, ensure_ascii=False, indent=1) + "\n").encode("utf-8")


@dataclass(frozen=True)
class Order:
    """Everything a package is made of."""

    provided: Provided
    version: str = muster_agent.__version__
    release: int = 1
    agent: Path = field(default_factory=lambda: Path(muster_agent.__file__).resolve().parent)
    epoch: int = EPOCH
    python: Path | None = None  # windows: an embeddable CPython, as python.org offers it
    wheels: Path | None = None  # windows, macos: a folder with the libraries for that Python


@dataclass(frozen=True)
class Made:
    """A finished package."""

    name: str
    data: bytes


def epoch(environment: Mapping[str, str] = os.environ) -> int:
    """The time every file carries, in seconds since 1970. Raises :class:`Unbuildable` for what is none."""
    said = environment.get("SOURCE_DATE_EPOCH", str(EPOCH))
    # Not before 1980, which zip cannot write, nor beyond what rpm's 32 bits hold.
    if not said.isascii() or not said.isdigit() or not 315532800 <= int(said[:20]) < 2**32:
        raise Unbuildable("agent.package.bad_epoch", said=said[:40])
    return int(said)


def agent_files(order: Order, folder: str = "") -> list[Entry]:
    """The files of the package muster_agent under ``folder``, in the order of their names; no byte-code."""
    found = []
    for path in sorted(order.agent.rglob("*")):
        if path.suffix in SUFFIXES and path.is_file() and "__pycache__" not in path.parts:
            name = path.relative_to(order.agent).as_posix()
            found.append(Entry(f"{folder}muster_agent/{name}", path.read_bytes()))
    return found


def data(name: str) -> bytes:
    """A file of data/."""
    return (DATA / name).read_bytes()


def text(name: str, **values: object) -> str:
    """A file of data/ with its braces filled."""
    return data(name).decode("utf-8").format(**values)
