r"""SMB version 1 on Windows: whether its drivers are there, and whether they are let.

Windows 10 1709, Server 2019 and later come without the drivers srv (server) and mrxsmb10 (client), and removing the
feature takes their keys away. Where a driver is there, an absent SMB1 value means on ("Default: 1 = Enabled, no
registry key is created", Microsoft's instructions on SMBv1).
"""

from __future__ import annotations

from typing import Any

from muster_agent.machine import Machine
from muster_agent.system.registry_setting import DISABLED, SERVICES, number, start, switch

PARAMETERS = SERVICES + r"\LanmanServer\Parameters"


def _installed(machine: Machine, service: str, driver: str) -> bool:
    """Whether both the service and its driver for version 1 are there and not turned off."""
    return all(start(machine, name) not in (None, DISABLED) for name in (service, driver))


def server(machine: Machine) -> tuple[Any, ...]:
    """Whether files are offered by version 1."""
    if not _installed(machine, "LanmanServer", "srv"):
        return (False,)
    said = number(machine, PARAMETERS, "SMB1")
    return (said is None or switch(said, "SMB1"),)


def client(machine: Machine) -> tuple[Any, ...]:
    """Whether files of others are opened by version 1."""
    return (_installed(machine, "LanmanWorkstation", "mrxsmb10"),)
