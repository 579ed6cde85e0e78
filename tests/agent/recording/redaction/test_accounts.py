"""People are not named in a recording, and no hash of a password is in it; what a collector reads off them stays."""

from __future__ import annotations

import pytest

from muster_agent.facts import Table, User
from muster_agent.machine import Uname
from muster_agent.recording import of_files
from muster_agent.recording.file import to_json
from muster_agent.recording.redaction import redacted

UNAME = Uname("Linux", "host", "6.1.0", "x86_64")
FILES = {
    "/etc/passwd": (
        b"root:x:0:0:root:/root:/bin/bash\n"
        b"sshd:x:105:65534::/run/sshd:/usr/sbin/nologin\n"
        b"wangfang:x:1000:1000:\xe7\x8e\x8b\xe8\x8a\xb3,,,:/home/wangfang:/bin/bash\n"
        b"li:x:1001:1001:Li Lei:/home/li:/bin/bash\n"
    ),
    "/etc/shadow": (
        b"root:!$6$abcdefgh$QWERTYUIOPASDFGHJKL:19000:0:99999:7:::\n"
        b"wangfang:$y$j9T$abcdefghij$klmnopqrstuvwxyz:19100:0:90:7:::\n"
        b"li::19000:0:99999:7:::\nsshd:*:19000::::::\n"
    ),
    "/etc/group": b"sudo:x:27:wangfang,li\nli:x:1001:\n",
    "/var/log/x": b"session opened for wangfang by Li Lei; \xe7\x8e\x8b\xe8\x8a\xb3 asked; /home/li/.ssh\na list\n",
}


def test_people_have_placeholders_in_every_file_and_hashes_are_gone() -> None:
    shown, redaction = redacted(of_files(UNAME, FILES, 0))
    text = to_json(shown)
    for secret in ("wangfang", "王芳", "Li Lei", "QWERTY", "klmnop", "/home/li/"):
        assert secret not in text, secret
    assert shown.files["/etc/group"] == b"sudo:x:27:user-1,user-2\nuser-2:x:1001:\n"
    assert shown.files["/etc/shadow"] == (
        b"root:!$6$redacted:19000:0:99999:7:::\nuser-1:$y$redacted:19100:0:90:7:::\n"
        b"user-2::19000:0:99999:7:::\nsshd:*:19000::::::\n"
    )
    assert b"\na list\n" in shown.files["/var/log/x"]
    assert redaction.counts["secret"] == 2


def test_accounts_of_windows_are_known_by_what_the_system_says() -> None:
    recording = of_files(Uname("Windows", "PC-7", "10", "AMD64"), {}, 0)
    recording.platform = "windows"
    recording.apis["NetUserEnum",] = [
        {"name": "zhangwei", "rid": 1001, "sid": "S-1-5-21-111-222-333-1001", "flags": 0},
        {"name": "Administrator", "rid": 500, "sid": "S-1-5-21-111-222-333-500", "flags": 2},
    ]
    recording.values[r"HKU\S-1-5-21-111-222-333-1001\Control Panel\Desktop"] = {"Wallpaper": r"C:\Users\zhangwei\a.png"}
    recording.folders[r"C:\Users\Public\Desktop"] = recording.folders[r"C:\Users\zhaoli\Desktop"] = ()
    shown, _ = redacted(recording)
    text = to_json(shown)
    assert "zhangwei" not in text
    assert "111-222-333" not in text
    assert "Administrator" in text
    assert set(shown.folders) >= {r"C:\Users\Public\Desktop", r"C:\Users\user-2\Desktop"}
    assert shown.apis["NetUserEnum",][0]["sid"] == "S-1-5-21-1-1-1-1001"  # type: ignore[index,call-overload]


