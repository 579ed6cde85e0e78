"""Where the files of an export go: a folder or a ZIP archive, under their own names only once they are whole."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

ZIP = ".zip"
MOMENT = (1980, 1, 1, 0, 0, 0)  # of every member: the same evidence gives the same bytes


def keep(out: Path, files: Iterable[tuple[str, bytes]]) -> int:
    """Write the files to ``out``: an archive where its name ends in .zip, else a new folder. Returns how many.

    Their owner alone can read them. Nothing that exists is overwritten: raises ``FileExistsError``, or ``OSError``.
    """
    if os.path.lexists(out):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(out))
    write = _archive if out.suffix.lower() == ZIP else _folder
    return write(out, files)


def _archive(out: Path, files: Iterable[tuple[str, bytes]]) -> int:
    descriptor, name = tempfile.mkstemp(prefix=".muster-", suffix=ZIP, dir=out.parent)  # 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                count = 0
                for path, data in files:
                    member = zipfile.ZipInfo(path, MOMENT)
                    member.external_attr = (0o700 if path.endswith(".sh") else 0o600) << 16
                    member.compress_type = zipfile.ZIP_DEFLATED
                    archive.writestr(member, data)
                    count += 1
            file.flush()
            os.fsync(file.fileno())
        os.link(name, out)  # unlike a rename, it refuses to replace
        return count
    finally:
        Path(name).unlink()


def _folder(out: Path, files: Iterable[tuple[str, bytes]]) -> int:
    unfinished = Path(tempfile.mkdtemp(prefix=".muster-", dir=out.parent))  # 0700
    try:
        count = 0
        for path, data in files:
            target = unfinished / path
            target.parent.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700 if path.endswith(".sh") else 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            count += 1
        unfinished.rename(out)  # onto nothing: a folder that has come meanwhile and holds something refuses it
        return count
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
