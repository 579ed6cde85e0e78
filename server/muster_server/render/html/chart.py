"""Lays out the trend's line chart. The axis is fixed at 0 to 100, so that two months' reports can be laid side by side.

Everything is integer arithmetic on tenths of a percent: the same numbers give the same path on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from muster_server.render.html.context import Chart, Mark
from muster_server.render.html.notation import Notation
from muster_server.tally import Point, Rate

WIDTH, HEIGHT = 456, 258
LEFT, RIGHT, TOP, BOTTOM = 26, 346, 10, 222  # the plot inside the canvas; the names of the lines stand right of it
INSET = 13  # room left and right of the first and the last point
LINE = 13  # height of a line of text, in units of the canvas
GRID = (0, 20, 40, 60, 80, 100)


def chart(points: Sequence[Point], target: int, broken: bool, notation: Notation) -> Chart:
    """The chart of two or more ``points``, oldest first. ``broken``: the yardstick changed before the last one."""
    months = [_ordinal(point.month) for point in points]
    span = months[-1] - months[0]
    at = {
        point.month: LEFT + INSET + (RIGHT - LEFT - 2 * INSET) * (month - months[0]) // span
        for point, month in zip(points, months, strict=True)
    }
    confirmed = [(at[p.month], y, _value(p.confirmed)) for p in points if (y := _height(p.confirmed)) is not None]
    coverage = [(at[p.month], y, _value(p.coverage)) for p in points if (y := _height(p.coverage)) is not None]
    last = points[-1]
    return Chart(
        width=WIDTH,
        height=HEIGHT,
        left=str(LEFT),
        right=str(RIGHT),
        grid=tuple(Mark(str(LEFT - 6), str(_y(level * 10)), str(level)) for level in GRID),
        months=tuple(
            Mark(str(at[p.month]), str(BOTTOM + 17), notation.words(f"month.short.{int(p.month[5:])}")) for p in points
        ),
        years=tuple(
            Mark(str(at[p.month]), str(BOTTOM + 32), p.month[:4])
            for index, p in enumerate(points)
            if index == 0 or p.month.endswith("-01")
        ),
        confirmed=_path(points, at, lambda point: point.confirmed, broken),
        coverage=_path(points, at, lambda point: point.coverage, broken),
        dots=tuple(Mark(str(x), str(y), text) for x, y, text in confirmed),
        reported=tuple(Mark(str(x), str(y), text) for x, y, text in coverage),
        values=tuple(Mark(str(x), str(y + 15 if y + 15 < BOTTOM else y - 8), text) for x, y, text in confirmed),
        target=str(_y(target * 10)),
        ends=_ends(last, target, notation),
        break_x=str((at[points[-2].month] + at[last.month]) // 2) if broken else None,
        title=_finding(points, target, notation),
        description=notation.words(
            "month.trend.description",
            first=points[0].month,
            last=last.month,
            n=len(points),
            low=min(points, key=_level).confirmed.percent(),
            high=max(points, key=_level).confirmed.percent(),
        ),
    )


def _ordinal(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:])


def _y(tenths: int) -> int:
    return BOTTOM - (BOTTOM - TOP) * tenths // 1000


def _height(rate: Rate) -> int | None:
    tenths = rate.tenths()
    return None if tenths is None else _y(tenths)


def _value(rate: Rate) -> str:
    return rate.percent().removesuffix("%").removesuffix(".0")


def _level(point: Point) -> int:
    return point.confirmed.tenths() or 0


def _path(points: Sequence[Point], at: dict[str, int], rate: Callable[[Point], Rate], broken: bool) -> str:
    steps: list[str] = []
    before: Point | None = None
    for index, point in enumerate(points):
        y = _height(rate(point))
        if y is None:
            before = None
            continue
        apart = before is None or _ordinal(point.month) - _ordinal(before.month) != 1
        cut = broken and index == len(points) - 1
        steps.append(f"{'M' if apart or cut else 'L'}{at[point.month]} {y}")
        before = point
    return "".join(steps)


def _ends(last: Point, target: int, notation: Notation) -> tuple[Mark, ...]:
    wanted = [(_y(target * 10), notation.words("month.trend.end_target", target=target))]
    for kind, rate in (("confirmed", last.confirmed), ("coverage", last.coverage)):
        y = _height(rate)
        if y is not None:
            wanted.append((y, notation.words(f"month.trend.end_{kind}", percent=rate.percent())))
    # From the lowest up, each name is pushed above the one below it, so that close lines keep readable names.
    marks, floor = [], HEIGHT
    for y, text in sorted(wanted, reverse=True):
        floor = min(y + 4, floor - LINE)
        marks.append(Mark(str(RIGHT + 8), str(floor), text))
    return tuple(marks)


def _finding(points: Sequence[Point], target: int, notation: Notation) -> str:
    last, before = points[-1].confirmed, points[-2].confirmed
    points_changed = notation.share(last, before).change
    return notation.words(
        "month.trend.finding",
        month=notation.month(points[-1].month),
        percent=last.percent(),
        change=notation.words("month.change.points", change=points_changed) if points_changed else "-",
        target=target,
        met=notation.words("month.met" if last.meets(target) else "month.missed"),
    )
