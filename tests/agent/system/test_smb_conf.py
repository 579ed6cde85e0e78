"""smb.conf as Samba itself reads it: each case was checked against what testparm (4.17) printed of the same text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.machine import CannotRead
from muster_agent.system import smb_conf
from muster_agent.system.smb_conf import Share

OTHER = "guest ok = yes\n[fromfile]\npath = /srv/f\n"
CONF = """\
[global]
 workgroup = W
 ; comment
# another
 guest ok = yes
 bad line without equals
[data]
path = /srv/data
Read Only = No
[ro]
  Public = no
  pa th = /srv/ro
[  two   words ]
directory=/srv/two
write OK = YeS
[nopath]
comment = nothing
[off]
path=/x
available = no
[printers]
printable = yes
path = /var/spool/samba
guest ok = no
[cont]
path = /srv/\\
cont
writeable = \\
 yes
[inc]
path = /srv/inc
guest ok = no
include = other
writable = yes
[global]
guest ok = no
[late]
path = /srv/late
[data]
comment = again
guest ok = 0
[copied]
copy = data
path = /srv/copied
[homes]
browseable = no
read only = no
[wl]
path=/srv/wl
write list = @staff
[dup]
path=/a
[DUP]
path=/b
read only = 0
"""


def read(text: str, other: str | None = None) -> dict[str, Share]:
    """The shares by name."""
    conf = smb_conf.parse(text, lambda path: other if path == "other" else None)
    return {share.name: share for share in smb_conf.shares(conf)}


def test_shares_are_those_samba_sees() -> None:
    found = read(CONF, OTHER)
    assert {name: (share.path, share.guest, share.writable) for name, share in found.items()} == {
        "data": ("/srv/data", False, True),
        "ro": ("/srv/ro", False, False),
        "two words": ("/srv/two", True, True),
        "printers": (None, False, False),
        "cont": ("/srv/cont", True, True),
        "inc": ("/srv/inc", True, False),  # what stands behind the include belongs to the section it ended in
        "fromfile": ("/srv/f", True, True),
        "late": ("/srv/late", False, False),
        "copied": ("/srv/copied", False, True),
        "homes": (None, False, True),
        "wl": ("/srv/wl", False, True),
        "dup": ("/b", False, True),
    }
    assert [name for name, share in found.items() if share.printable] == ["printers"]


@pytest.mark.parametrize(
    ("settings", "guest"),
    [
        ("guest ok = yes", True),
        ("public = 1", True),
        ("guest ok = no", False),
        ("", False),
        ("guest ok = yes\nvalid users = anna", False),
        ("guest ok = yes\nvalid users = anna, nobody", True),
        ("guest ok = yes\nvalid users = @office", None),
        ("guest ok = yes\nvalid users = %S", None),
    ],
)
def test_who_opens_a_share_without_a_password(settings: str, guest: bool | None) -> None:
    assert read(f"[a]\npath = /a\n{settings}\n")["a"].guest is guest


def test_no_share_opens_without_a_password_where_nameless_connections_are_refused() -> None:
    assert read("[global]\nrestrict anonymous = 2\n[a]\npath=/a\nguest ok = yes\n")["a"].guest is False


def test_a_file_named_after_the_client_is_not_read_and_said() -> None:
    assert smb_conf.parse("[global]\ninclude = /etc/samba/%m.conf\n", lambda path: "").unread == ["/etc/samba/%m.conf"]


def test_files_that_include_each_other_end() -> None:
    conf = smb_conf.parse("[global]\ninclude = other\n", lambda path: "include = other\n")
    assert conf.unread == ["other"]


def test_shares_in_the_registry_are_known_to_be_missing() -> None:
    for line in ("include = registry", "registry shares = yes", "config backend = registry"):
        assert smb_conf.parse(f"[global]\n{line}\n", lambda path: None).registry, line
    assert not smb_conf.parse("[global]\nregistry shares = no\n", lambda path: None).registry


@pytest.mark.parametrize("text", ["[broken\npath = /x\n", "[]\npath = /x\n"])
def test_a_section_without_a_name_is_refused_as_samba_does(text: str) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        smb_conf.parse(text, lambda path: None)


USER = "#VERSION 2\npath=/srv/x\ncomment=\nusershare_acl=S-1-1-0:{access}\nguest_ok={guest}\nsharename=X\n"


@pytest.mark.parametrize(
    ("access", "guest", "allowed", "expected"),
    [
        ("R", "n", True, (False, False)),
        ("F", "y", True, (True, True)),
        ("F,", "y", False, (False, True)),
        ("D", "y", True, (False, False)),
    ],
)
def test_a_share_of_a_user(access: str, guest: str, allowed: bool, expected: tuple[bool, bool]) -> None:
    share = smb_conf.usershare(USER.format(access=access, guest=guest), "x", allowed)
    assert share is not None
    assert (share.name, share.path) == ("X", "/srv/x")
    assert (share.guest, share.writable) == expected


def test_what_lies_among_the_users_shares_and_is_none() -> None:
    assert smb_conf.usershare("half written", ":tmp1", True) is None
    with pytest.raises(CannotRead):
        smb_conf.usershare("#VERSION 2\npath=\n", "x", True)


@given(st.text(max_size=200), st.integers(0, len(CONF)))
def test_whatever_stands_there_is_read_or_refused(text: str, at: int) -> None:
    try:
        read(CONF[:at] + text + CONF[at:], OTHER)
    except CannotRead as error:
        assert error.code == "not_understood"
