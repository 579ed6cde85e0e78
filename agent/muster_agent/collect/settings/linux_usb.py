"""Whether USB sticks can be used, as far as the kernel's modules and udev decide.

``blacklist usb-storage`` alone is no bar: uas, the module of faster sticks, brings usb-storage with it.
"""

from __future__ import annotations

import re

from muster_agent.machine import CannotRead, Machine
from muster_agent.system import container

MODPROBE = ("/etc/modprobe.d", "/run/modprobe.d", "/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d")
RULES = ("/etc/udev/rules.d", "/run/udev/rules.d")
NOTHING = ("/bin/true", "/bin/false", "/usr/bin/true", "/usr/bin/false", "/sbin/nologin", ":")
LOADED = "/sys/module/usb_storage"
# A rule that lets devices of a kind not be used: it may have exceptions, so what it comes to is not known.
FORBIDS = re.compile(
    r"""ATTR\{authorized(?:_default)?\}\s*=\s*"0"|ENV\{UDISKS_IGNORE\}\s*=\s*"1".*usb|usb.*UDISKS_IGNORE"""
)


def _modprobe(machine: Machine) -> tuple[set[str], set[str]]:
    """(modules that are not loaded for a device, modules that are never loaded), names with hyphens."""
    blacklisted: set[str] = set()
    never: set[str] = set()
    seen: set[str] = set()
    for folder in MODPROBE:
        for name in machine.names(folder):
            if not name.endswith(".conf") or name in seen:
                continue
            seen.add(name)  # modprobe.d(5): one in an earlier folder hides it
            for line in machine.text(f"{folder}/{name}").split("\n"):
                words = line.partition("#")[0].split()
                if len(words) >= 2 and words[0] == "blacklist":
                    blacklisted.add(words[1].replace("_", "-"))
                elif len(words) >= 3 and words[0] == "install" and words[2] in NOTHING:
                    never.add(words[1].replace("_", "-"))
    return blacklisted, never


def usb_storage(machine: Machine) -> tuple[bool]:
    """Whether the system itself lets sticks be used. Raises :class:`CannotRead` where a rule decides by device."""
    if container.inside(machine):
        raise CannotRead("container", "usb-storage", "unsupported")
    for folder in RULES:
        for name in machine.names(folder):
            if name.endswith(".rules") and FORBIDS.search(machine.text(f"{folder}/{name}")):
                raise CannotRead("usb_rule", f"{folder}/{name}", "unsupported")
    if machine.exists("/usr/sbin/usbguard-daemon"):
        raise CannotRead("usb_rule", "/usr/sbin/usbguard-daemon", "unsupported")
    if machine.exists(LOADED):
        return (True,)
    blacklisted, never = _modprobe(machine)
    return ("usb-storage" not in never and not {"usb-storage", "uas"} <= blacklisted | never,)
