"""What the server counts of itself, and how Prometheus reads it (text exposition format 0.0.4).

Everything is in memory and starts at nothing with the process, as Prometheus expects. Labels are codes of ours, never
text from a PC: a label of a PC's choosing would let it fill the memory of the server and of whoever collects.
"""

from __future__ import annotations

import math
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterator

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LABELS = 100  # values of one label; more is a mistake of ours and is counted together
OTHER = "other"

_lock = threading.Lock()  # the loop, the writer's thread and the thread pool all count; one lock costs 0.1 µs


def _escaped(text: str, quotes: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quotes else text


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


class Counter:
    """How often something happened; by the values of one label when it has one."""

    kind = "counter"

    def __init__(self, name: str, help: str, label: str | None = None, values: tuple[str, ...] = ()) -> None:
        self.name, self.help, self.label = name, help, label
        # Known values stand at 0 from the start: a rate over something that never happened is 0, not unknown.
        self._values: dict[str, float] = dict.fromkeys(values if label else ("",), 0)

    def add(self, value: str = "", count: float = 1) -> None:
        """``count`` more of ``value`` (of the label; nothing when there is no label)."""
        if (value == "") is not (self.label is None):
            raise ValueError(f"{self.name} is counted {'by ' + self.label if self.label else 'without a label'}")
        with _lock:
            if value not in self._values and len(self._values) >= LABELS:
                value = OTHER
            self._values[value] = self._values.get(value, 0) + count

    def value(self, value: str = "") -> float:
        """How many so far."""
        with _lock:
            return self._values.get(value, 0)

    def samples(self) -> Iterator[tuple[str, str, float]]:
        """Suffix of the name, labels and value of each line."""
        with _lock:
            values = sorted(self._values.items())
        for value, count in values:
            yield "", "" if self.label is None else f'{{{self.label}="{_escaped(value, True)}"}}', count


class Gauge:
    """How much there is now: set by whoever knows, or asked for when it is read."""

    kind = "gauge"

    def __init__(self, name: str, help: str) -> None:
        self.name, self.help = name, help
        self._value = 0.0
        self._ask: Callable[[], float] | None = None

    def set(self, value: float) -> None:
        """It is ``value`` now."""
        self._value = value

    def watch(self, ask: Callable[[], float]) -> None:
        """Ask ``ask`` whenever the value is read, from whatever thread reads it."""
        self._ask = ask

    def value(self) -> float:
        """How much there is now."""
        return self._value if self._ask is None else float(self._ask())

    def samples(self) -> Iterator[tuple[str, str, float]]:
        """Suffix of the name, labels and value of each line."""
        yield "", "", self.value()


class Histogram:
    """How values spread: how many were at most each bound, how many in all, and their sum."""

    kind = "histogram"

    def __init__(self, name: str, help: str, bounds: tuple[float, ...]) -> None:
        self.name, self.help = name, help
        self._bounds = tuple(sorted(bounds))
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """One more value."""
        with _lock:
            self._counts[bisect_left(self._bounds, value)] += 1
            self._sum += value

    def count(self) -> int:
        """How many values so far."""
        with _lock:
            return sum(self._counts)

    def samples(self) -> Iterator[tuple[str, str, float]]:
        """Suffix of the name, labels and value of each line."""
        with _lock:
            counts, total = list(self._counts), self._sum
        reached = 0
        for bound, count in zip((*self._bounds, math.inf), counts, strict=True):
            reached += count
            yield "_bucket", f'{{le="{_number(bound)}"}}', reached
        yield "_sum", "", total
        yield "_count", "", reached


class Metrics:
    """Everything one server process counts. The names are an interface: dashboards and alarms hang on them."""

    def __init__(self) -> None:
        self._all: list[Counter | Gauge | Histogram] = []
        outcomes = ("accepted", "duplicate", "conflict")
        self.reports = self._counter(
            "muster_reports_total", "Signed reports by what became of them.", "outcome", outcomes
        )
        self.refusals = self._counter("muster_refusals_total", "Requests and connections refused, by code.", "code")
        self.enrolments = self._counter("muster_enrolments_total", "PCs that were enrolled.")
        self.body_bytes = self._counter("muster_body_bytes_total", "Bytes of request bodies as they were sent.")
        self.connections = self._gauge("muster_connections", "Connections open now, handshakes under way included.")
        self.in_flight = self._gauge("muster_in_flight_bytes", "Bytes of requests received and not yet answered.")
        self.accepted = self._counter("muster_connections_accepted_total", "Connections taken.")
        self.evicted = self._counter(
            "muster_connections_evicted_total", "Waiting connections closed to make room.", "for", ("place", "bytes")
        )
        phases = ("handshake", "head", "body", "idle", "answer", "close")
        self.timed_out = self._counter(
            "muster_connections_timed_out_total", "Connections closed because a deadline passed.", "phase", phases
        )
        self.handshakes_failed = self._counter("muster_handshakes_failed_total", "TLS handshakes that failed.")
        self.writer_queue = self._gauge("muster_writer_queue", "Jobs that wait for the writer.")
        self.batch = self._histogram("muster_commit_jobs", "Jobs that shared one commit.", (1, 2, 4, 8, 16, 32, 64))
        self.commit_seconds = self._histogram(
            "muster_commit_seconds",
            "Seconds a commit took, its sync included.",
            (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
        )

    def exposition(self) -> str:
        """Everything, in Prometheus' text format; served as :data:`CONTENT_TYPE`."""
        lines = []
        for metric in self._all:
            lines.append(f"# HELP {metric.name} {_escaped(metric.help)}")
            lines.append(f"# TYPE {metric.name} {metric.kind}")
            lines += [f"{metric.name}{suffix}{labels} {_number(value)}" for suffix, labels, value in metric.samples()]
        return "\n".join(lines) + "\n"

    def _counter(self, name: str, help: str, label: str | None = None, values: tuple[str, ...] = ()) -> Counter:
        self._all.append(counter := Counter(name, help, label, values))
        return counter

    def _gauge(self, name: str, help: str) -> Gauge:
        self._all.append(gauge := Gauge(name, help))
        return gauge

    def _histogram(self, name: str, help: str, bounds: tuple[float, ...]) -> Histogram:
        self._all.append(histogram := Histogram(name, help, bounds))
        return histogram
