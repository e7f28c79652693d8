"""When a schedule fires: cron expressions on the clock of a place, whatever that clock does in spring and autumn.

A time that the clock skips fires as much later as the clock was put forward; a time that comes twice fires at the
first, except where every hour was asked for. APScheduler reads the expression; the rest is here, as its own way over
a change of the clock fires twice or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

from cursor_monitor.domain.errors import Invalid

CRON_LIMIT, ZONE_LIMIT = 100, 64
_YEARS = 8  # to the next 29th of February, over a century without one
_LONGEST_SHIFT = timedelta(hours=2)  # that a clock is put forward or back by
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_DAY = {**{name: number for number, name in enumerate(_DAYS)}, **{str(number): number % 7 for number in range(8)}}
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+){0,2}")
_EXAMPLE = "five parts such as 0 9 * * mon-fri: minute, hour, day of the month, month, day of the week"


@dataclass(frozen=True, slots=True)
class Cron:
    """A checked expression on the clock of a zone."""

    text: str
    zone: ZoneInfo
    fields: dict[str, str]

    @property
    def is_hourly(self) -> bool:
        """True where every hour is meant, so that an hour that comes twice is two hours."""
        return self.fields["hour"].startswith("*")

    def after(self, moment: datetime) -> datetime | None:
        """The first firing after a moment, in UTC; None where there is none within years."""
        wall = moment.astimezone(self.zone).replace(tzinfo=None)
        best: datetime | None = None
        for candidate in self._walls(wall - _LONGEST_SHIFT):
            instants = self._instants(candidate)
            if best is not None and instants[0] > best + _LONGEST_SHIFT:
                break  # no later time of the clock comes before it any more
            for instant in instants:
                if instant > moment and (best is None or instant < best):
                    best = instant
        return best

    def following(self, moment: datetime, most: int) -> list[datetime]:
        """The next firings after a moment."""
        found: list[datetime] = []
        while len(found) < most:
            coming = self.after(found[-1] if found else moment)
            if coming is None:
                break
            found.append(coming)
        return found

    def _walls(self, start: datetime) -> Iterator[datetime]:
        """What the clock shows at the firings, from a time on."""
        years = f"{start.year}-{start.year + _YEARS}"
        trigger = CronTrigger(year=years, second="0", timezone=UTC, **self.fields)
        now = start.replace(tzinfo=UTC)
        while (found := trigger.get_next_fire_time(None, now)) is not None:
            yield found.replace(tzinfo=None)
            now = found + timedelta(seconds=1)

    def _instants(self, wall: datetime) -> list[datetime]:
        """When the clock shows it: once, or twice in autumn; a skipped time is moved on by what was skipped."""
        first = wall.replace(tzinfo=self.zone).astimezone(UTC)
        second = wall.replace(tzinfo=self.zone, fold=1).astimezone(UTC)
        return [first, second] if self.is_hourly and second > first else [first]


def parse_cron(value: object, zone: object) -> Cron:
    """A cron expression of five parts; raises Invalid for `cron` or `time_zone`."""
    text = " ".join(value.lower().split()) if isinstance(value, str) else ""
    if not text:
        raise Invalid("cron", f"is empty; give {_EXAMPLE}")
    parts = text.split(" ")
    if len(text) > CRON_LIMIT or len(parts) != 5 or not text.isascii():
        raise Invalid("cron", f"must be {_EXAMPLE}")
    minute, hour, day, month, weekday = parts
    if not day.startswith("*") and not weekday.startswith("*"):
        raise Invalid("cron", "names days of the month and days of the week; use one of them and * for the other")
    fields = {"minute": minute, "hour": hour, "day": day, "month": month, "day_of_week": _weekdays(weekday)}
    cron = Cron(text, _zone(zone), fields)
    try:
        CronTrigger(second="0", timezone=UTC, **fields)
    except (ValueError, TypeError, KeyError) as error:
        raise Invalid("cron", f"cannot be read ({str(error)[:120]}); give {_EXAMPLE}") from None
    if cron.after(datetime(2027, 1, 1, tzinfo=UTC)) is None:
        raise Invalid("cron", "never comes, such as the 30th of February")
    return cron


def _weekdays(text: str) -> str:
    """Days of the week by name, as 0 and 7 are Sunday to cron and 0 is Monday to APScheduler."""
    if text == "*":
        return text
    days: set[int] = set()
    for part in text.split(","):
        days |= _range(part)
    return ",".join(_DAYS[number] for number in sorted(days))


def _range(part: str) -> set[int]:
    span, _, step = part.partition("/")
    first, dash, last = span.partition("-")
    every = int(step) if step.isdecimal() else (1 if not step else 0)
    low, high = (0, 6) if span == "*" else (_DAY.get(first, -1), _DAY.get(last if dash else first, -1))
    if every < 1 or low < 0 or high < 0:
        raise Invalid("cron", f"{part[:20]!r} is no day of the week: mon to sun, or 0 to 7 with Sunday as 0 and 7")
    length = (high - low) % 7 if (low, last) != (0, "7") else 7
    return {(low + offset) % 7 for offset in range(0, length + 1, every)}


def _zone(value: object) -> ZoneInfo:
    name = value.strip() if isinstance(value, str) else ""
    if len(name) <= ZONE_LIMIT and _ZONE.fullmatch(name):
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            pass
    raise Invalid("time_zone", f"{name[:40]!r} is none; give a name such as Europe/Berlin or UTC")
