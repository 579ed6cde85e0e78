"""Errors come back to the agent, and not as a window that waits for somebody to close it."""

from __future__ import annotations

from ctypes import c_uint32

from muster_agent.local.windows.libraries import function

# SEM_FAILCRITICALERRORS: no "there is no disk in the drive"; SEM_NOGPFAULTERRORBOX: no report of a program that broke;
# SEM_NOOPENFILEERRORBOX. What the agent starts inherits them.
QUIET = 0x0001 | 0x0002 | 0x8000


def be_quiet() -> None:
    """Set it for this process."""
    before = function("kernel32", "GetErrorMode", c_uint32)()
    function("kernel32", "SetErrorMode", c_uint32, c_uint32)(before | QUIET)
