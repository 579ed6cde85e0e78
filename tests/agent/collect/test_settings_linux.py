"""The security settings of Linux, where several files and modules decide together."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_agent.collect.settings import linux, linux_kysec, linux_lockout, linux_password, linux_protection, linux_usb
from muster_agent.machine import CannotRead, Machine, Uname
from muster_agent.recording import SimulatedMachine

PC = Uname("Linux", "pc", "6.1.0", "x86_64")
UNIX = "password sufficient pam_unix.so sha512\n"


def pc(files: dict[str, str | bytes]) -> Machine:
    """A PC that has these files."""
    return SimulatedMachine(
        PC, {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
    )


@pytest.mark.parametrize(
    ("line", "conf", "shortest", "mixed"),
    [
        ("", "", 0, False),
        ("password requisite pam_pwquality.so", "", 8, False),
        ("password requisite pam_pwquality.so", "minlen = 14\nminclass=4\n", 14, True),
        ("password requisite pam_pwquality.so minlen=10", "minlen = 14\n", 10, False),
        ("password requisite pam_pwquality.so minlen=3", "", 6, False),
        ("password requisite pam_pwquality.so minlen=12 dcredit=1 ucredit=1", "", 10, False),
        ("password requisite pam_pwquality.so minlen=6 dcredit=1 ucredit=2", "", 6, False),
        ("password requisite pam_pwquality.so dcredit=-1 ucredit=-1 lcredit=-1", "", 8, True),
        ("password requisite pam_pwquality.so dcredit=-1 ucredit=-1", "", 8, False),
        ("password requisite pam_pwquality.so minlen=20", "enforcing = 0\n", 0, False),
        ("password optional pam_pwquality.so minlen=20", "", 0, False),
        ("password requisite pam_cracklib.so minlen=8", "", 6, False),
        ("password requisite pam_cracklib.so minlen=8 dcredit=0 ucredit=0 lcredit=0 ocredit=0 minclass=3", "", 8, True),
        ("password requisite pam_passwdqc.so min=disabled,disabled,disabled,8,8", "", 8, True),
        ("password requisite pam_passwdqc.so", "", 7, False),
    ],
)
def test_what_a_new_password_must_be(line: str, conf: str, shortest: int, mixed: bool) -> None:
    files = {"/etc/pam.d/passwd": f"{line}\n{UNIX}", "/etc/security/pwquality.conf": conf}
    assert linux_password.quality(pc(dict(files))) == (shortest, mixed)


def test_the_folder_of_pwquality_is_read_before_its_file() -> None:
    files: dict[str, str | bytes] = {
        "/etc/pam.d/system-auth": f"password requisite pam_pwquality.so\n{UNIX}",
        "/etc/security/pwquality.conf.d/50-a.conf": "minlen = 20\nminclass = 3\n",
        "/etc/security/pwquality.conf": "minlen = 9\n",
    }
    assert linux_password.quality(pc(files)) == (9, True)


def test_debian_s_own_length_counts_where_nothing_else_does() -> None:
    files: dict[str, str | bytes] = {"/etc/pam.d/passwd": UNIX, "/etc/debian_version": "12.1\n"}
    assert linux_password.quality(pc(files)) == (6, False)
    files["/etc/pam.d/passwd"] = "password sufficient pam_unix.so minlen=11\n"
    assert linux_password.quality(pc(files)) == (11, False)


def test_a_module_nobody_knows_leaves_the_question_open() -> None:
    files: dict[str, str | bytes] = {"/etc/pam.d/passwd": f"password requisite pam_xpwcheck.so\n{UNIX}"}
    with pytest.raises(CannotRead, match="pam_module_unknown"):
        linux_password.quality(pc(files))
    files = {"/etc/pam.d/login": "auth required pam_office_auth.so\nauth required pam_unix.so\n"}
    with pytest.raises(CannotRead, match="pam_module_unknown"):
        linux_lockout.lockout(pc(files))


BOTH = "auth required pam_faillock.so preauth\nauth [default=die] pam_faillock.so authfail"


@pytest.mark.parametrize(
    ("login", "conf", "limits"),
    [
        (f"{BOTH}\n", "", (3, 600)),
        (f"{BOTH} deny=5 unlock_time=never\n", "deny = 9\n", (5, 0)),
        (f"{BOTH}\n", "deny = 4\nunlock_time = 0\n# deny = 1\n", (4, 0)),
        ("auth required pam_faillock.so preauth deny=5\n", "", (0, 0)),
        (f"{BOTH} deny=0\n", "", (0, 0)),
        ("auth required pam_tally2.so deny=6\n", "", (6, 0)),
        ("auth required pam_unix.so\n", "", (0, 0)),
    ],
)
def test_when_an_account_is_locked(login: str, conf: str, limits: tuple[int, int]) -> None:
    files: dict[str, str | bytes] = {"/etc/pam.d/login": login, "/etc/security/faillock.conf": conf}
    assert linux_lockout.lockout(pc(files)) == limits


def test_the_way_in_that_never_locks_decides() -> None:
    files: dict[str, str | bytes] = {
        "/etc/pam.d/login": f"{BOTH} deny=5\n",
        "/etc/pam.d/sshd": f"{BOTH} deny=3 unlock_time=60\n",
    }
    assert linux_lockout.lockout(pc(files)) == (5, 60)
    files["/etc/pam.d/lightdm"] = "auth required pam_unix.so\n"
    assert linux_lockout.lockout(pc(files)) == (0, 0)


@pytest.mark.parametrize(
    ("modprobe", "usable"),
    [
        ("", True),
        ("blacklist usb-storage\n", True),
        ("blacklist usb_storage\nblacklist uas\n", False),
        ("install usb-storage /bin/true\n", False),
        ("install usb_storage /bin/false # no\n", False),
        ("install usb-storage /sbin/modprobe --ignore-install usb-storage\n", True),
        ("# install usb-storage /bin/true\n", True),
    ],
)
def test_whether_sticks_can_be_used(modprobe: str, usable: bool) -> None:
    assert linux_usb.usb_storage(pc({"/etc/modprobe.d/a.conf": modprobe})) == (usable,)
    assert linux_usb.usb_storage(pc({"/etc/modprobe.d/a.conf": modprobe, "/sys/module/usb_storage/x": ""})) == (True,)


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("KySec status: enabled\n", "kysec status", "enabled"),
        ("KySec status : Softmode\r\n", "kysec status", "softmode"),
        ("\texec control   :  warning\n", "exec control", "warning"),
        ("执行控制：开启\n", "执行控制", "开启"),
    ],
)
def test_what_getstatus_prints_in_its_versions(text: str, name: str, value: str) -> None:
    assert linux_kysec.parse_getstatus(text) == {name: value}


@given(st.text(max_size=200))
def test_no_text_breaks_them(text: str) -> None:
    linux_kysec.parse_getstatus(text)
    with contextlib.suppress(CannotRead):
        linux_protection.parse_sestatus(text)


SPOILT = [
    *(
        "/etc/pam.d/passwd",
        "/etc/pam.d/login",
        "/etc/login.defs",
        "/etc/security/pwquality.conf",
        "/etc/ssh/sshd_config",
    ),
    *(
        "/usr/sbin/sshd",
        "/usr/sbin/xrdp",
        "/etc/xrdp/xrdp.ini",
        "/etc/logrotate.conf",
        "/usr/sbin/rsyslogd",
        "/var/log/syslog",
    ),
    *(
        "/usr/sbin/lightdm",
        "/etc/lightdm/lightdm.conf",
        "/etc/modprobe.d/a.conf",
        "/etc/audit/auditd.conf",
        "/usr/sbin/auditd",
    ),
    *("/etc/systemd/journald.conf", "/usr/share/xsessions/gnome.desktop", "/etc/dconf/db/a", "/etc/dconf/db/a.d/b"),
    *(
        "/sys/class/tpm/tpm0/tpm_version_major",
        "/sys/fs/selinux/enforce",
        "/etc/security/faillock.conf",
        "/usr/sbin/smbd",
    ),
]


@given(st.dictionaries(st.sampled_from(SPOILT), st.binary(max_size=120)))
def test_whatever_files_hold_no_part_breaks(files: dict[str, bytes]) -> None:
    table = linux.collect(SimulatedMachine(PC, files))
    assert [note for note in table.notes if note.code == "collector_failed"] == []
