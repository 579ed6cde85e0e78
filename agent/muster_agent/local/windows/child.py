"""A program started on Windows: no window, the system's environment and not the caller's, ended with all it started."""

from __future__ import annotations

import contextlib
import ntpath
import os
import queue
import subprocess
import threading
import time
from typing import Any

from muster_agent.local.child import PIECE, Child
from muster_agent.local.windows.job import Job
from muster_agent.local.windows.libraries import system_folder, windows_folder

CREATE_NO_WINDOW = 0x08000000
WAITING = 16  # pieces read and not yet taken: one that prints for ever waits, and floods nothing
LAST_MOMENT = 1.0  # seconds for the readers to notice that the program is gone


class Pumped:
    """The two streams of a program, each read by a thread: Windows cannot wait for two pipes at once."""

    turns_after_end = 20  # two seconds: what the program wrote has still to come through a thread that waits its turn

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._pieces: queue.Queue[tuple[bool, bytes]] = queue.Queue(WAITING)
        self._open = 2
        self._threads = [
            threading.Thread(target=self._pump, args=(stream, stream is process.stderr), daemon=True)
            for stream in (process.stdout, process.stderr)
        ]
        for thread in self._threads:
            thread.start()

    def _pump(self, stream: Any, complains: bool) -> None:
        # It is this thread that closes the stream: closing what another thread reads waits for that read for ever.
        with stream:
            while True:
                try:
                    piece = os.read(stream.fileno(), PIECE)
                except OSError:  # the pipe is broken: its other end is gone
                    piece = b""
                self._pieces.put((complains, piece))
                if not piece:
                    return

    def open(self) -> bool:
        """Whether one of them may still bring something."""
        return self._open > 0

    def ready(self, seconds: float) -> list[tuple[bool, bytes]]:
        """What came within ``seconds``: (whether it is a complaint, the bytes). An empty piece ends its stream."""
        try:
            complains, piece = self._pieces.get(timeout=seconds)
        except queue.Empty:
            return []
        if not piece:
            self._open -= 1
        return [(complains, piece)]

    def close(self) -> None:
        """Nothing to give back before the program has ended."""

    def finish(self) -> None:
        """Let the threads end, once the program has. One that something outside the job keeps reading is left alone."""
        deadline = time.monotonic() + LAST_MOMENT
        while any(thread.is_alive() for thread in self._threads) and time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                self._pieces.get(timeout=0.02)


def environment(windows: str, system: str) -> dict[str, str]:
    r"""What a program of Windows needs to know, and nothing a user could have put there.

    ``windows`` and ``system`` are C:\Windows and C:\Windows\System32. PSModulePath: PowerShell loads what a command
    needs from these folders by itself, so a user's own must not be among them.
    """
    powershell = ntpath.join(system, "WindowsPowerShell", "v1.0")
    drive = ntpath.splitdrive(windows)[0]
    return {
        "SystemRoot": windows,
        "windir": windows,
        "SystemDrive": drive,
        "ProgramData": drive + "\\ProgramData",
        "ALLUSERSPROFILE": drive + "\\ProgramData",
        "PATH": ";".join((system, windows, ntpath.join(system, "wbem"), powershell)),
        "PATHEXT": ".COM;.EXE",
        "TEMP": ntpath.join(windows, "Temp"),
        "TMP": ntpath.join(windows, "Temp"),
        "PSModulePath": ntpath.join(powershell, "Modules"),
    }


class WindowsChild(Child):
    """A running program of Windows."""

    patience = 5.0  # a driver may hold on to a process that was ended
    _pumped: Pumped | None = None

    def _start(self) -> subprocess.Popen[bytes]:
        system = system_folder()
        process = subprocess.Popen(  # noqa: S603  # no shell, absolute path, clean environment
            self.argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(windows_folder(), system),
            cwd=system,
            creationflags=CREATE_NO_WINDOW,
        )
        self._job = Job(int(process._handle))  # type: ignore[attr-defined, unused-ignore]
        return process

    def _streams(self) -> Pumped:
        self._pumped = Pumped(self._process)
        return self._pumped

    def _kill(self) -> None:
        self._job.end()

    def _release(self) -> None:
        # Where output was never asked for, no thread has taken the streams.
        if self._pumped is None:
            super()._release()
        else:
            self._pumped.finish()
