"""muster-agent status: for the person at the PC, what was last sent, what the server said, and what to fix here."""

from __future__ import annotations

import argparse
import os
import time

from muster_agent.commands.failure import Failure
from muster_agent.screen import GAP, terminal_width
from muster_agent.sending import notice
from muster_agent.sending.judged import Judged, Open
from muster_agent.sending.notice import Notice, Unreadable
from muster_agent.sending.places import default_home, system_home
from muster_agent.text import cells, inert, padded, wrapped
from muster_agent.words import Words

# reports.md §2.5: nothing to fix; something to fix; not all is known; nothing to trust.
CLEAN, TO_FIX, INCOMPLETE, NOTHING = 0, 1, 3, 5
SILENT_AFTER = 7  # days without a report after which the server counts a PC as silent, unless the office says otherwise
DAY = 24 * 60 * 60  # seconds
CLOCK_FAULT = 120  # seconds: more than the way of a report and two good clocks explain (security.md §2.4)


def add_arguments(parser: argparse.ArgumentParser, words: Words) -> None:
    """What the command takes."""
    parser.add_argument("--home", metavar="DIR", default=None, help=words("status.home"))


def seconds(moment: str) -> int | None:
    """A moment of a report or a receipt as seconds since 1970, or None when it is none."""
    import calendar  # every start of the agent would wait for it otherwise

    try:
        return calendar.timegm(time.strptime(moment[:19], "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return None


def local(moment: str, form: str = "%Y-%m-%d %H:%M") -> str:
    """A moment as the clock on the PC's wall shows it; what is none is shown as it is."""
    known = seconds(moment)
    return inert(moment) if known is None else time.strftime(form, time.localtime(known))


def days_left(moment: str, now: float) -> int | None:
    """Calendar days until a deadline, negative when it is past: it is a day, not an hour, as on the server."""
    from datetime import date

    known = seconds(moment)
    if known is None:
        return None
    due, today = time.localtime(known), time.localtime(now)
    return (date(*due[:3]) - date(*today[:3])).days


def days_since(moment: str, now: float) -> int | None:
    """Whole days since a moment."""
    known = seconds(moment)
    return None if known is None else int((now - known) // DAY)


def exit_code(found: Notice, now: float) -> int:
    """What a program is told. Nothing that is not known for certain counts as clean."""
    if found.code is not None or found.sent is None or found.judged is None or found.judged.unknown:
        return INCOMPLETE
    age = days_since(found.sent.received_at, now)
    if age is None or age > SILENT_AFTER:
        return INCOMPLETE
    return TO_FIX if found.judged.count else CLEAN


class Status:
    """Puts a notice into words."""

    def __init__(self, words: Words, width: int, now: float) -> None:
        self.words = words
        self.width = width
        self.now = now

    def lines(self, found: Notice) -> list[str]:
        """All that is printed."""
        lines = [self.words("status.title")]
        if found.server is not None:
            lines += self.entry("status.server", inert(found.server))
            lines += self.entry("status.unit", inert(found.unit or ""))
        lines += self.entry("status.ran", self.ran(found))
        if found.code is not None and self.words.has(f"failure.{found.code}.advice"):
            lines += wrapped(GAP * 2 + self.words(f"failure.{found.code}.advice"), self.width, GAP * 2)
        lines += self.entry("status.sent", self.sent(found))
        if found.clock is not None and abs(found.clock) > CLOCK_FAULT:
            lines += self.entry("status.clock", self.clock(found.clock))
        if found.waiting:
            lines += self.entry("status.waiting", self.words("status.reports", count=found.waiting))
        if found.refused:
            lines += self.entry("status.refused", self.words("status.kept", count=found.refused))
        if found.awaiting:
            lines += self.entry("status.awaiting", self.words("status.awaited"))
        return [*lines, "", *self.judged(found)]

    def entry(self, label: str, text: str) -> list[str]:
        """One line of the list at the top."""
        names = ("server", "unit", "ran", "sent", "clock", "waiting", "refused", "awaiting")
        room = max(cells(self.words("status." + name)) for name in names)
        start = GAP + padded(self.words(label), room) + GAP
        return wrapped(start + text, self.width, " " * cells(start))

    def ran(self, found: Notice) -> str:
        """When the agent last ran, and whether that went well."""
        if found.code is None:
            return self.words("status.ran.well", moment=local(found.ran_at))
        key = "failure." + found.code
        why = self.words(key) if self.words.has(key) else inert(found.code)
        if found.detail:
            why += f" ({inert(found.detail)})"
        return self.words("status.ran.badly", moment=local(found.ran_at), why=why)

    def sent(self, found: Notice) -> str:
        """The last report that arrived."""
        if found.sent is None:
            return self.words("status.sent.never")
        one = found.sent
        said = self.words(
            "status.sent.last",
            seq=one.seq,
            collected=local(one.collected_at),
            size=f"{one.size:,}",
            received=local(one.received_at),
        )
        age = days_since(one.received_at, self.now)
        if age is not None and age > SILENT_AFTER:
            said += self.words("status.sent.old", days=age)
        return said

    def clock(self, ahead: int) -> str:
        """How far this PC's clock is off, by the server's word: seconds the server's is ahead."""
        size = abs(ahead)
        unit, length = next(one for one in (("days", DAY), ("hours", 3600), ("minutes", 60)) if size >= one[1])
        amount = self.words("status.amount." + unit, count=f"{size // length:,}")
        return self.words("status.clock.behind" if ahead > 0 else "status.clock.ahead", amount=amount)

    def judged(self, found: Notice) -> list[str]:
        """What the server made of it."""
        one = found.judged
        if one is None:
            return wrapped(self.words("status.not_judged"), self.width, GAP)
        lines = wrapped(self.heading(one), self.width, GAP)
        for number, finding in enumerate(one.open, 1):
            lines += self.finding(number, finding)
        if one.count > len(one.open):
            lines.append(GAP + self.words("status.more", count=one.count - len(one.open)))
        if one.unknown:
            lines += [""] if one.open else []
            lines += wrapped(self.words("status.unknown", count=one.unknown), self.width, GAP)
        if found.sent is not None and one.as_of[:19] < found.sent.received_at[:19]:
            lines += ["", *wrapped(self.words("status.before", moment=local(one.as_of)), self.width, GAP)]
        return lines

    def heading(self, one: Judged) -> str:
        """How many things there are to fix. "Nothing" is not said while something could not be told."""
        if one.count:
            return self.words("status.to_fix", count=one.count)
        return self.words("status.nothing_known" if one.unknown else "status.nothing")

    def finding(self, number: int, one: Open) -> list[str]:
        """What is wrong, until when, and what to do."""
        start = f"{GAP}{number}. "
        indent = " " * len(start)
        lang = self.words.lang
        lines = wrapped(f"{start}{inert(one.rule)} {inert(one.title[lang])}", self.width, indent)
        lines += wrapped(indent + inert(one.fix[lang]), self.width, indent)
        days = days_left(one.due, self.now)
        left = "" if days is None else self.words("status.left" if days >= 0 else "status.overdue", days=abs(days))
        severity = self.words("status.severity." + one.severity)
        said = self.words("status.due", severity=severity, due=local(one.due, "%Y-%m-%d"), left=left)
        return [*lines, *wrapped(indent + said, self.width, indent)]


def found_in(home: str | None) -> Notice | None:
    """The notice of the folder that was named, else of the agent the system runs, else of this user's own."""
    named = home or os.environ.get("MUSTER_AGENT_HOME")
    for folder in (named,) if named else (system_home(), default_home()):
        found = notice.read(folder)
        if found is not None:
            return found
    return None


def main(arguments: argparse.Namespace, words: Words) -> int:
    """Run the command."""
    try:
        found = found_in(arguments.home)
    except Unreadable as error:
        return Failure(error.code, error.detail, NOTHING).show(words)
    if found is None:
        return Failure("never_ran", "", NOTHING).show(words)
    now = time.time()
    print("\n".join(Status(words, terminal_width(), now).lines(found)))
    return exit_code(found, now)
