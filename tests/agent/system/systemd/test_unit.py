"""Unit files and the folders they lie in, held against systemd's own reading where it is installed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.machine import CannotRead, Uname
from muster_agent.recording import RecordedMachine, of_files
from muster_agent.system.systemd import unit as units
from muster_agent.system.systemd.folders import Folders, is_enabled
from muster_agent.system.systemd.running import Running

PC = Uname("Linux", "pc", "6.1.0", "x86_64")
U = "/usr/lib/systemd/system"
E = "/etc/systemd/system"


def pc(files: dict[str, bytes], links: dict[str, str] | None = None) -> RecordedMachine:
    """A PC that has these files and links."""
    links = links or {}
    recording = of_files(PC, {**files, **dict.fromkeys(links, b"")}, 0)
    recording.links.update(links)
    for link, target in links.items():
        recording.files[link] = (
            CannotRead("not_regular_file", link) if target == "/dev/null" else files.get(target, b"")
        )
    return RecordedMachine(recording, whole=True)


def test_lines_go_on_lists_are_taken_back_and_comments_are_none() -> None:
    text = "[Unit]\nDescription=One \\\n# in between\n  two\n;x\n[Service]\n"
    text += "ExecStart=/bin/a\nExecStart=\nExecStart=-/bin/b c\n"
    unit = units.parse(text)
    assert units.last(unit, "Unit", "Description") == "One  two"
    assert unit["Service"]["ExecStart"] == ["-/bin/b c"]
    assert units.program(unit) == "/bin/b"


@pytest.mark.parametrize(
    ("command", "path"),
    [
        ("/usr/sbin/sshd -D", "/usr/sbin/sshd"),
        ("@/usr/bin/dbus-daemon @dbus-daemon --system", "/usr/bin/dbus-daemon"),
        ("-/sbin/agetty %I", "/sbin/agetty"),
        ("+!/bin/x", "/bin/x"),
        ('"/opt/my app/run" x', "/opt/my app/run"),
        ("journalctl --flush", None),
        ("", None),
    ],
)
def test_the_program_a_service_runs(command: str, path: str | None) -> None:
    assert units.program(units.parse(f"[Service]\nExecStart={command}\n")) == path


def test_a_unit_in_an_earlier_folder_hides_one_in_a_later_and_drop_ins_change_it() -> None:
    files = {
        f"{U}/a.service": b"[Service]\nUser=usr\nExecStart=/usr/a\n",
        f"{E}/a.service": b"[Service]\nUser=etc\nExecStart=/etc/a\n",
        f"{U}/a.service.d/9.conf": b"[Service]\nUser=nine\n",
        f"{E}/a.service.d/1.conf": b"[Service]\nUser=one\n",
        f"{U}/service.d/0.conf": b"[Service]\nSlice=x.slice\n",
        f"{U}/service.d/1.conf": b"[Service]\nUser=hidden\n",
    }
    unit = Folders.read(pc(files)).unit("a.service")
    assert (units.last(unit, "Service", "User"), units.program(unit)) == ("nine", "/etc/a")
    assert units.last(unit, "Service", "Slice") == "x.slice"


def test_links_say_what_is_enabled_masked_and_another_name() -> None:
    files = {
        f"{U}/{name}": b"[Service]\n" for name in ("a.service", "b.service", "c@.service", "d.service", "e.service")
    }
    links = {
        f"{E}/multi-user.target.wants/a.service": f"{U}/a.service",
        f"{E}/b.service": "/dev/null",
        f"{E}/multi-user.target.wants/b.service": f"{U}/b.service",
        f"{E}/x.target.requires/c@1.service": f"{U}/c@.service",
        f"{E}/display-manager.service": f"{U}/d.service",
        f"{E}/dbus-org.e.service": f"{U}/e.service",
        f"{U}/other.service": "e.service",
        f"{U}/initrd.target.wants/e.service": "../e.service",
    }
    folders = Folders.read(pc(files, links))
    assert folders.names() == ["a.service", "b.service", "c@1.service", "d.service", "e.service"]
    assert folders.masked == {"b.service"}
    assert {name for name in folders.names() if folders.enabled(name)} == {
        "a.service",
        "b.service",
        "c@1.service",
        "d.service",
    }
    machine = pc(files, links)
    assert [is_enabled(machine, name) for name in ("a.service", "b.service", "d.service", "gone.service")] == [
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize("root", ["/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd"])
def test_a_service_runs_while_it_has_a_folder(root: str) -> None:
    there = ("a.service", "system-c.slice/c@1.service", "system-d\\x2de.slice/d-e@2.service")
    files = {f"{root}/system.slice/{name}/tasks": b"" for name in there}
    files[f"{root}/x.slice/x-y.slice/z.service/tasks"] = b""
    running = Running(pc(files))
    assert running.service("a.service") and running.service("c@1.service") and running.service("d-e@2.service")
    assert running.service("z.service", "x-y.slice")
    assert (
        not running.service("b.service")
        and not running.service("z.service")
        and not running.service("a.service", "q.slice")
    )


def test_control_groups_that_cannot_be_seen_are_no_answer() -> None:
    for files in ({}, {"/sys/fs/cgroup/system.slice/x.mount/tasks": b""}):
        with pytest.raises(CannotRead):
            Running(pc(files))


@given(st.text(max_size=300))
def test_no_text_breaks_it(text: str) -> None:
    unit = units.parse(text)
    units.program(unit), units.listed(unit, "Unit", "After"), units.specified(text, "a@b")
