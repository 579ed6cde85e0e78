r"""The program in a service's ImagePath, which is a command line written in many ways.

``"C:\Program Files\A\a.exe" -k``, ``C:\Program Files\A\a.exe -k``, ``%SystemRoot%\system32\svchost.exe -k netsvcs``,
``\??\C:\a.exe``, ``\SystemRoot\System32\a.exe``, ``system32\a.exe``.
"""

from __future__ import annotations

import re

QUOTED = re.compile(r'"([^"]+)"')
# An unquoted path may hold blanks: it ends where the first program file does.
PROGRAM = re.compile(r'([^"]*?\.(?:exe|com|bat|cmd|sys|dll))(?=[\s"]|$)', re.IGNORECASE)
WORD = re.compile(r'([^\s"]+)$')
DEVICE = re.compile(r"^\\(?:\?\?|\?|\\\?|\\\.)\\")
ROOT = re.compile(r"^(?:%(?:systemroot|windir)%|\\systemroot)(?=\\)", re.IGNORECASE)
RELATIVE = re.compile(r"^system32\\", re.IGNORECASE)


def program(image_path: str, system_root: str | None) -> str | None:
    """The path of the program; None when the text does not tell where it ends. ``system_root`` is C:\\Windows."""
    command = image_path.strip()
    found = QUOTED.match(command) or PROGRAM.match(command) or WORD.match(command)
    if found is None:
        return None
    path = DEVICE.sub("", found.group(1).strip())
    if system_root:
        path = ROOT.sub(lambda _: system_root or "", path)
        path = RELATIVE.sub(lambda start: f"{system_root}\\{start.group()}", path)
    return path
