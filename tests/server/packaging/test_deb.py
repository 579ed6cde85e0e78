"""The .deb as Debian's own tools read it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from muster_server.packaging import build
from muster_server.packaging.contents import Order
from muster_server.packaging.deb import ar


@pytest.fixture
def package(order: Order, tmp_path: Path) -> Path:
    """A .deb."""
    made = build("deb", order)
    path = tmp_path / made.name
    path.write_bytes(made.data)
    return path


def dpkg_deb(*words: str | Path) -> str:
    """What dpkg-deb prints."""
    if shutil.which("dpkg-deb") is None:
        pytest.skip("no dpkg-deb")
    return subprocess.run(["dpkg-deb", *map(str, words)], capture_output=True, text=True, check=True).stdout


def test_dpkg_reads_what_it_is(package: Path) -> None:
    assert package.name == "muster-agent_0.1.0-1_all.deb"
    fields = dict(line.split(": ", 1) for line in dpkg_deb("--field", package).splitlines() if line[0] != " ")
    assert (fields["Package"], fields["Version"], fields["Architecture"]) == ("muster-agent", "0.1.0-1", "all")
    assert fields["Depends"] == "python3 (>= 3.7), python3-cryptography (>= 2.6)"
    assert fields["Recommends"] == "python3-psutil"
    assert int(fields["Installed-Size"]) > 100


def test_what_lies_where_and_who_may_read_it(package: Path) -> None:
    modes = {}
    for line in dpkg_deb("--contents", package).splitlines():
        mode, owner, *_, name = line.split()
        assert owner == "root/root"
        modes[name] = mode
    assert modes["./var/lib/muster-agent/token"] == "-rw-------"
    assert modes["./var/lib/muster-agent/"] == "drwx--x--x"
    assert modes["./usr/bin/muster-agent"] == "-rwxr-xr-x"
    assert modes["./etc/muster-agent/agent.conf"] == "-rw-r--r--"
    assert "./usr/lib/systemd/system/muster-agent.timer" in modes
    assert not [name for name in modes if modes[name][5] == "w" or modes[name][8] == "w"], "others may write to nothing"


def test_settings_are_conffiles_and_the_rest_can_be_verified(package: Path, tmp_path: Path) -> None:
    dpkg_deb("--raw-extract", package, tmp_path / "raw")
    control = tmp_path / "raw" / "DEBIAN"
    assert (control / "conffiles").read_text().split() == ["/etc/muster-agent/agent.conf", "/etc/muster-agent/ca.pem"]
    done = subprocess.run(["md5sum", "--check", "--quiet", "DEBIAN/md5sums"], cwd=tmp_path / "raw", capture_output=True)
    assert (done.returncode, done.stdout) == (0, b"")
    summed = {line.split("  ", 1)[1] for line in (control / "md5sums").read_text().splitlines()}
    files = {path.relative_to(tmp_path / "raw").as_posix() for path in (tmp_path / "raw").rglob("*") if path.is_file()}
    unsummed = {name for name in files if not name.startswith("DEBIAN/")} - summed
    assert unsummed == {"etc/muster-agent/agent.conf", "etc/muster-agent/ca.pem", "var/lib/muster-agent/token"}


@pytest.mark.parametrize("script", ["postinst", "prerm", "postrm"])
def test_a_maintainer_script_is_good_shell_and_leaves_unknown_calls_alone(
    script: str, package: Path, tmp_path: Path
) -> None:
    dpkg_deb("--control", package, tmp_path / "control")
    path = tmp_path / "control" / script
    assert path.stat().st_mode & 0o777 == 0o755
    subprocess.run(["/bin/sh", "-n", str(path)], check=True)
    # dpkg calls them so while it undoes a failed upgrade; nothing may be enabled, stopped or deleted then.
    done = subprocess.run(["/bin/sh", str(path), "abort-upgrade", "0.0.9"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_odd_member_is_filled_to_an_even_place() -> None:
    made = ar([("debian-binary", b"2.0\n"), ("a", b"odd"), ("b", b"even")], 1767225600)
    assert len(made) % 2 == 0
    assert made.index(b"b ") % 2 == 0
    assert b"1767225600  0     0     100644  3         `\nodd\n" in made
