r"""A profile of Windows's own firewall as it is configured: the group policy first, then the device management's
policy (Intune), then the PC itself.

Both policies keep their values in the same form: EnableFirewall, DefaultInboundAction (0 allows, 1 blocks) and
DoNotAllowExceptions (1 blocks even what a rule allows); see [MS-GPFAS] and [MS-FASP] §2.2.38.
"""

from __future__ import annotations

from muster_agent.dataclass import dataclass
from muster_agent.machine import CannotRead, Machine
from muster_agent.system.registry_setting import number, place, switch

GROUP = r"HKLM\SOFTWARE\Policies\Microsoft\WindowsFirewall"
OWN = r"HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy"
DEVICE = OWN + r"\Mdm"
# Profile: its key in the group policy, and in the other two places, where private still has the name of Windows XP.
PROFILES = {
    "domain": ("DomainProfile", "DomainProfile"),
    "private": ("PrivateProfile", "StandardProfile"),
    "public": ("PublicProfile", "PublicProfile"),
}
# The policy for Windows XP, which later versions apply to whatever is not the domain. Nobody documents how exactly.
FORMER = GROUP + r"\StandardProfile"


@dataclass(frozen=True)
class Configured:
    """How a profile is set, whether or not the firewall runs."""

    enabled: bool
    blocks: bool  # a connection no rule speaks of
    source: str  # whose value decided that it is enabled: group policy, device policy, registry


def _value(machine: Machine, profile: str, name: str) -> tuple[int | None, str]:
    """The value in force and where it stands. Raises :class:`CannotRead` where it is not known which one is."""
    in_group, elsewhere = PROFILES[profile]
    group = number(machine, f"{GROUP}\\{in_group}", name)
    device = number(machine, f"{DEVICE}\\{elsewhere}", name)
    if None not in (group, device) and group != device:
        raise CannotRead("policies_differ", place(f"{DEVICE}\\{elsewhere}", name))
    if group is not None:
        return group, "group policy"
    if device is not None:
        return device, "device policy"
    own = number(machine, f"{OWN}\\{elsewhere}", name)
    if profile != "domain":
        former = number(machine, FORMER, name)
        if former not in (None, own):
            raise CannotRead("policies_differ", place(FORMER, name))
    return own, "registry"


def configured(machine: Machine, profile: str) -> Configured:
    """How ``profile`` (domain, private, public) is set.

    An absent EnableFirewall is unknown. An absent DefaultInboundAction blocks: setup does not write the value, and that
    is the documented default since Windows Vista (INetFwPolicy2).
    """
    enabled, source = _value(machine, profile, "EnableFirewall")
    if enabled is None:
        raise CannotRead("setting_absent", place(f"{OWN}\\{PROFILES[profile][1]}", "EnableFirewall"))
    shielded, _ = _value(machine, profile, "DoNotAllowExceptions")
    action, _ = _value(machine, profile, "DefaultInboundAction")
    return Configured(
        enabled=switch(enabled, "EnableFirewall"),
        blocks=shielded == 1 or action is None or switch(action, "DefaultInboundAction"),
        source=source,
    )
