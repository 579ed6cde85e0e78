"""How numbers, dates and changes are written: in one language and in the office's time zone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from muster_server.render.html.context import Segment, Share, When
from muster_server.render.inert import inert
from muster_server.tally import Rate
from muster_server.words import Words

MINUS = "\N{MINUS SIGN}"  # as wide as the plus sign, so that a column of changes lines up
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
GAP = 8  # thousandths of a bar left white between two pieces
THINNEST = 6  # thousandths: a single PC among thousands is still to be seen


class Notation:
    """Writes for one report. ``as_of`` gives the time zone of every moment."""

    def __init__(self, words: Words, as_of: datetime) -> None:
        self.words = words
        self.zone = as_of.tzinfo

    def number(self, number: int) -> str:
        """A count: 1,000 in English; in Chinese 1000, as GB/T 15835 allows."""
        return f"{number:,}" if self.words.lang == "en" else str(number)

    def counted(self, noun: str, number: int) -> str:
        """A count with its noun: "1 PC", "3 PCs", "3台"."""
        singular = f"month.count.{noun}.one"
        key = f"month.count.{noun}" if number != 1 else singular
        return self.words(key, n=self.number(number))

    def day(self, moment: datetime) -> When:
        """A day in a sentence: 24 Nov 2026, 2026年11月24日."""
        local = moment.astimezone(self.zone)
        if self.words.lang == "en":
            return When(f"{local.day} {MONTHS[local.month - 1]} {local.year}", local.date().isoformat())
        return When(f"{local.year}年{local.month}月{local.day}日", local.date().isoformat())

    def moment(self, moment: datetime) -> When:
        """A day and time in a sentence."""
        local = moment.astimezone(self.zone)
        return When(f"{self.day(moment).text} {local:%H:%M}", local.isoformat(timespec="minutes"))

    def table_day(self, moment: datetime) -> When:
        """A day in a table: ISO 8601 in both languages."""
        iso = moment.astimezone(self.zone).date().isoformat()
        return When(iso, iso)

    def table_moment(self, moment: datetime) -> When:
        """A day and time in a table."""
        local = moment.astimezone(self.zone)
        return When(f"{local:%Y-%m-%d %H:%M}", local.isoformat(timespec="minutes"))

    def month(self, name: str) -> str:
        """The month of the report: November 2026, 2026年11月."""
        first = date.fromisoformat(name + "-01")
        return self.words("month.named", year=first.year, month=self.words(f"month.name.{first.month}"))

    def offset(self, moment: datetime) -> str:
        """The time zone: UTC+08:00."""
        minutes = (moment.utcoffset() or timedelta()) // timedelta(minutes=1)
        return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"

    def days(self, span: timedelta) -> str:
        """A threshold: 7 days, or hours when it is not whole days."""
        if span % timedelta(days=1):
            return self.counted("hours", span // timedelta(hours=1))
        return self.counted("days", span // timedelta(days=1))

    def signed(self, number: int) -> str:
        """A change of a count: +3, −3, ±0."""
        return sign(number) + self.number(abs(number))

    def share(self, rate: Rate, before: Rate | None = None) -> Share:
        """A rate, with its change since ``before`` where both have a percentage."""
        points = None if before is None else rate.points(before)
        change = "" if points is None else f"{sign(points)}{abs(points) // 10}.{abs(points) % 10}"
        return Share(rate.percent(), rate.n, rate.of, change)

    def joined(self, parts: Sequence[str]) -> str:
        """Two parts of one sentence: a and b; a、b."""
        return self.words("month.list").join(parts)

    def series(self, parts: Sequence[str]) -> str:
        """A list: a, b, c; a、b、c."""
        return self.words("month.series").join(parts)

    def named(self, text: str | None) -> str | None:
        """A name that somebody else wrote, made inert; None stays None."""
        return None if text is None else inert(text)


def sign(number: int) -> str:
    """The sign of a change; nothing changed is ±, so that it cannot be read as a level."""
    return "±" if number == 0 else "+" if number > 0 else MINUS


def stacked(parts: Sequence[tuple[str, int]], of: int) -> tuple[Segment, ...]:
    """A bar whose pieces make up ``of``, with white gaps between them so that grey print keeps them apart."""
    segments, before = [], 0
    for kind, number in parts:
        if number:
            segments.append(piece(kind, before, number, of, GAP if before + number < of else 0))
        before += number
    return tuple(segments)


def piece(kind: str, start: int, number: int, of: int, gap: int = 0) -> Segment:
    """The piece of a bar of length ``of`` that begins at ``start``."""
    left, right = 1000 * start // of, 1000 * (start + number) // of
    width = max(right - left - gap, THINNEST)
    left = min(left, 1000 - width)
    return Segment(kind, f"{left // 10}.{left % 10}%", f"{width // 10}.{width % 10}%")
