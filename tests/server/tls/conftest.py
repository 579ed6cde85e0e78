"""Deployments' folders, and certificates that an organisation might have."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from muster_server.tls import acts
from muster_server.tls.acts import Change, Given

HOSTS = ("muster.office.lan", "10.0.0.5", "localhost", "127.0.0.1", "::1")


@pytest.fixture
def now() -> datetime:
    """The time."""
    return datetime.now(UTC)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A deployment's folder, empty."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def made(data: Path, now: datetime) -> Change:
    """The certificates of a deployment in ``data``, made."""
    return acts.make(data, "某市某局", HOSTS, now)


class Organisation:
    """An authority of its own, with one between it and the servers, as they have it."""

    def __init__(self, folder: Path, bad_tls: Any) -> None:
        folder.mkdir()
        self.folder = folder
        self.bad_tls = bad_tls
        above: dict[str, Any] = {"hosts": (), "purpose": None, "ca": True, "days": (-1, 4000)}
        self.root = bad_tls.issued(folder, "root", **above)
        self.between = bad_tls.issued(folder, "between", self.root, **above)

    def server(self, name: str = "server", **how: Any) -> Given:
        """A server's certificate, with the one above it in its file."""
        by = how.pop("by", self.between)
        pair = self.bad_tls.issued(self.folder, name, by, **{"hosts": HOSTS[:2], "days": (-1, 99), **how})
        if by is self.between:
            pair.pem.write_bytes(pair.pem.read_bytes() + self.between.pem.read_bytes())
        return Given(pair.pem, pair.key_pem, self.root.pem)


@pytest.fixture
def organisation(tmp_path: Path, bad_tls: Any) -> Organisation:
    """An organisation with an authority of its own."""
    return Organisation(tmp_path / "organisation", bad_tls)
