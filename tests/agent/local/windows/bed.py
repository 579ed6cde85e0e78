"""Makes a Windows Python that runs under wine, out of what the package registries have: ``python bed.py FOLDER``.

The wheel of panda3d for Windows holds the DLLs of the official CPython; the standard library is that of the Python
which runs this script, whose version it therefore is. It needs pip, wine and a compiler for Windows (Debian:
gcc-mingw-w64-x86-64). It prints the path for the environment variable MUSTER_WINDOWS_PYTHON.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

MAJOR, MINOR = sys.version_info[:2]
DLL = f"python{MAJOR}{MINOR}.dll"
COMPILER = "x86_64-w64-mingw32-gcc"
# The wheel has no python.exe; this is what that does.
LAUNCHER = f"""
#include <windows.h>
int wmain(int argc, wchar_t **argv) {{
  HMODULE python = LoadLibraryW(L"{DLL}");
  int (*run)(int, wchar_t **) = python ? (int (*)(int, wchar_t **))GetProcAddress(python, "Py_Main") : 0;
  return run ? run(argc, argv) : 111;
}}
"""
LEFT_OUT = shutil.ignore_patterns("test", "tests", "site-packages", "lib-dynload", "idlelib", "config-*", "__pycache__")


def main(folder: Path) -> Path:
    """Fill ``folder``; returns the path of python.exe."""
    libraries, downloads = folder / "DLLs", folder / "downloads"
    libraries.mkdir(parents=True, exist_ok=True)
    wanted = ["--only-binary=:all:", "--platform", "win_amd64", "--python-version", f"{MAJOR}.{MINOR}", "--no-deps"]
    pip = [sys.executable, "-m", "pip", "download", "-q", "-d", str(downloads), *wanted, "panda3d"]
    subprocess.run(pip, check=True)
    [wheel] = downloads.glob("panda3d-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            base = name.rpartition("/")[2]
            if name.startswith("deploy_libs/") and not base.startswith("api-ms-win-"):
                beside = base == DLL or base.lower().startswith("vcruntime")
                ((folder if beside else libraries) / base).write_bytes(archive.read(name))
    shutil.rmtree(downloads)
    shutil.copytree(sysconfig.get_path("stdlib"), folder / "Lib", ignore=LEFT_OUT)
    python = folder / "python.exe"
    compiler = [COMPILER, "-municode", "-O1", "-x", "c", "-", "-o", str(python)]
    subprocess.run(compiler, input=LAUNCHER.encode(), check=True)
    return python


if __name__ == "__main__":
    print(main(Path(sys.argv[1]).resolve()))
