"""apt's settings are read as apt-config reads them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from muster_agent.system.deb import configuration

WRITTEN = r"""
// A comment with "quotes" and A::Comment "1";
# another A::Hash "1";
/* one over
   A::Block "1"; several lines */
APT::Periodic::Enable "1";
APT::periodic::unattended-upgrade "1"; // the second name in lower case
APT { Periodic { Update-Package-Lists "7"; Inner "http://x//y"; }; Default-Release "stable"; };
Unquoted::Value 3;
Later "first";
Later "second";
Empty "";
Gone::A "1"; Gone::B "2";
#clear Gone;
Kept { One "1"; }
"""


def read(text: str) -> dict[str, str]:
    """The settings in ``text``."""
    settings: dict[str, str] = {}
    configuration.merge(settings, text)
    return settings


def test_every_form_of_a_setting_is_read() -> None:
    assert read(WRITTEN) == {
        "apt::periodic::enable": "1",
        "apt::periodic::unattended-upgrade": "1",
        "apt::periodic::update-package-lists": "7",
        "apt::periodic::inner": "http://x//y",
        "apt::default-release": "stable",
        "unquoted::value": "3",
        "later": "second",
        "empty": "",
        "kept::one": "1",
    }


@pytest.mark.skipif(shutil.which("apt-config") is None, reason="needs apt-config, the truth this test compares with")
def test_apt_config_reads_the_same(tmp_path: Path) -> None:
    (tmp_path / "conf").write_text(WRITTEN)
    environment = {"APT_CONFIG": str(tmp_path / "conf"), "PATH": "/usr/bin:/bin", "LC_ALL": "C"}
    said = subprocess.run(["apt-config", "dump"], env=environment, stdout=subprocess.PIPE, check=True).stdout.decode()
    by_apt = {name.lower(): value for name, value in re.findall(r'^(\S+) "(.*)";$', said, re.MULTILINE)}
    for name, value in read(WRITTEN).items():
        assert by_apt.get(name) == value, name
    assert not {name for name in by_apt if name.startswith(("a::", "gone::"))}


@pytest.mark.parametrize(
    "text", ["", "}", "};};", "{{{", '"', '"open', "A {", "#clear", "// no end", "/* no end", "A::B"]
)
def test_damaged_settings_give_nothing_and_raise_nothing(text: str) -> None:
    assert read(text) == {}
