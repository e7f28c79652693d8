"""When a schedule fires, held against a clock that is read minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cursor_monitor.domain.errors import Invalid
from cursor_monitor.services.cron import parse_cron

# Around changes of the clock: an hour in Europe and America, half of one on Lord Howe, two at Troll, none in Tokyo.
CHANGES = {
    "Europe/Berlin": ("2026-03-29T01:00", "2026-10-25T01:00"),
    "America/New_York": ("2026-03-08T07:00", "2026-11-01T06:00"),
    "Australia/Lord_Howe": ("2026-04-04T15:00", "2026-10-03T15:30"),
    "Antarctica/Troll": ("2026-03-29T01:00", "2026-10-25T01:00"),
    "Asia/Tokyo": ("2026-03-29T01:00",),
}
PLACES = st.sampled_from([(zone, moment) for zone, moments in CHANGES.items() for moment in moments])
MINUTES, HOURS = (
    st.sampled_from(["0", "30", "*/20", "15,45", "59"]),
    st.sampled_from(["*", "*/2", "1", "2", "3", "1-3"]),
)
SPAN = timedelta(hours=7)


def numbers(field: str, size: int) -> set[int]:
    """What a field of such an expression stands for."""
    if field.startswith("*"):
        return set(range(0, size, int(field.partition("/")[2] or 1)))
    low, dash, high = field.partition("-")
    return set(range(int(low), int(high) + 1)) if dash else {int(one) for one in field.split(",")}


def by_the_clock(minute: str, hour: str, zone: ZoneInfo, start: datetime) -> list[datetime]:
    """The firings after `start`, found by looking at the clock each minute, with what it skips moved on."""
    minutes, hours, found = numbers(minute, 60), numbers(hour, 24), set[datetime]()
    moment, before = start - timedelta(hours=4), None
    while moment <= start + SPAN:
        here = moment.astimezone(zone)
        wall = here.replace(tzinfo=None)
        if before is not None and wall - before > timedelta(minutes=1):
            skipped = before + timedelta(minutes=1)
            while skipped < wall:
                if skipped.minute in minutes and skipped.hour in hours:
                    found.add(moment + (skipped - before) - timedelta(minutes=1))
                skipped += timedelta(minutes=1)
        if wall.minute in minutes and wall.hour in hours and (not here.fold or hour.startswith("*")):
            found.add(moment)
        before, moment = wall, moment + timedelta(minutes=1)
    return sorted(one for one in found if start < one <= start + SPAN)


@settings(max_examples=40, deadline=None)
@given(PLACES, MINUTES, HOURS, st.integers(-180, 180))
@example(("Europe/Berlin", "2026-03-29T01:00"), "30", "2", -60)
@example(("Europe/Berlin", "2026-10-25T01:00"), "30", "2", -60)
@example(("Europe/Berlin", "2026-10-25T01:00"), "*/20", "*", 10)
def test_each_time_of_the_clock_comes_once(place: tuple[str, str], minute: str, hour: str, shift: int) -> None:
    zone, moment = place
    start = datetime.fromisoformat(moment).replace(tzinfo=UTC) + timedelta(minutes=shift)
    cron = parse_cron(f"{minute} {hour} * * *", zone)
    expected = by_the_clock(minute, hour, cron.zone, start)
    found = [one for one in cron.following(start, len(expected) + 1) if one <= start + SPAN]
    assert found == expected


def test_days_of_the_week_are_crons() -> None:
    start = datetime(2026, 11, 25, 12, tzinfo=UTC)  # a Wednesday
    for text, days in {"0": "Sun", "7": "Sun", "1": "Mon", "fri-sun": "Fri", "6-7": "Sat", "*/6": "Sat"}.items():
        found = parse_cron(f"0 9 * * {text}", "UTC").after(start)
        assert found is not None
        assert f"{found:%a}" == days, text


@pytest.mark.parametrize(
    "text",
    [
        *("", "@daily", "* * * *", "* * * * * *", "61 * * * *", "* 24 * * *", "0 0 32 * *", "0 0 * 13 *", "x * * * *"),
        *("0 0 * * 8", "0 0 * * mon/0", "0 0 * * fri-", "0 0 1 * 1", "0 0 30 2 *", "*/0 * * * *", "5-1 * * * *"),
        *("0" * 101 + " * * * *", None, 5),
    ],
)
def test_an_expression_that_is_none_is_refused(text: object) -> None:
    with pytest.raises(Invalid) as caught:
        parse_cron(text, "UTC")
    assert caught.value.field == "cron"


@pytest.mark.parametrize("zone", ["", None, "Mars/Base", "../../etc/passwd", "America", "/etc/passwd", "UTC\x00", "Ü"])
def test_a_zone_that_is_none_is_refused(zone: object) -> None:
    with pytest.raises(Invalid) as caught:
        parse_cron("0 9 * * *", zone)
    assert caught.value.field == "time_zone"
