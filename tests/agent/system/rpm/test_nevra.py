"""A full name is split where it must be, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.system.rpm.nevra import Nevra, evr, normal, split


@pytest.mark.parametrize(
    ("full", "expected"),
    [
        ("bash-5.1.8-6.el9_1.x86_64", Nevra("bash", "5.1.8-6.el9_1", "x86_64")),
        ("compat-libstdc++-33-3.2.3-72.el7.i686", Nevra("compat-libstdc++-33", "3.2.3-72.el7", "i686")),
        ("iwl1000-firmware-1:39.31.5.1-115.fc32.noarch", Nevra("iwl1000-firmware", "1:39.31.5.1-115.fc32", "noarch")),
        ("32:bind-libs-9.11.4-26.P2.el7_9.2.x86_64", Nevra("bind-libs", "32:9.11.4-26.P2.el7_9.2", "x86_64")),
        ("zlib-0:1.2.11-26.el8.loongarch64", Nevra("zlib", "1.2.11-26.el8", "loongarch64")),
        (
            "java-1.8.0-openjdk-1:1.8.0.131-2.b11.el7_3.sw_64",
            Nevra("java-1.8.0-openjdk", "1:1.8.0.131-2.b11.el7_3", "sw_64"),
        ),
        ("a~b-1~rc1-1^git2.x86_64", None),
        ("pkg-1~rc1-1^git2.x86_64", Nevra("pkg", "1~rc1-1^git2", "x86_64")),
        ("mdadm-4.1-rc1_2.el7", None),  # el7 is no architecture
        ("openssh-server#$%^5.3p1$%^104.el6.x86_64", None),
        ("bash-5.1.x86_64", None),
        ("bash.x86_64", None),
        ("", None),
        ("-1-1.x86_64", None),
    ],
)
def test_where_a_full_name_is_split(full: str, expected: Nevra | None) -> None:
    assert split(full) == expected


def test_an_epoch_of_nothing_is_left_out() -> None:
    assert [evr(epoch, "1", "2") for epoch in ("", "0", "(none)", "00", "3")] == ["1-2", "1-2", "1-2", "1-2", "3:1-2"]
    assert normal("0:1-2") == "1-2"
    assert normal("1:2") is None
    assert normal("1-2-3") is None


@given(
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9+.-]{0,12}", fullmatch=True),
    st.from_regex(r"(?:[1-9][0-9]?:)?[A-Za-z0-9._+~^]{1,8}-[A-Za-z0-9._+~^]{1,8}", fullmatch=True),
    st.sampled_from(["x86_64", "noarch", "aarch64", "loongarch64"]),
)
def test_what_was_put_together_comes_apart_again(name: str, version: str, arch: str) -> None:
    assert split(f"{name}-{version}.{arch}") == Nevra(name, version, arch)


@given(st.text(max_size=40))
def test_any_text_is_split_or_not(text: str) -> None:
    found = split(text)
    assert found is None or text.endswith(f".{found.arch}")