def test_passwords_in_settings_and_nothing_else_of_them_are_taken_out() -> None:
    files = {
        "/etc/yum.repos.d/a.repo": b"[a]\nusername=x\npassword = s3cret word\nproxy_password=other\nenabled=1\n",
        "/etc/pam.d/common-password": b"password required pam_unix.so minlen=8\n",
        "/sys/class/net/lo/address": b"00:00:00:00:00:00\n",
    }
    shown, redaction = redacted(of_files(UNAME, files, 0))
    assert shown.files["/etc/yum.repos.d/a.repo"] == (
        b"[a]\nusername=x\npassword = redacted\nproxy_password=redacted\nenabled=1\n"
    )
    assert shown.files["/etc/pam.d/common-password"] == files["/etc/pam.d/common-password"]
    assert shown.files["/sys/class/net/lo/address"] == files["/sys/class/net/lo/address"]
    assert redaction.counts["secret"] == 2


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ('Acquire::https::repo::Password "hunter2";', 'Acquire::https::repo::Password "redacted";'),
        ('Acquire::ftp::Proxy::Pass "hunter2";', 'Acquire::ftp::Proxy::Pass "redacted";'),
        ('http { Proxy-Auth "liu:hunter2"; Pipeline 1; };', 'http { Proxy-Auth "redacted"; Pipeline 1; };'),
        (
            "ExecStart=/usr/bin/dump -u root --password=hunter2 x",
            "ExecStart=/usr/bin/dump -u root --password=redacted x",
        ),
        ("Environment=DB_PASSWORD=hunter2 TOKEN=hunter2", "Environment=DB_PASSWORD=redacted TOKEN=redacted"),
    ],
)
def test_a_password_is_taken_out_in_whatever_form_it_is_set(said: str, left: str) -> None:
    assert redacted(of_files(UNAME, {"/x": said.encode()}, 0))[0].files["/x"] == left.encode()


@pytest.mark.parametrize(
    "said",
    [
        "password required pam_unix.so minlen=8",
        "PasswordAuthentication no",
        "PermitEmptyPasswords=no",
        "unix password sync = yes",
        "passdb backend = tdbsam",
        "PASS_MAX_DAYS 99999",
        "Package: passwd\nVersion: 1:4.13",
        "password [success=1 default=ignore] pam_unix.so",
        "encrypt passwords = yes",
    ],
)
def test_settings_about_passwords_stay(said: str) -> None:
    assert redacted(of_files(UNAME, {"/x": said.encode()}, 0))[0].files["/x"] == said.encode()


def test_the_password_of_an_automatic_logon_is_taken_out() -> None:
    recording = of_files(Uname("Windows", "PC-7", "10", "AMD64"), {}, 0)
    recording.values["K"] = {"DefaultPassword": "Hunter2!", "MinimumPasswordLength": 8, "AutoAdminLogon": "1"}
    shown = redacted(recording)[0].values["K"]
    assert shown == {"DefaultPassword": "redacted", "MinimumPasswordLength": 8, "AutoAdminLogon": "1"}


def test_a_hash_behind_any_mark_of_a_lock_is_taken_out() -> None:
    files = {"/etc/shadow": b"liu:*LK*$6$saltsalt$HHHHHHHHHHHHHHHH:20000:0:99999:7:::\n"}
    assert b"HHHH" not in redacted(of_files(UNAME, files, 0))[0].files["/etc/shadow"]


def test_a_class_of_devices_in_the_registry_identifies_nobody() -> None:
    recording = of_files(Uname("Windows", "PC-7", "10", "AMD64"), {}, 0)
    key = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\RemovableStorageDevices\{53f5630d-b6bf-11d0-94f2-00a0c91efb8b}"
    recording.values[key] = {"Deny_Write": 1}
    assert list(redacted(recording)[0].values) == [key]


def test_accounts_a_table_names_are_replaced_on_any_system() -> None:
    recording = of_files(UNAME, {"/x": b"owner chenmin"}, 0)
    users = Table((User(uid=501, username="chenmin", type="person"), User(uid=0, username="root", type="system")))
    shown, _ = redacted(recording, {"users": users})
    assert shown.files["/x"] == b"owner user-1"


@pytest.mark.parametrize("line", [b"::::", b"a:b", b"\xff\xfe:x:1000:0:\xff:/:/\n", b"x:x:99999999999:0:a b:/:/"])
def test_a_damaged_file_of_accounts_does_no_harm(line: bytes) -> None:
    shown, _ = redacted(of_files(UNAME, {"/etc/passwd": line, "/etc/shadow": line}, 0))
    assert shown.files["/etc/passwd"]
