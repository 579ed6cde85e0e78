"""A simulated PC: the files, processes and sockets that make the collectors see a :class:`Condition`."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from email.utils import format_datetime

from muster_agent.machine import Machine, Process, Uname
from muster_agent.recording import SimulatedMachine
from muster_server.demo import accounts, network, system
from muster_server.demo.condition import Condition

MIRROR = "mirror.invalid"  # RFC 2606: a name that never exists
LISTS = "/var/lib/apt/lists/"
# os-release; suite; name of the publisher; the publisher's suite of security updates, or None where updates come as one
SYSTEMS = {
    "debian11": ('ID=debian\nNAME="Debian GNU/Linux"\nVERSION_ID="11"\nVERSION="11 (bullseye)"', "bullseye", "Debian"),
    "debian12": ('ID=debian\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nVERSION="12 (bookworm)"', "bookworm", "Debian"),
    "debian13": ('ID=debian\nNAME="Debian GNU/Linux"\nVERSION_ID="13"\nVERSION="13 (trixie)"', "trixie", "Debian"),
    "ubuntu2404": (
        'ID=ubuntu\nID_LIKE=debian\nNAME="Ubuntu"\nVERSION_ID="24.04"\nVERSION="24.04.3 LTS (Noble Numbat)"',
        "noble",
        "Ubuntu",
    ),
    "uos20": ('ID=uos\nNAME="uos"\nVERSION_ID="20"\nVERSION="20"\nID_LIKE=debian', "eagle", "Uos"),
    "kylin10": (
        'ID=kylin\nNAME="Kylin"\nVERSION_ID="v10"\nVERSION="银河麒麟桌面操作系统V10 (SP1)"\n'
        "ID_LIKE=debian\nPROJECT_CODENAME=V10SP1\nKYLIN_RELEASE_ID=2303",
        "10.1",
        "Kylin",
    ),
}
KERNEL = "6.12.48+deb13-amd64"
OLD_KERNEL = "6.12.41+deb13-amd64"
PACKAGES = {
    "base-files": "13.8",
    "dpkg": "1.22.21",
    "libc6": "2.41-12",
    "openssl": "3.5.1-1",
    "curl": "8.14.1-2",
    "libxml2": "2.12.7+dfsg-2",
    "sudo": "1.9.16p2-3",
    "firefox-esr": "140.3.0esr-1",
    "libreoffice-writer": "4:25.2.3-2",
    f"linux-image-{KERNEL}": "6.12.48-1",
    f"linux-image-{OLD_KERNEL}": "6.12.41-1",
}
NEWER = {"openssl": "3.5.1-1+deb13u1", "libxml2": "2.12.7+dfsg-2+deb13u1", "curl": "8.14.1-2+deb13u1"}
ANTIVIRUS = ("clamav-daemon", "clamav-freshclam")


def machine(condition: Condition, name: str, now: datetime) -> Machine:
    """The PC ``name`` in that condition, as if it were ``now``."""
    faults = condition.faults
    files = {
        "/etc/os-release": SYSTEMS[condition.system][0].encode(),
        "/var/lib/dpkg/status": _packages(condition),
        "/proc/cpuinfo": b"processor\t: 0\nmodel name\t: Simulated CPU\nprocessor\t: 1\nmodel name\t: Simulated CPU\n",
        "/proc/meminfo": b"MemTotal:        8052736 kB\n",
        "/proc/stat": f"btime {int(now.timestamp()) // 86400 * 86400}\n".encode(),
        "/proc/sys/kernel/random/boot_id": _boot_id(name, now).encode(),
        "/proc/version": b"Linux version " + KERNEL.encode() + b" (Debian 6.12.48-1)\n",
        "/sys/class/dmi/id/sys_vendor": b"Muster\n",
        "/sys/class/dmi/id/product_name": b"Simulated PC\n",
        "/var/log/apt/history.log": _history(condition, now),
        **_apt(condition, now),
        **_antivirus(condition, now),
        **accounts.files(condition, now),
        **network.files(condition),
        **system.files(now),
    }
    if "restart_pending" in faults:
        files |= {"/run/reboot-required": b"*** System restart required ***\n", "/run/reboot-required.pkgs": b"libc6\n"}
    return SimulatedMachine(
        Uname("Linux", name, KERNEL, "x86_64"),
        files,
        processes=_processes(condition),
        sockets=network.sockets(condition),
        programs={**network.programs(condition), **system.programs(condition)},
    )


def _boot_id(name: str, now: datetime) -> str:
    made = hashlib.sha256(f"{name} {now:%Y-%m-%d}".encode()).hexdigest()
    return f"{made[:8]}-{made[8:12]}-4{made[13:16]}-8{made[17:20]}-{made[20:32]}"


def _paragraph(package: str, version: str, *more: str) -> str:
    return "\n".join([f"Package: {package}", *more, "Architecture: amd64", f"Version: {version}", ""])


def _packages(condition: Condition) -> bytes:
    faults = condition.faults
    installed = dict(PACKAGES)
    if "security_updates" not in faults:
        installed |= NEWER
    if "no_antivirus" not in faults:
        installed |= dict.fromkeys(ANTIVIRUS, "1.4.3+dfsg-1")
    if "not_automatic" not in faults:
        installed["unattended-upgrades"] = "2.12"
    remote = network.remote_control(condition)
    if remote is not None:
        installed[remote[0]] = remote[1]
    status = "Status: install ok installed"
    return "\n".join(_paragraph(name, version, status) for name, version in installed.items()).encode()


def _apt(condition: Condition, now: datetime) -> dict[str, bytes]:
    _, suite, publisher = SYSTEMS[condition.system]
    # To the day: an unchanged PC must say the same twice.
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    date = format_datetime(midnight - timedelta(days=40 if "old_metadata" in condition.faults else 1))
    suites = {suite: "", **({f"{suite}-security": "-Security"} if publisher != "Kylin" else {})}
    newest = dict(PACKAGES) if "old_metadata" in condition.faults else PACKAGES | NEWER
    files = {"/etc/apt/sources.list": b""}
    for name, label in suites.items():
        address = f"{MIRROR}/{publisher.lower()}{label.lower()}"
        files["/etc/apt/sources.list"] += f"deb https://{address} {name} main\n".encode()
        prefix = LISTS + address.replace("/", "_") + f"_dists_{name}_"
        head = {"Origin": publisher, "Label": publisher + label, "Suite": name, "Codename": name, "Date": date}
        files[prefix + "InRelease"] = "".join(f"{key}: {value}\n" for key, value in head.items()).encode()
        offered = newest if label or len(suites) == 1 else PACKAGES
        files[prefix + "main_binary-amd64_Packages"] = "\n".join(
            _paragraph(package, version) for package, version in offered.items()
        ).encode()
    if "not_automatic" not in condition.faults:
        files["/etc/systemd/system/timers.target.wants/apt-daily-upgrade.timer"] = b"[Timer]\n"
        files["/etc/apt/apt.conf.d/20auto-upgrades"] = (
            b'APT::Periodic::Update-Package-Lists "1";\nAPT::Periodic::Unattended-Upgrade "1";\n'
        )
    return files


def _history(condition: Condition, now: datetime) -> bytes:
    day = now - timedelta(days=75 if "old_metadata" in condition.faults else condition.number % 20)
    upgrade = "Upgrade: libc6:amd64 (2.41-11, 2.41-12)"
    return f"\nStart-Date: {day:%Y-%m-%d}  09:00:00\n{upgrade}\nEnd-Date: {day:%Y-%m-%d}  09:01:00\n".encode()


def _antivirus(condition: Condition, now: datetime) -> dict[str, bytes]:
    if "no_antivirus" in condition.faults:
        return {}
    # To the day, as signatures are built: an unchanged PC must say the same twice.
    days = 20 if "old_signatures" in condition.faults else 1
    built = int(now.timestamp()) // 86400 * 86400 - days * 86400
    header = f"ClamAV-VDB:built:27{built // 86400 % 1000:03}:2077000:90:0:0:simulated:{built}"
    return {"/var/lib/clamav/daily.cld": header.ljust(512).encode()}


def _processes(condition: Condition) -> tuple[Process, ...]:
    running = ["systemd"]
    if not condition.faults & {"no_antivirus", "antivirus_stopped"}:
        running.append("clamd")
        if "no_realtime" not in condition.faults:
            running.append("clamonacc")
    own = [Process(pid, name, f"/usr/sbin/{name}") for pid, name in enumerate(running, 1)]
    return (*own, *network.processes(condition))
