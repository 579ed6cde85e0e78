"""What launchctl prints (launchctl(1)): the jobs that are loaded, and those that are switched on or off by hand."""

from __future__ import annotations

import re

from muster_agent.machine import CannotRead, Machine, program_failed

LAUNCHCTL = "/bin/launchctl"
LISTED = re.compile(r"^(?P<pid>-|[0-9]{1,10})\s+(?P<status>-?[0-9]{1,10}|-)\s+(?P<label>\S.*)$")
# "com.openssh.sshd" => enabled; before macOS 12: "com.openssh.sshd" => false, which means not disabled.
OVERRIDE = re.compile(r'^\s*"(?P<label>[^"]+)" => (?P<state>enabled|disabled|true|false)\s*$')


def listed(said: str) -> dict[str, bool]:
    """Of every loaded job whether it runs, in what ``launchctl list`` prints."""
    lines = [line for line in said.split("\n") if line.strip()]
    if not lines or lines[0].split() != ["PID", "Status", "Label"]:
        raise CannotRead("not_understood", "launchctl list")
    found = {}
    for line in lines[1:]:
        match = LISTED.match(line.rstrip())
        if match is None:
            raise CannotRead("not_understood", f"launchctl list: {line.strip()[:80]}")
        found[match.group("label")] = match.group("pid") != "-"
    return found


def overrides(said: str) -> dict[str, bool]:
    """Of every job that was switched by hand whether it is disabled, in what ``launchctl print-disabled`` prints."""
    if "disabled services = {" not in said:
        raise CannotRead("not_understood", "launchctl print-disabled")
    found = {}
    for line in said.split("\n"):
        match = OVERRIDE.match(line)
        if match is not None:
            found[match.group("label")] = match.group("state") in ("disabled", "true")
        elif "=>" in line:
            raise CannotRead("not_understood", f"launchctl print-disabled: {line.strip()[:80]}")
    return found


def _run(machine: Machine, *arguments: str) -> str:
    argv = [LAUNCHCTL, *arguments]
    output = machine.run(argv)
    if output.status != 0:
        raise program_failed(argv, output.status, output.stderr)
    return output.stdout.decode("utf-8", "replace")


def running(machine: Machine) -> dict[str, bool]:
    """Of every job of the system whether it runs. Only root is shown the system's; anybody else their own session."""
    if not machine.privileged():
        raise CannotRead("denied", "launchctl list", "denied")
    return listed(_run(machine, "list"))


def disabled(machine: Machine) -> dict[str, bool]:
    """Of every job that was switched by hand whether it is disabled."""
    return overrides(_run(machine, "print-disabled", "system"))
