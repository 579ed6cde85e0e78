"""The .rpm as rpm's own tools read it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from muster_server.packaging import build
from muster_server.packaging.contents import Order

# What rpmlint may find, and why it stays.
ACCEPTED = {
    "no-signature": "an office signs with a key of its own, or hands out the SHA-256 that the command prints",
    "non-standard-dir-perm": "users pass through the agent's folder to public/status.json and see nothing else",
    "non-readable": "the token is root's alone",
}


@pytest.fixture
def package(order: Order, tmp_path: Path) -> Path:
    """An .rpm."""
    made = build("rpm", order)
    path = tmp_path / made.name
    path.write_bytes(made.data)
    return path


def tool(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a tool of rpm's."""
    if shutil.which(str(words[0])) is None:
        pytest.skip(f"no {words[0]}")
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60)


def test_rpm_finds_every_digest_right(package: Path) -> None:
    done = tool("rpm", "-Kv", package)
    assert done.returncode == 0, done.stdout + done.stderr
    digests = [line.strip() for line in done.stdout.splitlines()[1:]]
    assert len(digests) == 4
    assert all(line.endswith("digest: OK") for line in digests)


@pytest.mark.parametrize("place", [200, 3000, -2000])
def test_rpm_notices_a_changed_byte(package: Path, place: int) -> None:
    data = bytearray(package.read_bytes())
    data[place] ^= 1
    package.write_bytes(data)
    assert tool("rpm", "-K", package).returncode != 0


def test_rpm_reads_what_it_is(package: Path) -> None:
    form = "%{NAME} %{VERSION} %{RELEASE} %{ARCH} %{OS} %{LICENSE} %{BUILDTIME}"
    done = tool("rpm", "-qp", "--queryformat", form, package)
    assert done.stdout == "muster-agent 0.1.0 1 noarch linux Apache-2.0 1767225600", done.stderr
    needs = tool("rpm", "-qp", "--requires", package).stdout.splitlines()
    assert {"python3 >= 3.7", "python3-cryptography >= 2.6", "/bin/sh"} <= set(needs)
    assert all(need.startswith(("python3", "/bin/sh", "rpmlib(")) for need in needs)
    assert tool("rpm", "-qp", "--recommends", package).stdout.split() == ["python3-psutil"]
    scripts = tool("rpm", "-qp", "--scripts", package).stdout
    for script in ("postinstall", "preuninstall", "postuninstall"):
        assert f"{script} scriptlet (using /bin/sh)" in scripts


def test_what_lies_where_and_who_may_read_it(package: Path) -> None:
    form = "[%{FILEMODES:perms} %{FILEUSERNAME} %{FILEFLAGS:fflags} %{FILENAMES}\n]"
    lines = tool("rpm", "-qp", "--queryformat", form, package).stdout.splitlines()
    found = {line.split(" ")[-1]: line.split(" ")[:-1] for line in lines}
    assert found["/var/lib/muster-agent/token"] == ["-rw-------", "root", "cmn"]
    assert found["/var/lib/muster-agent"] == ["drwx--x--x", "root", ""]
    assert found["/usr/bin/muster-agent"] == ["-rwxr-xr-x", "root", ""]
    assert found["/etc/muster-agent/agent.conf"] == ["-rw-r--r--", "root", "cn"]
    assert found["/usr/lib/muster-agent/muster_agent/cli.py"] == ["-rw-r--r--", "root", ""]
    assert "/usr/bin" not in found, "the system's folders are not the package's"


def test_what_is_unpacked_is_what_went_in(package: Path, order: Order, tmp_path: Path) -> None:
    if shutil.which("rpm2cpio") is None or shutil.which("cpio") is None:
        pytest.skip("no rpm2cpio or cpio")
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    plain = subprocess.run(["rpm2cpio", str(package)], capture_output=True, check=True).stdout
    subprocess.run(["cpio", "-idm", "--quiet"], input=plain, cwd=unpacked, check=True)
    agent = unpacked / "usr/lib/muster-agent/muster_agent"
    names = [path.relative_to(agent) for path in agent.rglob("*") if path.is_file()]
    assert len(names) > 50
    assert all((agent / name).read_bytes() == (order.agent / name).read_bytes() for name in names)


def test_rpmlint_finds_nothing_that_is_not_meant(package: Path, tmp_path: Path) -> None:
    filters = tmp_path / "filters.toml"
    filters.write_text("Filters = " + repr([f" {name} ?" for name in ACCEPTED]) + "\n")
    done = tool("rpmlint", "--config", filters, package)
    assert " 0 errors" in done.stdout, done.stdout
    assert done.returncode == 0, done.stdout
    plain = tool("rpmlint", package).stdout
    assert all(f" {name}" in plain for name in ACCEPTED), "what is accepted is still there to be accepted"
