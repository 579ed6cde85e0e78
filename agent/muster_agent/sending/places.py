"""Where the agent's things are on each system: its own folder, and the settings that IT laid down with it."""

from __future__ import annotations

import os
import sys
from typing import Mapping

LINUX_HOME = "/var/lib/muster-agent"
LINUX_CONF = "/etc/muster-agent/agent.conf"
DARWIN_HOME = "/Library/Application Support/Muster"
CONF = "agent.conf"


def administrator() -> bool:
    """Whether the agent runs with the rights of the system: root, or an administrator or SYSTEM on Windows."""
    if hasattr(os, "geteuid"):
        return os.geteuid() == 0
    import ctypes

    return bool(ctypes.windll.shell32.IsUserAnAdmin())  # type: ignore[attr-defined, unused-ignore]


def system_home(environment: Mapping[str, str] = os.environ, system: str = sys.platform) -> str:
    """The folder of the agent that the system runs, whoever asks."""
    if system == "win32":
        return environment.get("ProgramData", "C:\\ProgramData") + "\\Muster"
    return DARWIN_HOME if system == "darwin" else LINUX_HOME


def default_home(environment: Mapping[str, str] = os.environ, system: str = sys.platform) -> str:
    """MUSTER_AGENT_HOME, else the system's folder for an administrator, else one in the user's own state."""
    if environment.get("MUSTER_AGENT_HOME"):
        return environment["MUSTER_AGENT_HOME"]
    if administrator():
        return system_home(environment, system)
    if system == "win32":
        return environment.get("LOCALAPPDATA", os.path.expanduser("~")) + "\\Muster"
    state = environment.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    return os.path.join(state, "muster-agent")


def conf_of(home: str, system: str = sys.platform) -> str:
    """The settings that belong to the agent's folder ``home``: in it, but on Linux the system's are under /etc."""
    if system not in ("win32", "darwin") and os.path.abspath(home) == LINUX_HOME:
        return LINUX_CONF
    return os.path.join(home, CONF)
