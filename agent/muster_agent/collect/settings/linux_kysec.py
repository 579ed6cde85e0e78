"""KYSEC, by which 银河麒麟 decides which programs may run: what its own getstatus says. It is asked on Kylin only."""

from __future__ import annotations

import re

from muster_agent.machine import CannotRead, Machine, NotFound
from muster_agent.system import osrelease, programs

KYSEC = ("/sys/kernel/security/kysec", "/etc/kysec")
# getstatus: "KySec status: enabled", "exec control : on". Blanks and case differ from version to version.
LINE = re.compile(r"(\S[^:：]{0,59})[:：]\s*(\S+)")
WHOLE = {"enabled": "enabled", "normal": "enabled", "softmode": "softmode", "soft": "softmode", "disabled": "disabled"}
WHOLE.update({"已启用": "enabled", "启用": "enabled", "正常": "enabled", "软模式": "softmode", "软化模式": "softmode"})
WHOLE.update({"禁用": "disabled", "已禁用": "disabled", "未启用": "disabled", "关闭": "disabled"})
EXEC = {
    "on": "on",
    "enforcing": "on",
    "warning": "warning",
    "off": "off",
    "开启": "on",
    "警告": "warning",
    "关闭": "off",
}
STATUS_NAMES = ("kysec status", "kysec 状态", "kysec状态")
EXEC_NAMES = ("exec control", "exectl", "执行控制")


def parse_getstatus(text: str) -> dict[str, str]:
    """What getstatus printed: names in lower case, and the first word of what stands behind each."""
    lines = (LINE.match(line.strip()) for line in text.replace("\r", "").split("\n"))
    return {line.group(1).strip().lower(): line.group(2).lower() for line in lines if line}


def _is_kylin(machine: Machine) -> bool:
    try:
        return "kylin" in " ".join(osrelease.family(machine))
    except NotFound:
        return False


def kysec(machine: Machine) -> tuple[str | None, str | None]:
    """(KYSEC as a whole, what it does with unknown programs); null on any system but Kylin, which is not asked."""
    if not _is_kylin(machine):
        return None, None
    try:
        said = parse_getstatus(programs.text(machine, "getstatus"))
    except NotFound:
        if any(machine.exists(mark) for mark in KYSEC):
            raise  # it is there, and nothing here can say in which state
        return None, None  # a Kylin without it, as some servers are
    status = next((said[name] for name in STATUS_NAMES if name in said), None)
    control = next((said[name] for name in EXEC_NAMES if name in said), None)
    if status not in WHOLE or (control is not None and control not in EXEC):
        raise CannotRead("not_understood", f"getstatus: {status} {control}"[:100])
    if WHOLE[status] == "disabled":
        return "disabled", "off"
    return WHOLE[status], EXEC[control] if control is not None else None
