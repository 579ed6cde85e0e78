"""Whether this is a container: its kernel, and the disks that kernel shows, are those of a host."""

from __future__ import annotations

from muster_agent.machine import Machine

# Docker, Podman, and whatever follows systemd's container interface (LXC, nspawn).
MARKS = ("/.dockerenv", "/run/.containerenv", "/run/systemd/container")


def inside(machine: Machine) -> bool:
    """Whether the agent runs in a container. Raises :class:`CannotRead` when a folder may not be searched."""
    return any(machine.exists(mark) for mark in MARKS)
