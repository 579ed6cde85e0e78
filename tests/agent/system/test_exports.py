"""/etc/exports as nfs-utils reads it: the first case was checked against what exportfs (2.6) made of the same text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.machine import CannotRead
from muster_agent.system import exports

TEXT = """\
# comment
/srv/a  192.168.1.0/24(rw,sync,no_subtree_check) *(ro)
"/srv/with space" 10.1.1.1(rw,sec=krb5) \\
    10.1.1.2
/srv/b -sync,rw *.example.com 10.0.0.0/8(ro)
/srv/everyone
/srv/anon (rw) # world
/srv/oct\\040al *(sec=krb5:krb5i,rw,sec=sys,ro)
"""


def read(text: str) -> list[tuple[str, str, bool, bool]]:
    """(path, client, guest, writable)."""
    return [(export.path, export.client, export.guest, export.writable) for export in exports.parse(text)]


def test_exports_are_those_exportfs_makes() -> None:
    assert read(TEXT) == [
        ("/srv/a", "192.168.1.0/24", True, True),
        ("/srv/a", "*", True, False),
        ("/srv/with space", "10.1.1.1", False, True),
        ("/srv/with space", "10.1.1.2", True, False),
        ("/srv/b", "*.example.com", True, True),
        ("/srv/b", "10.0.0.0/8", True, False),
        ("/srv/everyone", "*", True, False),
        ("/srv/anon", "*", True, True),
        ("/srv/oct al", "*", True, True),
    ]


def test_a_blank_before_the_bracket_opens_it_to_the_world() -> None:
    """exports(5) warns of it: host is offered it read-only, everyone may write."""
    assert read("/srv host (rw)\n") == [("/srv", "host", True, False), ("/srv", "*", True, True)]


def test_the_table_of_the_running_server_is_of_the_same_form() -> None:
    line = "/srv/x\\040y\t(ro,sync,wdelay,anonuid=65534,sec=krb5,ro,secure,root_squash)\n"
    assert read(line) == [("/srv/x y", "*", False, False)]


def test_a_sharp_within_a_word_is_part_of_it() -> None:
    assert read("/srv/c# *(ro)\n")[0][0] == "/srv/c#"


@pytest.mark.parametrize("text", ["srv *(rw)\n", "/srv *(rw\n", "/srv *(rw, sync)\n", "\0\n"])
def test_a_line_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        exports.parse(text)


@given(st.text(max_size=200), st.integers(0, len(TEXT)))
def test_whatever_stands_there_is_read_or_refused(text: str, at: int) -> None:
    try:
        exports.parse(TEXT[:at] + text + TEXT[at:])
    except CannotRead as error:
        assert error.code == "not_understood"
