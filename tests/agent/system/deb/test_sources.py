"""A source is known by the name its lists bear on the disk, as apt makes it."""

from __future__ import annotations

import pytest

from muster_agent.system.deb.sources import deb822, list_prefix, one_line


@pytest.mark.parametrize(
    ("uri", "suite", "prefix"),
    [
        ("http://deb.debian.org/debian", "bookworm", "deb.debian.org_debian_dists_bookworm_"),
        ("http://deb.debian.org/debian/", "bookworm/updates", "deb.debian.org_debian_dists_bookworm_updates_"),
        ("https://user:pass@mirror.cn:8443/a_b", "x", "mirror.cn:8443_a%5fb_dists_x_"),
        (
            "https://professional-security.chinauos.com/",
            "eagle/1060",
            "professional-security.chinauos.com_dists_eagle_1060_",
        ),
        ("file:/srv/vendor", "./", "_srv_vendor_._"),
        ("file:///srv/vendor", "/", "_srv_vendor_"),
        ("mirror+file:/etc/mirrors", "x", "_etc_mirrors_dists_x_"),
        ("http://镜像.cn/debian", "x", "%e9%95%9c%e5%83%8f.cn_debian_dists_x_"),
    ],
)
def test_the_names_of_lists_are_apts(uri: str, suite: str, prefix: str) -> None:
    assert list_prefix(uri, suite) == prefix


def test_lines_that_name_a_source_and_lines_that_do_not() -> None:
    text = (
        "deb http://a/debian bookworm main\n"
        "  deb\thttp://b/debian   bookworm main # why\n"
        "deb [arch=amd64 signed-by=/x] http://c/$(ARCH) bookworm main\n"
        "# deb http://off/debian bookworm main\n"
        "deb-src http://source/debian bookworm main\n"
        "deb cdrom:[Debian 12]/ bookworm main\n"
        "nonsense\n"
    )
    assert [source.prefix for source in one_line(text, "arm64")] == [
        "a_debian_dists_bookworm_",
        "b_debian_dists_bookworm_",
        "c_arm64_dists_bookworm_",
    ]


@pytest.mark.parametrize(("word", "used"), [("no", 0), ("False", 0), ("off", 0), ("0", 0), ("yes", 2), ("maybe", 2)])
def test_a_source_that_is_switched_off_is_not_used(word: str, used: int) -> None:
    text = f"Types: deb deb-src\nURIs: http://a/\nSuites: x\n y\n# a remark\nEnabled: {word}\n"
    assert len(list(deb822(text, "amd64"))) == used


def test_paragraphs_of_sources_are_apart() -> None:
    text = (
        "Types: deb-src\nURIs: http://a/\nSuites: x\n \nTypes: deb\nURIs: http://b/ cdrom:[x]/ http://c/\nSuites: y\n"
    )
    assert [source.prefix for source in deb822(text, "amd64")] == ["b_dists_y_", "c_dists_y_"]


@pytest.mark.parametrize(
    ("line", "security"),
    [
        ("deb http://a/debian bookworm-security main", True),
        ("deb http://a/debian-security bookworm/updates main", True),
        ("deb https://professional-security.chinauos.com/ eagle/1060 main", True),
        ("deb http://a/debian bookworm-updates main", False),
    ],
)
def test_a_security_source_is_known_by_its_address_or_suite(line: str, security: bool) -> None:
    assert [source.security for source in one_line(line, "amd64")] == [security]
