"""passwd(5), group(5), shadow(5), login.defs(5)."""

from __future__ import annotations

import grp
import pwd
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.system.accounts import passwd, shadow


def test_this_pc_s_accounts_are_those_the_c_library_sees() -> None:
    ours = passwd.parse(Path("/etc/passwd").read_text("utf-8", "replace")).accounts
    theirs = pwd.getpwall()
    wanted = [(one.pw_name, one.pw_uid, one.pw_gid, one.pw_dir, one.pw_shell) for one in theirs]
    assert [(one.name, one.uid, one.gid, one.home, one.shell) for one in ours] == wanted[: len(ours)]
    groups = passwd.parse_groups(Path("/etc/group").read_text("utf-8", "replace")).groups
    said = [(one.gr_name, one.gr_gid, tuple(one.gr_mem)) for one in grp.getgrall()]
    assert [(one.name, one.gid, one.members) for one in groups] == said[: len(groups)]


def test_lines_that_are_no_entry_are_handed_back() -> None:
    said = passwd.parse("root:x:0:0:root:/root:/bin/bash\n\n# a comment\nx:y:1\nbad:x:-1:0::/:\n+::::::\n-bob\n")
    assert [one.name for one in said.accounts] == ["root"]
    assert said.elsewhere == ("+::::::", "-bob")
    assert said.strange == ("x:y:1", "bad:x:-1:0::/:")


def test_a_group_s_members_are_also_those_whose_first_group_it_is() -> None:
    accounts = passwd.parse("a:x:1000:10::/:\nb:x:1001:1001::/:\nc:x:1002:1002::/:\n").accounts
    groups = passwd.parse_groups("wheel:x:10:b\nusers:x:100:c\n")
    assert groups.members(("wheel", "sudo"), accounts) == {"a", "b"}


def test_the_last_setting_of_login_defs_counts() -> None:
    assert passwd.login_defs("#UID_MIN 5\nUID_MIN\t500\n UID_MIN  1000 \nEMPTY\n") == {"UID_MIN": "1000", "EMPTY": ""}


@pytest.mark.parametrize(
    ("password", "status"),
    [
        ("", "empty"),
        ("!", "locked"),
        ("*", "locked"),
        ("!!", "locked"),
        ("*LK*", "locked"),
        ("!$6$salt$0123456789abcdef", "locked"),
        ("x", "locked"),
        ("NP", "locked"),
        ("$6$salt$0123456789abcdef", "active"),
        ("$y$j9T$abcdefgh$0123456789", "active"),
        ("$sm3$salt$0123456789abcdef", "active"),
        ("$2b$12$0123456789012345678901", "active"),
        ("ab0123456789.", "active"),
    ],
)
def test_what_a_password_field_admits(password: str, status: str) -> None:
    assert shadow.password_status(password) == status


@pytest.mark.parametrize(
    ("fields", "expires"),
    [
        ("19000:0:99999:7:::", False),
        ("19000:0:90:7:::", True),
        ("19000::::::", False),
        ("19000:0:-1:7:::", False),
        (":0:90:7:::", False),
        ("0:0:99999:7:::", True),
    ],
)
def test_when_a_password_has_to_be_changed(fields: str, expires: bool) -> None:
    found, strange = shadow.parse(f"a:$6$x:{fields}\n")
    assert (found["a"].password_expires(), strange) == (expires, [])


@pytest.mark.parametrize(
    ("fields", "closed"),
    [
        ("19000:0:99999:7:::", False),
        ("19000:0:99999:7::20000:", True),
        ("19000:0:99999:7::20001:", False),
        ("19900:0:90:7:5::", True),
        ("19900:0:90:7:10::", False),
        ("19900:0:99999:7:5::", False),
        ("19900:0:90:7:::", False),
    ],
)
def test_when_an_account_is_closed(fields: str, closed: bool) -> None:
    found, _ = shadow.parse(f"a:$6$x:{fields}\n")
    assert found["a"].closed(20000) is closed


def test_a_line_of_shadow_that_is_none_is_handed_back_and_the_first_of_a_name_counts() -> None:
    found, strange = shadow.parse("a:!:1::::::\na:*:2::::::\nb\nc:x:soon::::::\n\n#\n:::::::::\n+:::\n")
    assert (found["a"].password, list(found), strange) == ("!", ["a"], ["b", "c:x:soon::::::"])


@given(st.text(max_size=300))
def test_no_text_breaks_them(text: str) -> None:
    passwd.parse(text)
    passwd.parse_groups(text)
    passwd.login_defs(text)
    shadow.parse(text)
