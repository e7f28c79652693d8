"""Rate limits, read leniently."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cursor_monitor.cursor.errors import Retryable
from cursor_monitor.cursor.limits import RateLimits, parse_limits, parse_moment, parse_retry_after
from tests.cursor.harness import AGENT_ID, NOW, FakeWire, agent_json, refusal

IN_A_MINUTE = NOW + timedelta(seconds=60)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5", 5.0),
        ("0.5", 0.5),
        (" 7 ", 7.0),
        ("-3", 0.0),
        ("Tue, 20 Oct 2026 12:01:00 GMT", 60.0),
        ("Tue, 20 Oct 2026 11:00:00 GMT", 0.0),
        ("2026-10-20T12:01:00Z", 60.0),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    "value",
    [
        "60",
        str(int(IN_A_MINUTE.timestamp())),
        str(int(IN_A_MINUTE.timestamp() * 1000)),
        "2026-10-20T12:01:00Z",
        "2026-10-20T14:01:00+02:00",
        "Tue, 20 Oct 2026 12:01:00 GMT",
    ],
)
def test_a_reset_in_any_of_its_spellings(value: str) -> None:
    assert parse_moment(value, NOW) == IN_A_MINUTE


@given(st.text(max_size=40) | st.floats().map(str) | st.integers().map(str))
def test_no_header_value_breaks_the_reading(value: str) -> None:
    parse_moment(value, NOW)
    parse_retry_after(value, NOW)
    parse_limits({"X-RateLimit-Limit": value}, NOW)


def test_no_limits_are_known_at_first(wire: FakeWire) -> None:
    assert wire.client.limits is None


async def test_the_newest_limits_are_kept(wire: FakeWire) -> None:
    headers = {"X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "3", "X-RateLimit-Reset": "60"}
    wire.answers(httpx.Response(200, json=agent_json(), headers=headers))
    await wire.client.get_agent(AGENT_ID)
    assert wire.client.limits == RateLimits(20, 3, IN_A_MINUTE, None, NOW)
    wire.answers(httpx.Response(200, json=agent_json()))
    await wire.client.get_agent(AGENT_ID)
    assert wire.client.limits == RateLimits(20, 3, IN_A_MINUTE, None, NOW)
    wire.answers(refusal(429, "rate_limit_exceeded", headers={"Retry-After": "30"}))
    with pytest.raises(Retryable):
        await wire.client.get_agent(AGENT_ID)
    assert wire.client.limits == RateLimits(None, None, None, 30.0, NOW)


@pytest.mark.parametrize("hours", [-1, 0, 1])
def test_moments_are_told_by_the_clock_of_the_server_however_far_off_ours_is(hours: int) -> None:
    there = NOW + timedelta(hours=hours)
    date = format_datetime(there, usegmt=True)
    headers = {"Date": date, "X-RateLimit-Reset": str(int(there.timestamp()) + 30), "Retry-After": "30"}
    limits = parse_limits(headers, NOW)
    assert limits is not None
    assert limits.reset_at == NOW + timedelta(seconds=30)
    assert limits.retry_after == 30
    as_a_date = {"Date": date, "Retry-After": format_datetime(there + timedelta(seconds=30), usegmt=True)}
    told = parse_limits(as_a_date, NOW)
    assert told is not None
    assert told.retry_after == 30
