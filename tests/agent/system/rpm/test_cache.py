"""What was downloaded, of which repository, how old it is, and whether it names advisories; what should have been."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.machine import CannotRead, Stat, Uname
from muster_agent.recording import RecordedMachine, SimulatedMachine
from muster_agent.system.rpm import cache, program
from muster_agent.system.rpm.repositories import of_dnf, of_zypper, switch

DAY = 1_700_000_000
INDEX = """<?xml version="1.0" encoding="UTF-8"?>
<repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>{revision}</revision>
<data type="primary"><timestamp>{stamp}</timestamp><open-size>999</open-size></data>{more}</repomd>
"""
ADVISORIES = '<data type="updateinfo"><location href="repodata/abc-updateinfo.xml.gz"/><open-size>{}</open-size></data>'
ROOT = "/var/cache/dnf"


def index(stamp: int = DAY, revision: str = "8.8", more: str = "") -> bytes:
    """A repomd.xml."""
    return INDEX.format(stamp=stamp, revision=revision, more=more).encode()


def pc(files: dict[str, bytes], mtime: int = DAY + 5) -> RecordedMachine:
    """A PC with these files."""
    return SimulatedMachine(Uname("Linux", "pc", "6.1", "x86_64"), files, mtime=mtime)


def test_dnf_keeps_each_repository_under_its_id_and_a_digest() -> None:
    files = {
        f"{ROOT}/AppStream-0123456789abcdef/repodata/repomd.xml": index(),
        f"{ROOT}/google-cloud-sdk-0123456789abcdef/repodata/repomd.xml": index(DAY + 100, "1700000200"),
        f"{ROOT}/half-0123456789abcdef/repodata/x-primary.xml.gz": b"",  # an interrupted download
        f"{ROOT}/AppStream.solv": b"",
        f"{ROOT}/expired_repos.json": b"[]",
    }
    found = cache.of_dnf(pc(files), ROOT)
    assert {name: (one.published, one.refreshed, one.date) for name, one in found.items()} == {
        "AppStream": (DAY, DAY + 5, DAY + 5),
        "google-cloud-sdk": (DAY + 200, DAY + 5, DAY + 200),
    }


def test_yum_and_zypper_keep_theirs_elsewhere() -> None:
    files = {
        "/var/cache/yum/x86_64/7/base/repomd.xml": index(),
        "/var/cache/yum/x86_64/7/timedhosts": b"",
        "/var/cache/yum/x86_64/7/base/gen/x": b"",
    }
    assert list(cache.of_yum(pc(files))) == ["base"]
    files = {"/var/cache/zypp/raw/SLES: a b/repodata/repomd.xml": index(), "/var/cache/zypp/raw/old/content": b""}
    assert list(cache.of_zypper(pc(files))) == ["SLES: a b"]


def test_yum_says_when_it_last_asked_in_a_file_beside_the_index() -> None:
    folder = "/var/cache/yum/x86_64/7/base"
    machine = pc({f"{folder}/repomd.xml": index(), f"{folder}/cachecookie": b""})
    machine._recording.stats[f"{folder}/cachecookie"] = Stat(0, DAY + 777)
    assert cache.of_yum(machine)["base"].refreshed == DAY + 777


@pytest.mark.parametrize(
    ("size", "part", "expected"),
    [
        ("5000", "abc-updateinfo.xml.gz", True),
        ("40", "abc-updateinfo.xml.gz", False),  # an empty list
        ("5000", "abc-primary.xml.gz", False),  # it has them, and they are not here
        (None, "abc-updateinfo.xml.gz", False),  # of an older index
    ],
)
def test_advisories_must_be_in_the_index_and_on_the_disk(size: str | None, part: str, expected: bool) -> None:
    folder = f"{ROOT}/BaseOS-0123456789abcdef/repodata"
    text = index(more=ADVISORIES.format(size) if size else "")
    assert (
        cache.of_dnf(pc({f"{folder}/repomd.xml": text, f"{folder}/{part}": b""}), ROOT)["BaseOS"].advisories is expected
    )


def test_of_two_folders_of_one_repository_the_newer_is_in_use_and_advisories_must_be_in_both() -> None:
    one, other = (f"{ROOT}/BaseOS-{digit * 16}/repodata" for digit in "ab")
    with_advisories = index(more=ADVISORIES.format(5000))
    files = {
        f"{one}/repomd.xml": with_advisories,
        f"{one}/x-updateinfo.xml.gz": b"",
        f"{other}/repomd.xml": index(DAY + 50),
    }
    (found,) = cache.of_dnf(pc(files), ROOT).values()
    assert (found.repository, found.advisories) == ("BaseOS", False)


def test_an_index_that_is_none_is_said() -> None:
    with pytest.raises(CannotRead, match="not_understood"):
        cache.of_dnf(pc({f"{ROOT}/BaseOS-0123456789abcdef/repodata/repomd.xml": b"<html>login please"}), ROOT)


@given(st.binary(max_size=100))
def test_any_index_is_read_or_refused(data: bytes) -> None:
    path = f"{ROOT}/BaseOS-0123456789abcdef/repodata/repomd.xml"
    for text in (data, index() + data, index(more=data.decode("utf-8", "replace"))):
        try:
            cache.of_dnf(pc({path: text}), ROOT)
        except CannotRead as error:
            assert error.code == "not_understood"


# -- what should be there --------------------------------------------------------------------------------------------


def test_which_repositories_are_enabled() -> None:
    files = {
        "/etc/dnf/dnf.conf": b"[main]\nbest=True\n[inside]\nbaseurl=http://x\n",
        "/etc/yum.repos.d/a.repo": b"[on]\nname = on\nbaseurl=http://x\n    http://y?a=b\n[off]\nenabled = 0\n#[z]\n",
        "/etc/yum.repos.d/b.repo": b"[false]\nenabled=False\n[true]\nenabled=True\n[off]\n",
        "/etc/yum.repos.d/c.repo.rpmsave": b"[old]\n",
        "/etc/yum.repos.d/disc.repo": b"[disc]\nbaseurl=cdrom:///\n",
        "/etc/dnf/repos.override.d/99.repo": b"[o*]\nenabled=1\n[true]\nenabled=0\n",
    }
    found = of_dnf(pc(files))
    assert found.enabled == ("inside", "off", "on")
    assert (found.excludes, found.includes) == (False, False)


def test_what_is_held_back_and_what_is_restricted() -> None:
    main = b"[main]\nexclude=kernel*\n"
    assert of_dnf(pc({"/etc/yum.conf": main})).excludes
    assert of_dnf(pc({"/etc/yum.repos.d/a.repo": b"[a]\nexcludepkgs=x\n"})).excludes
    assert not of_dnf(pc({"/etc/yum.repos.d/a.repo": b"[a]\nexcludepkgs=x\nenabled=0\n"})).excludes
    assert of_dnf(pc({"/etc/yum.repos.d/a.repo": b"[a]\nincludepkgs=x\n"})).includes


def test_the_discs_of_zypper_are_no_source_of_updates() -> None:
    files = {
        "/etc/zypp/repos.d/a.repo": b"[SLES]\nbaseurl=cd:///?devices=/dev/sr0\n",
        "/etc/zypp/repos.d/b.repo": b"[Updates]\nbaseurl=https://x\nenabled=1\n",
        "/etc/zypp/repos.d/c.repo": b"[iso]\nbaseurl=iso:///?iso=x.iso\n",
    }
    assert of_zypper(pc(files)).enabled == ("Updates",)


def test_a_switch_that_is_neither_is_said() -> None:
    assert [switch(word, True) for word in (None, "1", "yes", "0", "off", "perhaps", "")] == [
        True,
        True,
        True,
        False,
        False,
        None,
        None,
    ]
    with pytest.raises(CannotRead, match="not_understood"):
        of_dnf(pc({"/etc/yum.repos.d/a.repo": b"[a]\nenabled=$maybe\n"}))


# -- which program ---------------------------------------------------------------------------------------------------

REPO = {"/etc/yum.repos.d/a.repo": b"[a]\nbaseurl=http://x\n"}


@pytest.mark.parametrize(
    ("there", "asked"),
    [
        (["dnf-3", "dnf", "yum"], "/usr/bin/dnf-3"),
        (["dnf"], "/usr/bin/dnf"),
        (["yum"], "/usr/bin/yum"),
        (["dnf5", "dnf", "yum"], "/usr/bin/dnf5"),
    ],
)
def test_a_link_is_asked_by_its_own_name(there: list[str], asked: str) -> None:
    files = {f"/usr/bin/{name}": b"" for name in there}
    assert program.of(pc({**REPO, **files})).argv[0] == asked


def test_of_dnf_4_and_5_the_one_whose_knowledge_is_newer_is_asked() -> None:
    old, new = index(DAY), index(DAY + 999)
    files = {**REPO, "/usr/bin/dnf5": b"", "/usr/bin/dnf-3": b"", "/usr/bin/dnf": b""}
    places = [f"/var/cache/{name}/a-0123456789abcdef/repodata/repomd.xml" for name in ("libdnf5", "dnf")]
    assert program.of(pc({**files, places[0]: new, places[1]: old})).argv[0] == "/usr/bin/dnf5"
    assert program.of(pc({**files, places[0]: old, places[1]: new})).argv[0] == "/usr/bin/dnf-3"


def test_a_repository_named_by_a_variable_may_be_any() -> None:
    files = {"/usr/bin/yum": b"", "/etc/yum.repos.d/a.repo": b"[$releasever-os]\nbaseurl=http://x\n"}
    found = program.of(pc({**files, "/var/cache/yum/x86_64/7/7-os/repomd.xml": index()}))
    assert (found.missing, found.date) == ([], DAY + 5)


def test_every_question_keeps_off_the_network() -> None:
    """The one option that matters, in each program's own words."""
    assert "--no-refresh" in program.ZYPPER
    for argv in (program.DNF5, program.DNF, program.YUM):
        assert "-C" in argv
