"""The agent runs nothing that others can change, as root, and shows nothing it should not (B70-B76; scorecard 10)."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from muster_agent.sending import owners
from muster_agent.sending.home import Home

ROOT = Path(__file__).resolve().parents[3]
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="giving files away needs root")


def scorecard(name: str) -> Any:
    """A module of tests/scorecard."""
    spec = importlib.util.spec_from_file_location("scorecard_" + name, ROOT / "tests" / "scorecard" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@root_only
def test_B75_an_agent_whose_files_others_can_change_does_not_start() -> None:
    unsafe = scorecard("unsafe_owners")
    assert len(unsafe.CASES) >= 12
    started = [name for name in unsafe.CASES if unsafe.refused(name) is None]
    assert started == []
    with unsafe.installed() as one:
        done = one.run()
    assert done.returncode == 5 and "not enrolled yet" in done.stderr, "a safe one goes on to the next question"


@root_only
def test_a_group_of_the_system_in_which_nobody_is_harms_nobody(public: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian gives /usr/local/lib/python3 to its group staff."""
    import grp

    empty = next((one.gr_gid for one in grp.getgrall() if one.gr_name in ("staff", "src") and not one.gr_mem), None)
    if empty is None:
        pytest.skip("this system has neither group")
    folder = public / "lib"
    folder.mkdir()
    os.chown(folder, 0, empty)
    folder.chmod(0o2775)
    assert owners.changeable(str(folder)) is None
    passwd = public / "passwd"
    passwd.write_text(f"eve:x:1000:{empty}::/home/eve:/bin/sh\n")
    monkeypatch.setattr(owners, "PASSWD", str(passwd))
    assert owners.changeable(str(folder)) == str(folder)


@root_only
def test_what_is_not_there_yet_is_judged_by_where_it_would_be_made(public: Path) -> None:
    assert owners.changeable(str(public / "a" / "b")) is None
    (public / "a").mkdir()
    os.chown(public / "a", 65534, 65534)
    assert owners.changeable(str(public / "a" / "b" / "c")) == str(public / "a")


@root_only
def test_a_checkout_of_an_ordinary_user_can_still_check(public: Path) -> None:
    import shutil

    import muster_agent

    shutil.copytree(Path(muster_agent.__file__).parent, public / "muster_agent")
    for path in (public, *public.rglob("*")):
        os.chown(path, 65534, 65534)
    start = f"import sys; sys.path.insert(0, {str(public)!r}); from muster_agent.cli import start; start()"
    python = next((one for one in ("/usr/bin/python3",) if os.access(one, os.X_OK)), None)
    if python is None:
        pytest.skip("no python that every user may run")
    words = [python, "-IB", "-c", start, "run", "--home", str(public / "home")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, user=65534, group=65534, cwd="/")
    assert done.returncode == 5 and "not enrolled" in done.stderr, done.stderr


def test_B71_no_variable_of_the_caller_chooses_what_openssl_loads_or_trusts(tmp_path: Path) -> None:
    """A FIFO in the place of its settings: whoever opens it waits for ever."""
    os.mkfifo(tmp_path / "fifo")
    Home(str(tmp_path / "home"))
    (tmp_path / "home" / "agent.conf").write_text('{"server": "https://127.0.0.1:9", "unit": "IT"}')
    (tmp_path / "home" / "token").write_text("token")
    names = ("OPENSSL_CONF", "SSL_CERT_FILE", "PYTHONSTARTUP", "PYTHONUSERBASE")
    env = {**os.environ, **dict.fromkeys(names, str(tmp_path / "fifo"))}
    words = [sys.executable, "-m", "muster_agent", "--lang", "en", "run", "--home", str(tmp_path / "home")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, env=env)
    assert done.returncode == 3 and "cannot be reached" in done.stderr, done.stderr


@root_only
def test_B76_a_hundred_users_who_ask_for_the_status_see_no_secret_and_wait_for_nobody(public: Path) -> None:
    home = Home(str(public / "home"))
    (home.path / "token").write_text("very-secret-token")
    (home.path / "key.pem").write_text("very-secret-key")
    for name in ("token", "key.pem"):
        (home.path / name).chmod(0o600)
    from muster_agent.sending import notice

    notice.write(home, notice.Notice("2026-11-24T08:00:00Z", "https://muster.example:8470", "IT", code="busy"))
    asks = (
        "import os, sys\n"
        "from muster_agent.cli import main\n"
        "from muster_agent.commands import status\n"
        "ask = ['--lang', 'en', 'status', '--home', sys.argv[1]]\n"
        "import contextlib, io\n"
        "with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())):\n"
        "    main(ask)  # this Python may lie where nobody but root can read it\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "pids = []\n"
        "for _ in range(100):\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        os._exit(main(ask))\n"
        "    pids.append(pid)\n"
        "codes = {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids}\n"
        "for name in ('token', 'key.pem', 'lock', 'spool', 'refused'):\n"
        "    try:\n"
        "        (os.listdir if name in ('spool', 'refused') else open)(sys.argv[1] + '/' + name)\n"
        "        codes.add(name)\n"
        "    except PermissionError:\n"
        "        pass\n"
        "print(codes)\n"
    )
    with home.lock():
        done = subprocess.run(
            [sys.executable, "-c", asks, str(home.path)], capture_output=True, text=True, timeout=60, check=True
        )
    assert done.stdout.splitlines()[-1] == "{3}", done.stdout[-500:]
    assert done.stdout.count("https://muster.example:8470") == 100
    assert "secret" not in done.stdout + done.stderr
