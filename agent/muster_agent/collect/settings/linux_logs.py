"""The logs of a Linux PC: whether security events are recorded, how much of them is kept, and how long."""

from __future__ import annotations

import re

from muster_agent.collect.settings.linux_service import runs
from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system import container, journald, logrotate

AUDITD = "/etc/audit/auditd.conf"  # 0640 root
AUDITD_PROGRAMS = ("/usr/sbin/auditd", "/sbin/auditd")
SYSLOGS = ("/usr/sbin/rsyslogd", "/usr/sbin/syslog-ng", "/sbin/syslog-ng", "/usr/sbin/syslogd")
# The logs of logins and of the system as the families of Linux name them.
LOGS = ("/var/log/auth.log", "/var/log/secure", "/var/log/messages", "/var/log/syslog")
CONF = ("/etc/logrotate.conf", "/usr/etc/logrotate.conf")
NUMBER = re.compile(r"[0-9]{1,9}\Z")
MEGABYTE = 1024 * 1024
DAY = 24 * 60 * 60


def _has_auditd(machine: Machine) -> bool:
    return any(machine.exists(program) for program in AUDITD_PROGRAMS)


def audit(machine: Machine) -> tuple[bool]:
    """Whether auditd runs."""
    return (_has_auditd(machine) and runs(machine, ("auditd",), "auditd"),)


def max_size(machine: Machine) -> tuple[int | None]:
    """Bytes of the security log: auditd's files where it is installed, else the journal where a size is set. Null
    when time alone decides, or the size of the disk does."""
    if _has_auditd(machine):
        return (_auditd_size(machine),)
    if container.inside(machine):
        raise CannotRead("container", "journald", "unsupported")
    said = journald.settings(machine).get("SystemMaxUse", "")
    if not said:
        if any(machine.exists(program) for program in SYSLOGS):
            return (None,)  # text files, which logrotate sets aside by time
        raise CannotRead("log_size_by_disk", "SystemMaxUse", "unsupported")
    return (journald.size(said),)


def _auditd_size(machine: Machine) -> int | None:
    said = {"max_log_file": "8", "num_logs": "0", "max_log_file_action": "ignore"}  # auditd.conf(5)
    for line in machine.text(AUDITD).split("\n"):
        name, equals, value = line.partition("#")[0].partition("=")
        if equals:
            said[name.strip().lower()] = value.strip()
    if not NUMBER.match(said["max_log_file"]) or not NUMBER.match(said["num_logs"]):
        raise CannotRead("not_understood", AUDITD)
    if said["max_log_file_action"].lower() != "rotate" or int(said["num_logs"]) < 2:
        return None  # nothing is overwritten
    return int(said["max_log_file"]) * int(said["num_logs"]) * MEGABYTE


def _rotation(machine: Machine) -> logrotate.Logrotate | None:
    def include(path: str) -> list[str]:
        try:
            names = machine.listdir(path)
        except NotFound:  # a file, or nothing
            return [machine.text(path)] if machine.exists(path) else []
        return [machine.text(f"{path}/{name}") for name in names if not name.endswith(("~", ".rpmsave", ".dpkg-old"))]

    for path in CONF:
        try:
            return logrotate.parse(machine.text(path), include)
        except NotFound:
            continue
    return None


def retention(machine: Machine) -> tuple[int | None]:
    """Days the logs are kept: the shortest of the syslog files; where there is no syslog, the journal's."""
    if any(machine.exists(program) for program in SYSLOGS):
        rotation = _rotation(machine)
        there = [log for log in LOGS if machine.exists(log)]
        kept = [found.days() for found in map(rotation.of, there) if found] if rotation else []
        if not kept:
            raise CannotRead("log_never_rotated", ", ".join(there) or LOGS[0], "unsupported")
        return (None if None in kept else min(days for days in kept if days is not None),)
    if container.inside(machine):
        raise CannotRead("container", "journald", "unsupported")
    said = journald.settings(machine).get("MaxRetentionSec", "")
    seconds = journald.span(said) if said else 0
    return (seconds // DAY or None,)
