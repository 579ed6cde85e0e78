"""muster, with an audit hook that counts what would run code: from SIGUSR1 on, into the file named by MUSTER_AUDITED.

Events are those of the interpreter itself (PEP 578): nothing that runs code in this process goes round them.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

WATCHED = ("exec", "compile", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "subprocess.Popen")
WATCHED = (*WATCHED, "pickle.find_class", "marshal.loads", "ctypes.dlopen", "code.__new__", "pty.spawn", "import")

events: Counter[str] = Counter()
places: dict[str, str] = {}
armed = False


def hook(event: str, args: tuple[Any, ...]) -> None:
    """Count an event, and keep where the first of its kind came from."""
    if armed and event in WATCHED:
        what = f"{event} {args[0]!s:.60}" if event == "import" else event
        if event == "import" and args[0] in sys.modules:
            return
        events[what] += 1
        if what not in places:
            places[what] = "".join(traceback.format_stack(limit=16))


def arm(*_: object) -> None:
    """From here on."""
    global armed
    armed = True


def told(*_: object) -> None:
    """Write what was counted."""
    Path(os.environ["MUSTER_AUDITED"]).write_text(json.dumps({"events": events, "places": places}), "utf-8")


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, arm)
    signal.signal(signal.SIGUSR2, told)
    sys.addaudithook(hook)
    from muster_server.cli import main

    main()
