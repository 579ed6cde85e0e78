"""sshd_config(5), held against the SSH server itself: what it says of a configuration must come out here too."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muster_agent.machine import CannotRead, Uname
from muster_agent.recording import SimulatedMachine
from muster_agent.system import sshd

PROGRAM = "/usr/sbin/sshd"
NOBODY = 65534


def parsed(text: str) -> sshd.Settings:
    """A configuration without other files."""
    return sshd.parse(text, lambda pattern: [])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("yes", ["yes"]),
        ('"yes" # why', ["yes"]),
        ('a \'b c\' "d \\" e" f#g', ["a", "b c", 'd " e', "f#g"]),
        ("", []),
    ],
)
def test_arguments_are_split_as_sshd_splits_them(text: str, words: list[str]) -> None:
    assert sshd.arguments_of(text) == words


def test_the_first_value_of_a_keyword_counts_in_whatever_case_and_form() -> None:
    said = parsed("# PermitRootLogin no\nPERMITROOTLOGIN = prohibit-password\nPermitRootLogin yes\nmaxauthtries=3\n")
    assert sshd.root_login(said, None) == "prohibit-password"
    assert sshd.max_tries(said) == 3


def test_what_some_connections_get_is_judged_by_its_weakest() -> None:
    said = parsed(
        "PermitRootLogin no\nPasswordAuthentication no\nMaxAuthTries 3\nMatch Address 10.0.0.0/8\n"
        "  PermitRootLogin yes\n  MaxAuthTries 9\nMatch all\nPermitRootLogin forced-commands-only\n"
    )
    assert sshd.root_login(said, None) == "yes"
    assert sshd.max_tries(said) == 9
    assert not sshd.accepts_passwords(said)


def test_pam_asks_for_the_password_too() -> None:
    questions = "PasswordAuthentication no\nUsePAM yes\n"
    assert sshd.accepts_passwords(parsed(questions))
    assert not sshd.accepts_passwords(parsed(questions + "ChallengeResponseAuthentication no\n"))
    assert not sshd.accepts_passwords(parsed("UsePAM yes\nAuthenticationMethods publickey\n"))
    assert sshd.accepts_passwords(parsed("AuthenticationMethods publickey,password\n"))
    assert not sshd.accepts_empty_passwords(parsed("PermitEmptyPasswords yes\nAuthenticationMethods publickey\n"))


def test_what_no_file_says_is_not_made_up() -> None:
    assert sshd.root_login(parsed("Port 22\n"), None) is None
    assert sshd.root_login(parsed("Port 22\n"), "yes") == "yes"


@pytest.mark.parametrize("text", ['PermitRootLogin "yes\n', "= yes\n", '"PermitRootLogin" yes\n'])
def test_a_line_sshd_would_refuse_is_refused(text: str) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        parsed(text)


@pytest.mark.parametrize("text", ["PermitRootLogin maybe\n", "PermitRootLogin\n"])
def test_a_value_sshd_would_refuse_is_refused(text: str) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        sshd.root_login(parsed(text), None)


def test_included_files_stand_in_their_place_and_know_wildcards() -> None:
    files = {
        "/etc/ssh/sshd_config": b"Match User a\nInclude one.conf\nMatch all\nInclude sshd_config.d/*.conf\n"
        b"MaxAuthTries 6\n",
        "/etc/ssh/one.conf": b"PermitRootLogin yes\n",
        "/etc/ssh/sshd_config.d/20.conf": b"MaxAuthTries 2\n",
        "/etc/ssh/sshd_config.d/10.conf": b"MaxAuthTries 1\nMatch User b\nPermitEmptyPasswords yes\n",
        "/etc/ssh/sshd_config.d/.hidden.conf": b"MaxAuthTries 9\n",
        "/etc/ssh/sshd_config.d/30.conf~": b"MaxAuthTries 9\n",
    }
    said = sshd.read(SimulatedMachine(Uname("Linux", "pc", "6.1", "x86_64"), files))
    assert said.first("maxauthtries") == ["1"]
    assert said.first("permitrootlogin") is None
    assert sshd.root_login(said, "no") == "yes"
    assert sshd.accepts_empty_passwords(said)


def test_a_file_that_includes_itself_is_refused() -> None:
    with pytest.raises(CannotRead, match="Include"):
        sshd.parse("Include x\n", lambda pattern: [("x", "Include x\n")])


# -- the server itself -----------------------------------------------------------------------------------------------


def effective(folder: Path, text: str, *connection: str) -> sshd.Settings:
    """What the server makes of a configuration."""
    if not Path(PROGRAM).exists():
        pytest.skip("openssh-server is not installed")
    key, file = folder / "key", folder / "sshd_config"
    if not key.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        if os.geteuid() == 0:
            shutil.chown(key, NOBODY)
    file.write_text(text, "utf-8")
    asked = [PROGRAM, "-T", "-f", file, "-h", key, *connection]
    # As root it wants a folder that only a running system has.
    said = subprocess.run(asked, capture_output=True, text=True, user=NOBODY if os.geteuid() == 0 else None)
    assert said.returncode == 0, said.stderr
    return sshd.parse_effective(said.stdout)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PermitRootLogin without-password\nMaxAuthTries 4\n",
        "PermitRootLogin = no\npasswordauthentication=no\nUsePAM yes\nKbdInteractiveAuthentication no\n",
        "PermitRootLogin 'yes'\nPermitRootLogin no\nPermitEmptyPasswords yes # so\n",
        "AuthenticationMethods publickey,password publickey\nMatch all\nPermitEmptyPasswords yes\n",
        "Match User bob\n  PermitRootLogin yes\n  MaxAuthTries 12\nMatch all\nMaxAuthTries 2\nPermitRootLogin no\n",
    ],
)
def test_the_server_says_the_same_of_a_configuration(public: Path, text: str) -> None:
    said = [effective(public, text), effective(public, text, "-C", "user=bob,host=pc,addr=10.0.0.1")]
    ours = parsed(text)
    weakest = min((str(sshd.root_login(one, None)) for one in said), key=sshd.ROOT_LOGIN.index)
    assert sshd.root_login(ours, "prohibit-password") == weakest
    assert sshd.max_tries(ours) == max(sshd.max_tries(one) for one in said)
    assert sshd.accepts_passwords(ours) == any(sshd.accepts_passwords(one) for one in said)
    assert sshd.accepts_empty_passwords(ours) == any(sshd.accepts_empty_passwords(one) for one in said)


FLAGS = (
    "PasswordAuthentication",
    "PermitEmptyPasswords",
    "UsePAM",
    "KbdInteractiveAuthentication",
    "PubkeyAuthentication",
)
LINES = st.one_of(
    st.tuples(st.sampled_from(FLAGS), st.sampled_from(["yes", "no", "Yes", '"no"', "'yes'"])),
    st.tuples(st.just("PermitRootLogin"), st.sampled_from(["yes", "NO", "without-password", "forced-commands-only"])),
    st.tuples(st.just("MaxAuthTries"), st.integers(1, 20).map(str)),
    st.tuples(st.just("Port"), st.integers(1, 65535).map(str)),
)
WRITTEN = st.tuples(
    LINES, st.sampled_from([" ", "\t", " = ", "="]), st.sampled_from(["", "  ", " # note"]), st.booleans()
).map(lambda one: (one[0][0].upper() if one[3] else one[0][0]) + one[1] + one[0][1] + one[2])


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(WRITTEN, max_size=12))
def test_any_configuration_reads_as_the_server_reads_it(public: Path, lines: list[str]) -> None:
    text = "\n".join([*lines, ""])
    said, ours = effective(public, text), parsed(text)
    assert sshd.root_login(ours, "prohibit-password") == sshd.root_login(said, None)
    assert sshd.max_tries(ours) == sshd.max_tries(said)
    assert sshd.accepts_passwords(ours) == sshd.accepts_passwords(said)
    assert sshd.accepts_empty_passwords(ours) == sshd.accepts_empty_passwords(said)


@given(st.text(max_size=400))
def test_no_text_breaks_it(text: str) -> None:
    try:
        said = parsed(text)
        sshd.root_login(said, None), sshd.max_tries(said), sshd.accepts_empty_passwords(said)
        sshd.parse_effective(text)
    except CannotRead:
        pass
