"""Who uses a simulated PC, what its passwords must be, and whether its screen locks: the files that say so."""

from __future__ import annotations

from datetime import datetime, timedelta

from muster_server.demo.condition import Condition

USER = "staff"
MORE_ADMINISTRATORS = ("admin", "test")
# A password that nobody can type: no program makes such a hash.
PASSWORD = "$y$simulated-no-hash"  # noqa: S105
# The desktop's session; whether its screen locks can be seen for GNOME alone.
SESSIONS = {"ubuntu2404": "ubuntu", "uos20": "deepin", "kylin10": "ukui"}
# What no user can change.
LOCKED = (
    "/org/gnome/desktop/screensaver/lock-enabled\n/org/gnome/desktop/screensaver/lock-delay\n"
    "/org/gnome/desktop/session/idle-delay\n"
)
COUNTING = (
    "auth required pam_faillock.so preauth\nauth [success=1 default=ignore] pam_unix.so\n"
    "auth [default=die] pam_faillock.so authfail\nauth requisite pam_deny.so\nauth required pam_permit.so\n"
)
STRONG = "password requisite pam_pwquality.so retry=3\npassword required pam_unix.so use_authtok yescrypt\n"
WEAK = "password required pam_unix.so minlen=6 yescrypt\n"
RECORD = 384  # bytes of a record of wtmp (glibc, bits/utmp.h)


def files(condition: Condition, now: datetime) -> dict[str, bytes]:
    """The files of one PC, by their paths."""
    faults = condition.faults
    weak = "weak_passwords" in faults
    found = {
        "/etc/login.defs": "PASS_MAX_DAYS 90\nUID_MIN 1000\n",
        "/etc/pam.d/passwd": "@include common-password\n",
        "/etc/pam.d/login": "@include common-auth\n",
        "/etc/pam.d/sshd": "@include common-auth\n",
        "/etc/pam.d/common-password": WEAK if weak else STRONG,
        "/etc/pam.d/common-auth": "auth required pam_unix.so\n" if weak else COUNTING,
        "/etc/security/pwquality.conf": "minlen = 10\nminclass = 3\n",
        "/etc/security/faillock.conf": "deny = 5\nunlock_time = 900\n",
        f"/usr/share/xsessions/{SESSIONS.get(condition.system, 'gnome')}.desktop": "[Desktop Entry]\n",
        "/etc/dconf/db/local": "",
        "/etc/dconf/db/local.d/00-screen": _screen("no_screen_lock" in faults),
        "/etc/dconf/db/local.d/locks/screen": LOCKED,
        **_users(faults),
    }
    logins = {"/var/log/lastlog": b"", "/var/log/wtmp": _login(USER, now - timedelta(days=1))}
    return {**{path: text.encode() for path, text in found.items()}, **logins}


def _users(faults: frozenset[str]) -> dict[str, str]:
    names = (USER, *MORE_ADMINISTRATORS) if "many_administrators" in faults else (USER,)
    users = [f"{name}:x:{uid}:100::/home/{name}:/bin/bash" for uid, name in enumerate(names, 1000)]
    passwords = dict.fromkeys(names, PASSWORD)
    if "empty_password" in faults:
        passwords[names[-1]] = ""
    changed = ":20700:0:90:7:::"  # days since 1970, oldest and latest day, warning
    return {
        "/etc/passwd": "\n".join(["root:x:0:0:root:/root:/bin/bash", *users, ""]),
        "/etc/group": f"root:x:0:\nsudo:x:27:{','.join(names)}\nusers:x:100:\n",
        "/etc/shadow": "\n".join(["root:*" + changed, *(f"{name}:{passwords[name]}{changed}" for name in names), ""]),
        "/etc/sudoers": "root ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\n",
    }


def _screen(never: bool) -> str:
    enabled = "false" if never else "true"
    return (
        f"[org/gnome/desktop/screensaver]\nlock-enabled={enabled}\nlock-delay=uint32 0\n"
        "[org/gnome/desktop/session]\nidle-delay=uint32 600\n"
    )


def _login(name: str, at: datetime) -> bytes:
    session = b"\x07\0\0\0" + bytes(40) + name.encode().ljust(32, b"\0")
    return (session.ljust(340, b"\0") + int(at.timestamp()).to_bytes(4, "little")).ljust(RECORD, b"\0")
