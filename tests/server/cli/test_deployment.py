"""init, token and serve as a person types them: what they say, what they leave, and how they end."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ENVIRONMENT = {**os.environ, "PYTHONUNBUFFERED": "1", "MUSTER_LANG": "en"}
ENVIRONMENT.pop("MUSTER_DATA", None)


def muster(*words: str | Path, given: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command muster."""
    line = [sys.executable, "-m", "muster_server", *map(str, words)]
    env = {**ENVIRONMENT, **environment}
    return subprocess.run(line, input=given, capture_output=True, text=True, timeout=60, env=env)


def agent(*words: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command muster-agent."""
    line = [sys.executable, "-m", "muster_agent", *map(str, words)]
    return subprocess.run(line, input=given, capture_output=True, text=True, timeout=60, env=ENVIRONMENT)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A deployment."""
    folder = tmp_path / "data"
    assert muster("--data", folder, "init", "--name", '某市"某局"').returncode == 0
    return folder


@contextmanager
def serving(data: Path, *words: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A running server and its address."""
    line = [sys.executable, "-m", "muster_server", "--data", str(data), "serve", "--port", "0", *words]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        found = re.search(r"https?://\S+", said)
        assert found, said + process.communicate(timeout=10)[1]
        yield found.group(), process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def clear(done: subprocess.CompletedProcess[str], code: int, *said: str) -> None:
    """The command failed in a clear line, with that exit code."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert 1 <= len(done.stderr.strip().splitlines()) <= 3
    for word in said:
        assert word in done.stderr


# -- init ------------------------------------------------------------------------------------------------------------


def test_init_makes_a_deployment_that_is_its_owners_alone(data: Path) -> None:
    assert data.stat().st_mode & 0o777 == 0o700
    for name in ("muster.db", "server-key.pem"):
        assert (data / name).stat().st_mode & 0o077 == 0, name
    done = muster("--data", data, "report", "--json")
    assert '"某市\\"某局\\""' in done.stdout


def test_init_leaves_an_existing_deployment_alone(data: Path) -> None:
    before = (data / "server-key.pem").read_bytes()
    clear(muster("--data", data, "init"), 5, "already holds a deployment")
    assert (data / "server-key.pem").read_bytes() == before


def test_init_in_a_place_that_cannot_be_is_a_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    clear(muster("--data", tmp_path / "file" / "data", "init"), 5)
    clear(muster("init"), 2, "--data")
    clear(muster("--data", tmp_path / "x", "init", "--name", "a\x1b[2J"), 2)


@pytest.mark.parametrize("command", [("token", "--unit", "x"), ("serve",), ("report",)])
def test_a_folder_without_a_deployment_says_what_to_run_first(tmp_path: Path, command: tuple[str, ...]) -> None:
    clear(muster("--data", tmp_path, *command), 5, "init")


def test_the_deployment_may_be_named_by_the_environment(data: Path) -> None:
    assert muster("report", MUSTER_DATA=str(data)).returncode == 0


@pytest.mark.parametrize(
    "content", ["target: 900\n", "name: x\n", "- 1\n", "name: {zh: a, en: b}\ntargt: 90\n", "a: [\n"]
)
def test_a_mistake_in_the_settings_is_shown_at_its_place(data: Path, content: str) -> None:
    (data / "muster.yaml").write_text(content)
    done = muster("--data", data, "report")
    assert done.returncode == 5
    assert re.search(r"muster\.yaml:\d+:\d+: ", done.stderr), done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_is_none_is_a_clear_line(data: Path) -> None:
    (data / "muster.db").write_bytes(b"not a database" * 1000)
    for command in (("report",), ("token", "--unit", "x"), ("serve", "--port", "0")):
        clear(muster("--data", data, *command), 5, "database")


# -- token -----------------------------------------------------------------------------------------------------------


def test_a_token_is_the_only_thing_on_stdout(data: Path) -> None:
    done = muster("--data", data, "token", "--unit", "信息科")
    assert re.fullmatch(r"[\w-]{43}\n", done.stdout)
    assert "信息科" in done.stderr


def test_a_token_file_is_its_owners_alone_and_never_replaced(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "token.txt"
    assert muster("--data", data, "token", "--unit", "x", "--output", path).stdout == ""
    assert path.stat().st_mode & 0o777 == 0o600
    clear(muster("--data", data, "token", "--unit", "x", "--output", path), 2, "exists")


@pytest.mark.parametrize("words", [("--unit", " "), ("--unit", "a\nb"), ("--unit", "x", "--uses", "0"), ()])
def test_a_token_for_nobody_is_refused(data: Path, words: tuple[str, ...]) -> None:
    assert muster("--data", data, "token", *words).returncode == 2


# -- serve -----------------------------------------------------------------------------------------------------------


def test_from_a_token_to_the_report_in_five_commands(data: Path, tmp_path: Path) -> None:
    home = tmp_path / "agent"
    with serving(data) as (address, process):
        token = muster("--data", data, "token", "--unit", "信息科").stdout
        assert agent("enrol", address, "--home", home, given=token).returncode == 0
        done = agent("run", "--home", home)
        assert done.returncode == 0, done.stderr
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert "every report that came in is stored" in out
    report = muster("--data", data, "report")
    assert "of 1 PCs confirmed compliant" in report.stdout
    again = agent("enrol", address, "--home", home, given=token)
    clear(again, 2, "already enrolled")


def test_findings_are_remembered_when_the_server_stops(data: Path, tmp_path: Path) -> None:
    import sqlite3

    home = tmp_path / "agent"
    with serving(data) as (address, process):
        token = muster("--data", data, "token", "--unit", "x").stdout
        agent("enrol", address, "--home", home, given=token)
        agent("run", "--home", home)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    connection = sqlite3.connect(data / "muster.db")
    [(count,)] = connection.execute("SELECT count(*) FROM findings WHERE closed IS NULL")
    connection.close()
    failing = muster("--data", data, "report", "--json").stdout.count('"rule"')
    assert (count > 0) == (failing > 0)


def test_a_wrong_token_and_a_server_that_is_away_are_clear_lines(data: Path, tmp_path: Path) -> None:
    home = tmp_path / "agent"
    with serving(data) as (address, _):
        clear(agent("enrol", address, "--home", home, given="wrong\n"), 5, "token")
        clear(agent("enrol", address, "--home", home, given=""), 2, "no token")
        clear(agent("enrol", address, "--home", home, "--token-file", tmp_path / "none"), 2)
    clear(agent("enrol", address, "--home", home, given="x\n"), 5, "cannot be reached")
    clear(agent("run", "--home", home), 5, "not enrolled")
    clear(agent("enrol", "http://muster.example", "--home", home, given="x\n"), 2, "https")


def test_a_port_in_use_is_a_clear_line(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        clear(muster("--data", data, "serve", "--port", port), 5, port, "--port")


@pytest.mark.parametrize("content", [None, "not a key"])
def test_a_server_without_its_key_does_not_start(data: Path, content: str | None) -> None:
    (data / "server-key.pem").unlink()
    if content is not None:
        (data / "server-key.pem").write_text(content)
    clear(muster("--data", data, "serve", "--port", "0"), 5, "signing key")


def test_an_interrupted_start_can_be_made_again(data: Path) -> None:
    key = (data / "server-key.pem").read_bytes()
    (data / "muster.db").rename(data / "muster.db.new")
    assert muster("--data", data, "init").returncode == 0
    assert (data / "server-key.pem").read_bytes() == key
    assert muster("--data", data, "report").returncode == 0


def test_one_server_at_a_time_on_one_deployment(data: Path) -> None:
    with serving(data):
        clear(muster("--data", data, "serve", "--port", "0"), 5, "already runs")


def test_anything_but_loopback_takes_tls(data: Path, tmp_path: Path) -> None:
    (data / "tls" / "server.pem").unlink(missing_ok=True)  # with the certificate that init made it would serve
    clear(muster("--data", data, "serve", "--host", "0.0.0.0"), 2, "TLS")
    clear(muster("--data", data, "serve", "--port", "0", "--tls"), 5, "server.pem")
    clear(muster("--data", data, "serve", "--host", "0.0.0.0", "--proxy", "10.0.0.300"), 2, "10.0.0.300")
    clear(muster("--data", data, "serve", "--host", "0.0.0.0", "--proxy", "0.0.0.0/0"), 2, "every address")
    clear(muster("--data", data, "serve", "--tls-cert", tmp_path / "c.pem"), 2, "--tls-key")
    none = ("--tls-cert", tmp_path / "c.pem", "--tls-key", tmp_path / "k.pem")
    clear(muster("--data", data, "serve", *none), 5, "c.pem")
    for path in none[1::2]:
        Path(path).write_text("not PEM")
    clear(muster("--data", data, "serve", "--port", "0", *none), 5, "certificate")


def test_broken_settings_are_said_before_anything_is_received(data: Path) -> None:
    (data / "muster.yaml").write_text("target: 900\n")
    done = muster("--data", data, "serve", "--port", "0")
    assert (done.returncode, "muster.yaml:" in done.stderr) == (5, True)


def test_a_token_that_could_not_be_written_is_not_issued(data: Path, tmp_path: Path) -> None:
    import sqlite3

    clear(muster("--data", data, "token", "--unit", "x", "--output", tmp_path / "none" / "t"), 5, "cannot write")
    connection = sqlite3.connect(data / "muster.db")
    assert connection.execute("SELECT count(*) FROM tokens").fetchall() == [(0,)]
    connection.close()


def test_a_broken_policy_is_said_before_anything_is_received(data: Path) -> None:
    (data / "policies" / "own.yaml").write_text("policy: own\nrulez: {}\n")
    done = muster("--data", data, "serve", "--port", "0")
    assert done.returncode == 5
    assert "own.yaml:2:1" in done.stderr
    assert "rules" in done.stderr


# -- how it ends -----------------------------------------------------------------------------------------------------


def test_an_interrupted_command_exits_with_130(data: Path) -> None:
    code = "import os, signal, sys, time; from muster_server import assessment;"
    code += "assessment.assess = lambda *a, **k: (os.kill(os.getpid(), signal.SIGINT), time.sleep(20));"
    code += "from muster_server.__main__ import main;"
    code += f"sys.argv = ['muster', '--lang', 'en', '--data', {str(data)!r}, 'report']; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=ENVIRONMENT)
    assert done.returncode == 130, done.stderr
    assert "interrupted" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [("report",), ("report", "--json"), ("policy", "check")])
def test_an_output_that_cannot_be_written_is_a_clear_line(data: Path, words: tuple[str, ...]) -> None:
    line = [sys.executable, "-m", "muster_server", "--data", str(data), *words]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(line, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, env=ENVIRONMENT)
    assert (done.returncode, "Traceback" in done.stderr) == (5, False)
    assert "No space left" in done.stderr


@pytest.mark.parametrize("program", [("muster_server", "policy", "check"), ("muster_agent", "check")])
def test_a_reader_that_has_seen_enough_is_no_fault(program: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    line = [sys.executable, "-m", *program]
    done = subprocess.run(line, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60, env=ENVIRONMENT)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_agent_without_room_for_its_output_says_so() -> None:
    line = [sys.executable, "-m", "muster_agent", "check"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(line, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, env=ENVIRONMENT)
    assert (done.returncode, "Traceback" in done.stderr) == (5, False)


def test_language_and_data_may_stand_behind_the_command(data: Path) -> None:
    assert muster("report", "--data", data, "--lang", "zh").stdout != muster("report", "--data", data).stdout
    assert agent("check", "--lang=zh").stdout != agent("check").stdout


# -- help ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("command", ["", "init", "token", "serve", "report", "policy", "policy check", "demo"])
def test_help_has_examples_in_the_language_that_was_asked_for(command: str, lang: str) -> None:
    done = muster("--lang", lang, *command.split(), "--help", COLUMNS="80")
    assert done.returncode == 0, done.stderr
    assert {"zh": "示例", "en": "xample"}[lang] in done.stdout
    words = re.sub(r"[a-zA-Z-]+", "", done.stdout) if lang == "zh" else done.stdout
    assert bool(re.search("[\u4e00-\u9fff]", words)) is (lang == "zh") or "Accounts" in done.stdout


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("command", ["", "check", "record", "enrol", "run"])
def test_the_agents_help_has_examples_too(command: str, lang: str) -> None:
    done = agent("--lang", lang, *command.split(), "--help")
    assert done.returncode == 0, done.stderr
    assert {"zh": "示例", "en": "xample"}[lang] in done.stdout
