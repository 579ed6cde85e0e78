"""What a run does about who this PC is: a copied disk is noticed, a key is changed."""

from __future__ import annotations

import contextlib
import time
from typing import Any, Callable

from muster_agent.machine import Machine
from muster_agent.sending import fingerprint
from muster_agent.sending.home import Enrolment, Home
from muster_agent.words import Words


def another_machine(home: Home, machine: Machine) -> list[str]:
    """What says that this is not the machine that enrolled (its disk was copied, or put into another one); empty when
    it is. What a repair has changed is remembered.

    The identity stays where it is until the PC has another: a disk that returns to its machine is itself again.
    """
    if not home.key.exists():
        return []
    now = fingerprint.read(machine)
    different = fingerprint.differing(fingerprint.load(home), now)
    if not different:
        with contextlib.suppress(OSError):  # a full disk; the next run tries again
            fingerprint.remember(home, now)
    return different


def told(different: list[str], words: Words) -> str:
    """What differs, in words."""
    return words("check.and").join(words("identity." + name) for name in different)


def new_key(home: Home, enrolment: Enrolment, asked: bool, words: Words, say: Callable[[str], Any] = print) -> None:
    """Change this PC's key if the server asked for it, if it is a year old, or if a change was begun. Call it when no
    report waits: those that the old key signed should have gone with it."""
    from muster_agent.sending import rotation  # needs cryptography; --help must do without

    if not (asked or rotation.begun(home) or rotation.due(home, time.time())):
        return
    try:
        outcome = rotation.change(home, enrolment)
    except OSError as error:
        outcome = rotation.Outcome("no_space", f"{error.filename}: {error.strerror}")
    if outcome.code is None:
        say(words("identity.changed"))
        return
    why = words("failure." + outcome.code) + (f" ({outcome.detail})" if outcome.detail else "")
    say(words("identity.not_changed", why=why))


def known_again(home: Home, enrolment: Enrolment, code: str) -> bool:
    """Whether a server that did not know this PC's key (``not_enrolled``), or refused it (``revoked``), takes it now.

    A change of the key had not come to its end, or the server was restored from a backup older than the last change.
    """
    from muster_agent.sending import rotation

    try:
        if rotation.begun(home):
            outcome: rotation.Outcome | None = rotation.change(home, enrolment)
        else:
            outcome = rotation.remind(home, enrolment) if code == "not_enrolled" else None
    except OSError:
        return False
    return outcome is not None and outcome.code is None
