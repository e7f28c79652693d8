"""Durations in buckets: the quantile that comes out is within its bucket of the true one."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from cursor_monitor.domain.jobs import ClaimedJob
from cursor_monitor.domain.latency import bucket_of, quantile
from worker.tally import Tally


@given(st.lists(st.floats(0, 100_000), min_size=1), st.sampled_from([0.5, 0.95]))
def test_a_quantile_is_within_the_bucket_of_the_true_one(durations: list[float], share: float) -> None:
    found = quantile(Counter(map(bucket_of, durations)), share)
    rank = -(-len(durations) * share // 1)
    true = sorted(durations)[int(rank) - 1]
    assert found is not None
    assert bucket_of(true) in (bucket_of(found), bucket_of(found - 0.0001))


def test_nothing_has_no_quantile_and_a_clock_that_was_put_back_no_negative_one() -> None:
    assert quantile({}, 0.5) is None
    assert bucket_of(-3) == 0


def test_a_tally_tells_each_kind_apart() -> None:
    tally = Tally()
    for kind, outcome, waited in (("a", "completed", 0.02), ("a", "failed", 0.02), ("b", "completed", 3.0)):
        tally.add(ClaimedJob(1, kind, {}, None, None, 1, 1, 1, waited_seconds=waited), outcome, 0.0)
    assert tally.outcomes() == {"completed": 2, "failed": 1}
    assert tally.by_kind() == {
        "a": {"outcomes": {"completed": 1, "failed": 1}, "waits": {"5": 2}, "runs": {"0": 2}},
        "b": {"outcomes": {"completed": 1}, "waits": {"12": 1}, "runs": {"0": 1}},
    }
