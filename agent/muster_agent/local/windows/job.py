"""A job object: what holds a child process and everything it starts, so that all of it can be ended (winnt.h)."""

from __future__ import annotations

import contextlib
import ctypes
from ctypes import c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p

from muster_agent.local.windows.libraries import function
from muster_agent.machine import CannotRead

EXTENDED_LIMITS = 9  # JobObjectExtendedLimitInformation
KILL_ON_CLOSE = 0x2000  # JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE: nothing outlives the agent, however that ends


class ExtendedLimits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION, the structures in it spelt out."""

    _fields_ = [  # ctypes wants a list
        ("process_time", c_int64),
        ("job_time", c_int64),
        ("flags", c_uint32),
        ("least_working_set", c_size_t),
        ("most_working_set", c_size_t),
        ("active_processes", c_uint32),
        ("affinity", c_size_t),
        ("priority", c_uint32),
        ("scheduling", c_uint32),
        ("io_counters", c_uint64 * 6),
        ("memory", c_size_t * 4),
    ]


class Job:
    """A job with one process in it."""

    def __init__(self, process: int) -> None:
        """Take in the process with the handle ``process``, which has just been started.

        What it starts from now on is in the job. To start it suspended until then would leave no moment out, but is
        what malware does with PowerShell, and security programs end it; a program of Windows needs some milliseconds
        before it could start anything.

        Before Windows 8 a process is in one job at most, and the task scheduler has put the agent into one already.
        There the process stays outside, and :meth:`end` ends it alone.
        """
        self._process = process
        self._handle: int | None = None
        with contextlib.suppress(CannotRead):
            self._handle = function("kernel32", "CreateJobObjectW", c_void_p, c_void_p, c_void_p)(None, None)
            if self._handle and not self._take_in():
                self.close()

    def _take_in(self) -> bool:
        limits = ExtendedLimits(flags=KILL_ON_CLOSE)
        set_limits = function("kernel32", "SetInformationJobObject", c_int32, c_void_p, c_uint32, c_void_p, c_uint32)
        assign = function("kernel32", "AssignProcessToJobObject", c_int32, c_void_p, c_void_p)
        size = ctypes.sizeof(limits)
        return bool(
            set_limits(self._handle, EXTENDED_LIMITS, ctypes.byref(limits), size)
            and assign(self._handle, self._process)
        )

    def end(self) -> None:
        """End everything in the job, or the process alone where there is none."""
        if self._handle:
            function("kernel32", "TerminateJobObject", c_int32, c_void_p, c_uint32)(self._handle, 1)
            self.close()
        else:
            function("kernel32", "TerminateProcess", c_int32, c_void_p, c_uint32)(self._process, 1)

    def close(self) -> None:
        """Give the job back; whatever is still in it ends."""
        handle, self._handle = self._handle, None
        if handle:
            function("kernel32", "CloseHandle", c_int32, c_void_p)(handle)
