"""Make .venv hold exactly one lock file and this checkout: ``python3 requirements/install.py server|dev``.

Quick when nothing changed: a stamp remembers what the environment was made from. When something is missing it says
what, in one line, and how to get it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCKS = ("server", "dev")  # dev holds everything server does


def fail(line: str) -> None:
    """Say what is missing and stop."""
    sys.exit(f"setup: {line}")


def fingerprint(lock: str) -> str:
    """What an environment made from ``lock`` depends on."""
    state = hashlib.sha256(f"{sys.version} {ROOT}".encode())
    for path in (ROOT / "requirements" / f"{lock}.txt", ROOT / "pyproject.toml", Path(__file__)):
        state.update(path.read_bytes())
    return state.hexdigest()


def ready(lock: str) -> bool:
    """Whether .venv already holds ``lock`` (or dev, which is more than server)."""
    wanted = {fingerprint(name) for name in LOCKS[LOCKS.index(lock) :]}
    stamp = VENV / "made-from"
    return PYTHON.exists() and stamp.is_file() and stamp.read_text() in wanted


def make_environment() -> list[str]:
    """Create .venv; returns the command that installs into it."""
    shutil.rmtree(VENV, ignore_errors=True)
    try:
        import ensurepip  # noqa: F401  # Debian's python3 leaves it to the package python3-venv

        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
        return [str(PYTHON), "-m", "pip"]
    except ImportError:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(VENV)], check=True)
    wheel = pip_wheel(Path("/usr/share/python-wheels")) or pip_wheel(debian_wheels())
    if wheel is not None:
        return [str(PYTHON), str(wheel / "pip")]  # a wheel of pip runs as it lies
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode == 0:
        return [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    fail("this Python cannot install packages; as root: apt-get install python3-venv")
    raise AssertionError


def pip_wheel(folder: Path) -> Path | None:
    """The wheel of pip in a folder."""
    return max(folder.glob("pip-*.whl"), default=None)


def debian_wheels() -> Path:
    """Fetch Debian's package of pip's wheel as any user may, and unpack it inside .venv. Empty where that fails."""
    place = VENV / "debian"
    place.mkdir()
    for step in (["apt-get", "download", "-qq", "python3-pip-whl"], ["sh", "-c", "dpkg-deb -x python3-pip-whl*.deb ."]):
        if shutil.which(step[0]) is None or subprocess.run(step, cwd=place, capture_output=True).returncode != 0:
            break
    return place / "usr" / "share" / "python-wheels"


def install(pip: list[str], lock: str) -> None:
    """Fill .venv with the lock file, every archive checked by hash, and with this checkout."""
    quiet = [*pip, "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    environment = {**os.environ, "PIP_ROOT_USER_ACTION": "ignore"}
    steps = (
        [*quiet, "--require-hashes", "-r", str(ROOT / "requirements" / f"{lock}.txt")],
        [*quiet, "--no-deps", "--no-build-isolation", "-e", str(ROOT)],
    )
    for step in steps:
        done = subprocess.run(step, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            fail(f"could not install the packages of requirements/{lock}.txt (is a package index reachable?): {last}")


def main() -> None:
    """Bring .venv up to date with the lock file named on the command line."""
    if len(sys.argv) != 2 or sys.argv[1] not in LOCKS:
        sys.exit("usage: python3 requirements/install.py " + "|".join(LOCKS))
    if sys.version_info < (3, 11):
        fail(f"Python 3.11 or newer is needed; {sys.executable} is {sys.version.split()[0]}")
    lock = sys.argv[1]
    if ready(lock):
        return
    print(f"setup: making .venv from requirements/{lock}.txt (once, about ten seconds)", file=sys.stderr)
    pip = make_environment()
    install(pip, lock)
    (VENV / "made-from").write_text(fingerprint(lock))


if __name__ == "__main__":
    main()
