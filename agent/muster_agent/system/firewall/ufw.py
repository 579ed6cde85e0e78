"""ufw: its settings, which anybody may read, and what ``ufw status`` prints for root."""

from __future__ import annotations

import re

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead

SWITCH, DEFAULTS = "/etc/ufw/ufw.conf", "/etc/default/ufw"
CHAIN = "ufw-before-input"  # its way in, while its rules are loaded
SETTING = re.compile(r"^[ \t]*([A-Za-z_0-9]+)[ \t]*=[ \t]*(.*)$", re.MULTILINE)
INBOUND = {"drop": "block", "deny": "block", "reject": "block", "accept": "allow", "allow": "allow"}
# ufw speaks the language it is run in: English, Chinese (both scripts), German, French, Spanish.
STATUS = re.compile(r"^(?:Status|状态|狀態|État|Etat|Estado)[ \t]*[:：][ \t]*(\S.*)$", re.MULTILINE)
ACTIVE = ("active", "激活", "活跃", "活动", "啟用", "aktiv", "actif", "activo")
INACTIVE = ("inactive", "不活动", "未激活", "停用", "inaktiv", "inactif", "inactivo")
DEFAULT = re.compile(
    r"^(?:Default|默认|預設|Voreinstellung|Standard|Par défaut|Predeterminado)[ \t]*[:：][ \t]*([a-z]+) \(",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Status:
    """What ``ufw status`` says."""

    active: bool
    inbound: str | None  # allow or block; None when it was not asked to be verbose


def settings(text: str) -> dict[str, str]:
    """NAME=value of ufw.conf or default/ufw, which ufw reads line by line, the last one in force."""
    return {name: value.strip().strip("\"'") for name, value in SETTING.findall(text)}


def enabled(text: str) -> bool:
    """Whether ufw.conf switches it on (ufw/backend.py: yes in any case). Raises :class:`CannotRead` without a word."""
    value = settings(text).get("ENABLED", "").lower()
    if value not in ("yes", "no"):
        raise CannotRead("not_understood", f"{SWITCH}: ENABLED={value[:20]}")
    return value == "yes"


def inbound(text: str) -> str:
    """What default/ufw lets happen to what no rule speaks of. Raises :class:`CannotRead`."""
    value = settings(text).get("DEFAULT_INPUT_POLICY", "").lower()
    if value not in INBOUND:
        raise CannotRead("not_understood", f"{DEFAULTS}: DEFAULT_INPUT_POLICY={value[:20]}")
    return INBOUND[value]


def status(text: str) -> Status:
    """What ``ufw status`` (verbose, numbered) printed. Raises :class:`CannotRead`."""
    found = STATUS.search(text)
    word = found.group(1).strip().lower() if found else ""
    if word not in (*ACTIVE, *INACTIVE):
        raise CannotRead("not_understood", f"ufw: {text.strip()[:80]}")
    default = DEFAULT.search(text)
    policy = INBOUND.get(default.group(1)) if default else None
    return Status(word in ACTIVE, policy if word in ACTIVE else None)
