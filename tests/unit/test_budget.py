"""The budget of a key: never more than the limit in any window, room for the urgent, and learning from refusals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cursor_monitor.domain.budget import (
    LEAST_PACE,
    OWN_LIMITS,
    Budget,
    Urgency,
    learn,
    limit_of,
    limit_per_minute,
    pace_of,
    refill,
    take,
)

START = datetime(2026, 3, 1, tzinfo=UTC)
URGENCIES = list(Urgency)


def full(burst: float) -> Budget:
    return Budget(tokens=burst, refilled_at=START)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def most_in(passed: list[float], window: float) -> int:
    return max((sum(begin <= t < begin + window for t in passed) for begin in passed), default=0)


@given(
    st.integers(5, 200),
    st.lists(st.tuples(st.floats(0, 3), st.sampled_from(URGENCIES)), min_size=1, max_size=300),
)
def test_no_minute_sees_more_than_its_limit(per_minute: int, asked: list[tuple[float, Urgency]]) -> None:
    limit = limit_per_minute(per_minute)
    budget, now, passed = full(limit.burst), 0.0, list[float]()
    for pause, urgency in asked:
        now += pause
        budget, wait = take(budget, limit, urgency, after(now))
        if wait == 0:
            passed.append(now)
        assert 0 <= budget.tokens <= limit.burst
    assert most_in(passed, 60) <= per_minute


def test_repositories_keep_both_of_their_limits() -> None:
    limit = OWN_LIMITS["repositories"]
    budget, passed = full(limit.burst), list[float]()
    for second in range(0, 4 * 3600, 5):
        budget, wait = take(budget, limit, Urgency.LISTING, after(second))
        if wait == 0:
            passed.append(second)
    assert most_in(passed, 60) == 1
    assert 25 <= most_in(passed, 3600) <= 30


@pytest.mark.parametrize(("greedy", "urgent"), [*zip(URGENCIES[1:], URGENCIES, strict=False)])
def test_the_less_urgent_leave_room(greedy: Urgency, urgent: Urgency) -> None:
    limit = limit_of("api", 300)
    budget, wait = full(limit.burst), 0.0
    while wait == 0:
        budget, wait = take(budget, limit, greedy, START)
    assert take(budget, limit, urgent, START)[1] == 0


@given(st.sampled_from(URGENCIES), st.integers(5, 1000), st.integers(0, 40))
def test_whoever_comes_back_alone_when_told_gets_through(urgency: Urgency, per_minute: int, taken: int) -> None:
    limit = limit_of("api", per_minute)
    budget = full(limit.burst)
    for _ in range(taken):
        budget, _ = take(budget, limit, Urgency.CONTROL, START)
    budget, wait = take(budget, limit, urgency, START)
    if wait > 0:
        assert take(budget, limit, urgency, after(wait + 0.001))[1] == 0


def test_nobody_waits_for_ever_behind_the_more_urgent() -> None:
    limit = limit_of("api", 300)
    budget, passed = full(limit.burst), dict.fromkeys(URGENCIES, 0)
    for tenth in range(6000):
        for urgency in (Urgency.NEWS, Urgency.WATCH, Urgency.POLL, Urgency.LISTING):
            budget, wait = take(budget, limit, urgency, after(tenth / 10))
            passed[urgency] += wait == 0
    each_minute = {urgency: count / 10 for urgency, count in passed.items()}
    assert each_minute[Urgency.NEWS] > 180
    assert each_minute[Urgency.WATCH] > 55
    assert each_minute[Urgency.POLL] > 5
    assert each_minute[Urgency.LISTING] > 5


def test_those_turned_away_come_back_one_after_the_other() -> None:
    limit = limit_of("api", 60)
    budget = Budget(tokens=0, refilled_at=START)
    waits = list[float]()
    for _ in range(20):
        budget, wait = take(budget, limit, Urgency.POLL, START)
        waits.append(wait)
    gaps = [b - a for a, b in pairwise(waits)]
    assert min(gaps) == pytest.approx(1 / limit.per_second, abs=0.01)
    assert take(budget, limit, Urgency.CONTROL, START)[1] < waits[0]


def test_a_refusal_blocks_as_long_as_it_says_and_slows_down() -> None:
    limit = limit_of("api", 300)
    budget = learn(full(limit.burst), START, refused=True, retry_after=7)
    for urgency in URGENCIES:
        assert take(budget, limit, urgency, after(0))[1] >= 7
    assert take(budget, limit, Urgency.CONTROL, after(8))[1] == 0
    assert pace_of(budget, START) == pytest.approx(0.7)
    assert pace_of(budget, after(180)) == 1.0


def test_a_refusal_without_a_time_backs_off_further_each_time() -> None:
    budget, now, waits = full(10), 0.0, list[float]()
    for _ in range(6):
        budget = learn(budget, after(now), refused=True)
        assert budget.blocked_until is not None
        waits.append((budget.blocked_until - after(now)).total_seconds())
        now += waits[-1]
    assert waits == [1, 2, 4, 8, 16, 16]
    assert budget.pace >= LEAST_PACE


def test_the_answers_of_one_burst_are_one_refusal() -> None:
    budget = full(10)
    for _ in range(20):
        budget = learn(budget, START, refused=True, retry_after=5)
    assert pace_of(budget, START) == pytest.approx(0.7)


def test_what_cursor_says_is_left_is_all_there_is() -> None:
    limit = limit_of("api", 300)
    budget = learn(full(limit.burst), START, refused=False, seen_limit=300, remaining=2, reset_at=after(30))
    budget, first = take(budget, limit, Urgency.CONTROL, START)
    budget, second = take(budget, limit, Urgency.CONTROL, START)
    _, third = take(budget, limit, Urgency.CONTROL, START)
    assert (first, second) == (0, 0)
    assert third > 0
    spent = learn(budget, START, refused=False, seen_limit=300, remaining=0, reset_at=after(30))
    assert take(spent, limit, Urgency.CONTROL, START)[1] == pytest.approx(30)


def test_a_smaller_limit_that_cursor_names_holds_until_its_reset() -> None:
    limit = limit_of("api", 300)
    budget = learn(full(limit.burst), START, refused=False, seen_limit=20, remaining=20, reset_at=after(60))
    passed = 0
    for tenth in range(590):
        budget, wait = take(budget, limit, Urgency.CONTROL, after(tenth / 10))
        passed += wait == 0
    assert passed <= 20
    assert take(budget, limit, Urgency.CONTROL, after(120))[1] == 0


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    budget = refill(Budget(tokens=1, refilled_at=after(10)), limit_of("api", 60), START)
    assert (budget.tokens, budget.refilled_at) == (1, after(10))


def test_a_limit_that_nobody_names_is_found() -> None:
    limit = limit_of("api", 600)
    budget, accepted, refused = full(limit.burst), list[float](), 0
    for tenth in range(6000):
        now = tenth / 10
        budget, wait = take(budget, limit, Urgency.CONTROL, after(now))
        if wait > 0:
            continue
        if sum(now - t < 60 for t in accepted[-200:]) < 200:
            accepted.append(now)
        else:
            refused += 1
            budget = learn(budget, after(now), refused=True)
    assert len(accepted) > 0.7 * 200 * 10, "most of what is allowed is used"
    assert refused < len(accepted) / 10


@pytest.mark.parametrize("urgency", list(Urgency))
def test_a_small_number_named_for_a_moment_sends_nobody_away_for_minutes(urgency: Urgency) -> None:
    budget = learn(full(10.0), START, refused=True, seen_limit=1, remaining=0, retry_after=2.0)
    waits: list[float] = []
    for _ in range(20):
        budget, seconds = take(budget, limit_per_minute(60), urgency, START)
        waits.append(seconds)
    assert min(waits) >= 2.0, "what the answer said is kept"
    assert waits[0] <= 10.0, waits
    assert max(waits) <= 60.0, "the last of twenty comes back within a minute"
