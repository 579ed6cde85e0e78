"""The counters, and the text Prometheus reads: parsed here as its format description says."""

from __future__ import annotations

import re
import threading

import pytest

from muster_server.receive.metrics import LABELS, Counter, Gauge, Histogram, Metrics

SAMPLE = re.compile(r'([a-z_]+)(?:\{([a-z]+)="((?:[^"\\\n]|\\["\\n])*)"\})? ([-+]?(?:Inf|[0-9.e+-]+))')


def parsed(text: str) -> dict[tuple[str, str], float]:
    """Every sample by its name and label value; every family has HELP and TYPE first, and stands together."""
    assert text.endswith("\n")
    samples: dict[tuple[str, str], float] = {}
    family = ""
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split()[2]
            continue
        if line.startswith("# TYPE "):
            assert line.split()[2] == family
            assert line.split()[3] in ("counter", "gauge", "histogram")
            continue
        found = SAMPLE.fullmatch(line)
        assert found, line
        assert re.fullmatch(re.escape(family) + "(_bucket|_sum|_count)?", found[1]), line
        assert (found[1], found[3] or "") not in samples, line
        samples[found[1], found[3] or ""] = float(found[4])
    return samples


def test_everything_counted_is_in_the_text() -> None:
    metrics = Metrics()
    metrics.reports.add("accepted")
    metrics.reports.add("accepted")
    metrics.refusals.add("unauthorised")
    metrics.body_bytes.add(count=1234)
    metrics.writer_queue.watch(lambda: 7)
    for seconds in (0.0001, 0.003, 99):
        metrics.commit_seconds.observe(seconds)
    samples = parsed(metrics.exposition())
    assert samples["muster_reports_total", "accepted"] == 2
    assert samples["muster_reports_total", "conflict"] == 0  # known before it ever happened
    assert samples["muster_refusals_total", "unauthorised"] == 1
    assert samples["muster_body_bytes_total", ""] == 1234
    assert samples["muster_writer_queue", ""] == 7
    assert samples["muster_commit_seconds_bucket", "0.0005"] == 1
    assert samples["muster_commit_seconds_bucket", "0.005"] == 2
    assert samples["muster_commit_seconds_bucket", "10"] == 2
    assert samples["muster_commit_seconds_bucket", "+Inf"] == 3
    assert samples["muster_commit_seconds_count", ""] == 3
    assert samples["muster_commit_seconds_sum", ""] == pytest.approx(99.0031)


def test_a_bound_itself_is_within_its_bucket() -> None:
    histogram = Histogram("muster_x", "X.", (1, 2))
    histogram.observe(1)
    assert next(histogram.samples()) == ("_bucket", '{le="1"}', 1)


def test_B30_a_label_and_a_help_cannot_break_out() -> None:
    counter = Counter("muster_x", "X.", "code")
    counter.add('a"} 1\nmuster_reports_total 9\\')
    [(suffix, labels, value)] = counter.samples()
    assert labels == '{code="a\\"} 1\\nmuster_reports_total 9\\\\"}'
    assert SAMPLE.fullmatch(f"muster_x{suffix}{labels} {value:g}")


def test_B07_labels_do_not_grow_without_end() -> None:
    counter = Counter("muster_x", "X.", "code")
    for number in range(10_000):
        counter.add(str(number))
    samples = list(counter.samples())
    assert len(samples) == LABELS + 1
    assert sum(value for _, _, value in samples) == 10_000


def test_a_counter_is_counted_as_it_was_made() -> None:
    with pytest.raises(ValueError, match="by code"):
        Counter("muster_x", "X.", "code").add()
    with pytest.raises(ValueError, match="without a label"):
        Counter("muster_x", "X.").add("a")


def test_threads_lose_no_count() -> None:
    counter, histogram = Counter("muster_x", "X."), Histogram("muster_y", "Y.", (1,))

    def count() -> None:
        for _ in range(5000):
            counter.add()
            histogram.observe(0.5)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (counter.value(), histogram.count()) == (20_000, 20_000)


def test_names_follow_the_rules_of_prometheus() -> None:
    for line in Metrics().exposition().splitlines():
        if line.startswith("# TYPE"):
            _, _, name, kind = line.split()
            assert re.fullmatch(r"muster_[a-z_]+", name)
            assert name.endswith("_total") is (kind == "counter"), name


def test_a_gauge_is_asked_or_set() -> None:
    gauge = Gauge("muster_x", "X.")
    gauge.set(3)
    assert gauge.value() == 3
    gauge.watch(lambda: 4)
    assert gauge.value() == 4
