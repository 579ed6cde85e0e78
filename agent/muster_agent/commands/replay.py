"""The machine a command looks at: this PC, or a recording of one (``check --from DIR``)."""

from __future__ import annotations

import os

from muster_agent.commands.failure import Failure
from muster_agent.local import LocalMachine
from muster_agent.machine import Machine

RECORDING = "recording.json"


def machine(folder: str | None) -> Machine:
    """This PC, or the one recorded in ``folder``. Raises :class:`Failure` when none of ours is there."""
    if folder is None:
        return LocalMachine()
    from muster_agent.recording import RecordedMachine
    from muster_agent.recording import file as recording_file  # a run on the PC itself does without

    path = os.path.join(folder, RECORDING)
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return RecordedMachine(recording_file.from_json(file.read()), forgiving=True)
    except OSError as error:
        raise Failure("no_recording", f"{path}: {error.strerror or error}") from error
    except recording_file.NotARecording as error:
        raise Failure("not_a_recording", f"{path}: {error}") from error
