"""The files of a deployment's TLS, replaced all together or not at all.

    tls/ca.pem           the authority's certificate, which every agent is given
    tls/ca-key.pem       its private key; not there when the authority is the organisation's own
    tls/server.pem       the server's certificate, then those above it
    tls/server-key.pem   its private key

A certificate and a key that do not belong together would stop the server, so a change is written into a folder beside
(``tls.new``) and takes the place of the former one by renaming. A power cut between the two renames leaves ``tls.old``
without ``tls``: whoever looks next finishes it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

NAME = "tls"
CA, CA_KEY, SERVER, SERVER_KEY = "ca.pem", "ca-key.pem", "server.pem", "server-key.pem"
LOCK = "tls.lock"
FORMER = "tls.former-"


@dataclass(frozen=True)
class Files:
    """Where the files are; they need not be there."""

    ca: Path
    ca_key: Path
    server: Path
    server_key: Path

    @classmethod
    def within(cls, folder: Path) -> Files:
        """The files in the folder, under their names."""
        return cls(folder / CA, folder / CA_KEY, folder / SERVER, folder / SERVER_KEY)

    @property
    def folder(self) -> Path:
        """The folder they are in."""
        return self.server.parent

    @property
    def there(self) -> bool:
        """Whether the deployment has TLS files at all."""
        return self.folder.is_dir()


def files(data: Path) -> Files:
    """The files of the deployment in ``data``. A change that was cut off between its two renames is finished first."""
    if not (data / NAME).exists() and (data / "tls.old").exists():
        with _locked(data):
            _finish(data)
    return Files.within(data / NAME)


def replace(
    data: Path, contents: Mapping[str, bytes], check: Callable[[Files], None], keep_former: bool = False
) -> Path | None:
    """Put these files in the place of all there are, durably; returns the folder that keeps the former ones, if asked.

    ``check`` is given the new files where they wait, and raises to keep the former ones. Raises ``OSError``; then the
    former files are in their place, or the new ones are: whole either way.
    """
    new, old, here = data / "tls.new", data / "tls.old", data / NAME
    with _locked(data):
        _finish(data)
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(new)
        new.mkdir(mode=0o700)
        for name, content in contents.items():
            descriptor = os.open(new / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        _sync(new)
        try:
            check(Files.within(new))
        except BaseException:
            shutil.rmtree(new)
            raise
        if here.exists():
            here.rename(old)
            _sync(data)
        new.rename(here)
        _sync(data)
        if not old.exists():
            return None
        if keep_former:
            former = _free(data)
            old.rename(former)
            _sync(data)
            return former
        shutil.rmtree(old)
    return None


def _finish(data: Path) -> None:
    """Bring a change that was cut off to its end. The lock is held."""
    new, old, here = data / "tls.new", data / "tls.old", data / NAME
    if not old.exists():
        return
    if not here.exists():
        # The new folder was whole before the former one moved. Without it a person took it away.
        (new if new.exists() else old).rename(here)
        _sync(data)
    if old.exists():
        old.rename(_free(data))  # it may hold the only key of an authority that PCs trust: kept
        _sync(data)


def _free(data: Path) -> Path:
    number = 1
    while (data / f"{FORMER}{number}").exists():
        number += 1
    return data / f"{FORMER}{number}"


@contextmanager
def _locked(data: Path) -> Iterator[None]:
    """One change at a time, whichever process makes it."""
    descriptor = os.open(data / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _sync(folder: Path) -> None:
    """Make renames in the folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
