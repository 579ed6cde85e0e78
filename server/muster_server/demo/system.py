"""What lies below the desktop of a simulated PC: its encrypted disk, its services, its log, Kylin's KYSEC."""

from __future__ import annotations

from datetime import datetime, timedelta

from muster_server.demo.condition import Condition

UUID = "0123456789abcdef0123456789abcdef"
MOUNTS = "22 1 254:0 / / rw,relatime - ext4 /dev/mapper/system rw\n25 22 8:1 / /boot rw,relatime - ext4 /dev/sda1 rw\n"
DISK = {
    "/sys/dev/block/254:0/uevent": "DEVNAME=dm-0\n",
    "/sys/dev/block/8:1/uevent": "DEVNAME=sda1\n",
    "/sys/class/block/dm-0/dm/name": "system\n",
    "/sys/class/block/dm-0/dm/uuid": f"CRYPT-LUKS2-{UUID}-system\n",
    "/sys/class/block/dm-0/slaves/sda2/partition": "2\n",
    "/sys/class/block/sda1/partition": "1\n",
    "/sys/class/block/sda2/partition": "2\n",
}
# Unit, what it calls itself, the program it runs.
SERVICES = (
    ("systemd-journald", "Journal Service", "/usr/lib/systemd/systemd-journald"),
    ("ssh", "OpenBSD Secure Shell server", "/usr/sbin/sshd -D"),
    ("cups", "CUPS Scheduler", "/usr/sbin/cupsd -l"),
)
JOURNAL = "[Journal]\nSystemMaxUse=2G\nMaxRetentionSec=1year\n"
OLDEST = timedelta(days=250)  # how far back the log reaches
KYSEC = b"KySec status: enabled\nexec control : warning\n"


def files(now: datetime) -> dict[str, bytes]:
    """The files of one PC, by their paths."""
    # To the day: an unchanged PC must say the same twice.
    begun = int((now.replace(hour=0, minute=0, second=0, microsecond=0) - OLDEST).timestamp()) * 1_000_000
    found = {
        "/run/systemd/system/started": "",
        "/proc/self/mountinfo": MOUNTS,
        **DISK,
        "/sys/module/apparmor/parameters/enabled": "Y\n",
        "/etc/systemd/journald.conf.d/keep.conf": JOURNAL,
        f"/var/log/journal/{UUID}/system@{UUID}-{1:016x}-{begun:016x}.journal": "",
    }
    for name, title, program in SERVICES:
        unit = f"/usr/lib/systemd/system/{name}.service"
        found[unit] = f"[Unit]\nDescription={title}\n[Service]\nExecStart={program}\n"
        found[f"/etc/systemd/system/multi-user.target.wants/{name}.service"] = ""
        found[f"/sys/fs/cgroup/system.slice/{name}.service/cgroup.procs"] = ""
    return {path: text.encode() for path, text in found.items()}


def programs(condition: Condition) -> dict[tuple[str, ...], bytes]:
    """What the programs of the system print, by how they are called."""
    return {("/usr/bin/getstatus",): KYSEC} if condition.system == "kylin10" else {}
