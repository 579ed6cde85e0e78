r"""The names of files as Windows has to be given them.

A path of 260 characters and more needs the prefix \\?\. A 32-bit Python on a 64-bit Windows is shown SysWOW64 where it
says System32, and finds the real one under the name Sysnative. And what lies on another computer is not asked at all:
it is no fact about this PC, and the question itself would hand this user's password hash to whoever runs that one.
"""

from __future__ import annotations

import ntpath
import re

from muster_agent.machine import CannotRead

LONG = 248  # a folder's limit (MAX_PATH less a name of 8.3); a file's is 260
DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def plain(path: str) -> str:
    r"""``path`` with backslashes and without ``.`` and ``..``. Raises :class:`CannotRead` unless it begins with C:\."""
    if not DRIVE.match(path):
        raise CannotRead("not_on_this_pc", path, "unsupported")
    return ntpath.normpath(path)


def extended(path: str) -> str:
    r"""A plain path, with the prefix \\?\ where it is too long to do without."""
    return "\\\\?\\" + path if len(path) >= LONG else path


def unredirected(path: str, windows_folder: str) -> str:
    """A plain path as a 32-bit program has to say it to mean what a 64-bit one means."""
    redirected = ntpath.join(windows_folder, "System32").lower()
    if path.lower() == redirected or path.lower().startswith(redirected + "\\"):
        return ntpath.join(windows_folder, "Sysnative") + path[len(redirected) :]
    return path


def native(path: str) -> str:
    """``path`` as this Python has to open it."""
    from muster_agent.local.windows.libraries import is_32_bit_on_64_bit, windows_folder

    said = plain(path)
    return extended(unredirected(said, windows_folder()) if is_32_bit_on_64_bit() else said)
