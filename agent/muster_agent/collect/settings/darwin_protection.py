"""What protects macOS itself (Gatekeeper, System Integrity Protection, secure boot), and how far its log reaches."""

from __future__ import annotations

import re

from muster_agent.collect.settings.weeks import next_monday
from muster_agent.machine import CannotRead, Machine, NotFound, program_failed

SPCTL = ["/usr/sbin/spctl", "--status"]
NVRAM = ["/usr/sbin/nvram", "94b73556-2197-4702-82a8-3e1337dafbfb:AppleSecureBootPolicy"]
POLICY = re.compile(r"AppleSecureBootPolicy\s+%([0-9]{2})")
OFF, FULL = "00", ("01", "02")  # 01 is Apple's medium security: signed systems of any age
LOGS = "/var/log"
# install.log is kept for years and says nothing of what happened on the Mac.
OF_SYSTEM = re.compile(r"^system\.log(\.[0-9]+)?(\.gz|\.bz2)?$")


def gatekeeper(machine: Machine) -> tuple[bool]:
    """Whether Gatekeeper is on: what its own program says, which needs no right."""
    output = machine.run(SPCTL)
    said = output.stdout + output.stderr
    if b"assessments enabled" in said:
        return (True,)
    if b"assessments disabled" in said:
        return (False,)
    if output.status != 0:
        raise program_failed(SPCTL, output.status, output.stderr)
    raise CannotRead("not_understood", " ".join(SPCTL))


def integrity(machine: Machine) -> tuple[bool]:
    """Whether System Integrity Protection is whole: no bit allows anything (osquery, sip_config)."""
    config = machine.api("csr_get_active_config")
    if isinstance(config, bool) or not isinstance(config, int):
        raise CannotRead("not_understood", "csr_get_active_config")
    return (config == 0,)


def secure_boot(machine: Machine) -> tuple[bool]:
    """Whether only signed systems start, on a Mac with a T2 chip. Apple silicon tells root alone, by another way."""
    if machine.uname().machine == "arm64":
        raise CannotRead("secure_boot_not_told", "Apple silicon", "unsupported")
    output = machine.run(NVRAM)
    found = POLICY.search(output.stdout.decode("utf-8", "replace"))
    if found is None:
        raise CannotRead("secure_boot_not_told", "nvram", "unsupported")
    if found.group(1) not in (OFF, *FULL):
        raise CannotRead("not_understood", found.group())
    return (found.group(1) in FULL,)


def oldest_log(machine: Machine) -> tuple[str]:
    """The Monday from which on there are logs: after the oldest file of the system's own was last written to."""
    moments = []
    for name in machine.listdir(LOGS):
        if OF_SYSTEM.match(name):
            moments.append(machine.stat(f"{LOGS}/{name}").mtime)
    if not moments:
        raise NotFound(f"{LOGS}/system.log")
    return (next_monday(min(moments)),)
