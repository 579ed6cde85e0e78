"""Where the agent's things are, and the settings IT laid down: read, checked, refused when others can change them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from muster_agent.sending import conf
from muster_agent.sending.home import Home, Unusable
from muster_agent.sending.places import conf_of, default_home, system_home

GOOD = {"server": "https://muster.example:8443", "unit": "财务科", "ca": "ca.pem", "server_key": "ab" * 32}


@pytest.fixture
def home(public: Path) -> Home:
    """A home with settings in it."""
    made = Home(str(public / "home"))
    (made.path / "agent.conf").write_text(json.dumps(GOOD))
    (made.path / "ca.pem").write_text("PEM")
    (made.path / "token").write_text("t-o_k3n\n")
    return made


def refused(home: Home) -> str:
    """Why the settings are refused."""
    with pytest.raises(Unusable) as error:
        conf.load(home)
    return error.value.code


# -- places ----------------------------------------------------------------------------------------------------------


def test_each_system_has_its_places() -> None:
    windows = {"ProgramData": "D:\\Data"}
    assert system_home(windows, "win32") == "D:\\Data\\Muster"
    assert system_home({}, "darwin") == "/Library/Application Support/Muster"
    assert system_home({}, "linux") == "/var/lib/muster-agent"
    assert conf_of("/var/lib/muster-agent/", "linux") == "/etc/muster-agent/agent.conf"
    assert conf_of("/home/x/.local/state/muster-agent", "linux") == "/home/x/.local/state/muster-agent/agent.conf"
    assert conf_of("/Library/Application Support/Muster", "darwin") == "/Library/Application Support/Muster/agent.conf"


def test_an_administrator_works_in_the_systems_folder_and_a_user_in_his_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_home({"MUSTER_AGENT_HOME": "/x"}) == "/x"
    for rights, homes in {
        True: {
            "linux": "/var/lib/muster-agent",
            "darwin": "/Library/Application Support/Muster",
            "win32": "C:\\ProgramData\\Muster",
        },
        False: {"linux": "/s/muster-agent", "darwin": "/s/muster-agent", "win32": "C:\\Users\\x\\Local\\Muster"},
    }.items():
        monkeypatch.setattr("muster_agent.sending.places.administrator", lambda rights=rights: rights)
        environment = {"XDG_STATE_HOME": "/s", "LOCALAPPDATA": "C:\\Users\\x\\Local", "ProgramData": "C:\\ProgramData"}
        assert {system: default_home(environment, system) for system in homes} == homes


# -- settings --------------------------------------------------------------------------------------------------------


def test_settings_are_read_and_the_authority_lies_beside_them(home: Home) -> None:
    found = conf.load(home)
    assert found == conf.Conf(GOOD["server"], "财务科", str(home.path / "ca.pem"), "ab" * 32)
    (home.path / "agent.conf").write_bytes(b"\xef\xbb\xbf" + json.dumps({**GOOD, "ca": None}).encode())
    found = conf.load(home)
    assert found is not None and found.ca is None, "Notepad's mark before the text is no damage"


def test_a_pc_without_settings_has_none(public: Path) -> None:
    assert conf.load(Home(str(public / "bare"))) is None
    assert conf.token(Home(str(public / "bare"))) is None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '{"server": 1, "unit": "x"}',
        '{"server": "", "unit": "x"}',
        '{"server": "https://x"}',
        '{"server": "https://x", "unit": "x", "ca": 1}',
        '{"server": "https://x", "unit": "x", "server_key": "short"}',
        '{"server": "https://x", "unit": "x", "tokne": "y"}',
        " " * 70_000,
        "[" * 60_000,
    ],
)
def test_damaged_settings_are_refused(home: Home, content: str) -> None:
    (home.path / "agent.conf").write_text(content)
    assert refused(home) == "conf_damaged"


@pytest.mark.parametrize("name", ["agent.conf", "ca.pem", "."])
@pytest.mark.parametrize("mode", [0o666, 0o664, 0o622])
def test_settings_that_others_can_change_are_refused(home: Home, name: str, mode: int) -> None:
    path = home.path / name
    path.chmod(mode | (0o111 if path.is_dir() else 0))
    assert refused(home) == "conf_unsafe"


def test_a_token_that_others_can_change_is_refused(home: Home) -> None:
    (home.path / "token").chmod(0o666)
    with pytest.raises(Unusable, match="conf_unsafe"):
        conf.token(home)


def test_a_link_to_what_others_can_change_is_refused(home: Home, public: Path) -> None:
    loose = public / "loose"
    loose.mkdir(mode=0o700)
    loose.chmod(0o777)
    (loose / "agent.conf").write_text(json.dumps(GOOD))
    (home.path / "agent.conf").unlink()
    (home.path / "agent.conf").symlink_to(loose / "agent.conf")
    assert refused(home) == "conf_unsafe"


def test_settings_of_another_user_are_refused(home: Home) -> None:
    if os.geteuid() != 0:
        pytest.skip("giving a file away needs root")
    os.chown(home.path / "agent.conf", 65534, 65534)
    assert refused(home) == "conf_unsafe"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
@pytest.mark.parametrize("name", ["agent.conf", "token"])
def test_what_is_no_file_is_not_waited_for(home: Home, name: str, make: Callable[..., None]) -> None:
    (home.path / name).unlink()
    make(home.path / name, 0o700)
    with pytest.raises(Unusable, match="conf_unreadable"):
        conf.load(home) if name == "agent.conf" else conf.token(home)


def test_an_authority_that_is_missing_is_said(home: Home) -> None:
    (home.path / "ca.pem").unlink()
    assert refused(home) == "conf_unreadable"


def test_a_token_serves_once(home: Home) -> None:
    assert conf.token(home) == "t-o_k3n"
    conf.forget_token(home)
    assert conf.token(home) is None
    assert (home.path / "token").read_bytes() == b"", "its file stays: packages would miss it"
    assert (home.path / "token").stat().st_mode & 0o777 == 0o600
    conf.forget_token(home)
    (home.path / "token").unlink()
    conf.forget_token(home)


@pytest.mark.parametrize("content", ["令牌", "a b\x07", "x" * 300, "a\nb"])
def test_what_is_no_token_is_damage(home: Home, content: str) -> None:
    (home.path / "token").write_text(content)
    with pytest.raises(Unusable, match="file_damaged"):
        conf.token(home)
