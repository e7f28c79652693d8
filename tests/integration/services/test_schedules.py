"""Schedules: each firing once, whoever looks and whoever dies over it; by its rules where it was missed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cursor_monitor.domain.access import LOCAL
from cursor_monitor.domain.errors import Conflict, Invalid, NotFound
from cursor_monitor.queries import notifications as notification_queries
from cursor_monitor.queries import orchestrations as orchestration_queries
from cursor_monitor.queries import schedules as queries
from cursor_monitor.services import notification_channels, orchestrations, schedules, templates
from cursor_monitor.services.caller import acting_as
from cursor_monitor.services.schedule_firing import fire_due
from tests.support.postgres import ask, ask_one

REQUEST: dict[str, Any] = {"prompt": "Add a changelog.", "repository": "acme/web", "mode": "SINGLE_AGENT"}
# Dies in the middle of a firing, or right after its commit, as a worker that is killed does.
DIES = """
import os, signal, sys
from cursor_monitor.services import schedule_firing
from cursor_monitor.services.startup import open_all
from cursor_monitor.settings import load_settings
open_all(load_settings())
def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[1] == "before":
    schedule_firing.schedules.update = die
schedule_firing.fire_due()
die()
"""


def schedule(name: str = "nightly", **fields: Any) -> str:
    wanted = {"name": name, "cron": "0 * * * *", "time_zone": "Europe/Berlin", "request": REQUEST, **fields}
    return schedules.create(wanted, by="ada")


def come_due(database: str, ago: str = "1 second") -> None:
    """As if the time had come so long ago."""
    ask(database, "UPDATE schedules SET next_run_at = date_trunc('second', clock_timestamp()) - %s::interval", (ago,))


def launched(database: str) -> int:
    return ask_one(database, "SELECT count(*) FROM orchestrations")


def came_of(made: str) -> list[tuple[str, str | None]]:
    return [(firing.status, firing.reason) for firing in queries.list_firings(made).items]


def test_a_firing_launches_once_however_many_look(database: str) -> None:
    made, other = schedule(), schedule("weekly", cron="0 9 * * mon")
    assert fire_due() == 0
    come_due(database)
    with ThreadPoolExecutor(8) as pool:
        fired = sum(pool.map(lambda _: fire_due(), range(8)))
    assert fired == 2
    assert (fire_due(), launched(database)) == (0, 2)
    row = queries.get_schedule(made)
    (firing,) = row.firings
    found = orchestration_queries.get_orchestration(str(firing.orchestration_id))
    assert (found.name, found.prompt, firing.status) == ("nightly", "Add a changelog.", "launched")
    assert row.next_run_at is not None
    assert row.next_run_at > firing.fire_at
    assert len(queries.get_schedule(other).firings) == 1
    assert ask_one(database, "SELECT count(*) FROM orchestration_events WHERE payload->>'by' = 'schedule nightly'") == 1


def test_a_worker_killed_while_it_fires_loses_nothing_and_fires_nothing_twice(database: str) -> None:
    made = schedule()
    come_due(database)
    environ = {**os.environ, "DATABASE_URL": database}
    for when, count in (("before", 0), ("after", 1)):
        ended = subprocess.run([sys.executable, "-c", DIES, when], env=environ, timeout=60, check=False)
        assert ended.returncode == -signal.SIGKILL
        assert (launched(database), len(came_of(made))) == (count, count)
    fire_due()
    assert launched(database) == 1


@pytest.mark.parametrize(
    ("missed", "statuses"), [("skip", ["skipped"]), ("once", ["launched"]), ("all", ["launched"] * 4)]
)
def test_what_was_missed_goes_by_its_rule(database: str, missed: str, statuses: list[str]) -> None:
    # On the hour, three hours and some minutes ago: that one and the three since then.
    made = schedule(missed=missed, overlap="allow", cron="0 * * * *")
    ask(
        database,
        "UPDATE schedules SET next_run_at = date_trunc('hour', clock_timestamp() - interval '10 minutes')"
        " - interval '3 hours'",
    )
    past_the_hour = ask_one(database, "SELECT extract(minute FROM clock_timestamp())::int")
    fire_due()
    # Within ten minutes of the hour the newest is on time, or there is one more.
    more = 1 if past_the_hour < 10 else 0
    found = [status for status, _ in came_of(made)]
    if missed == "all":
        assert found == statuses + ["launched"] * more
    else:
        assert found[-1:] == statuses
    assert fire_due() == 0


def test_a_schedule_keeps_to_its_own_limits(database: str) -> None:
    made = schedule(max_per_day=2)
    come_due(database, "3 seconds")
    fire_due()
    come_due(database)
    fire_due()
    assert came_of(made)[0] == ("skipped", "the orchestration of an earlier firing has not ended")
    with pytest.raises(Conflict, match="has not ended"):
        schedules.run_now(made, by="ada")
    schedules.replace(
        made,
        {"name": "nightly", "cron": "0 * * * *", "request": REQUEST, "overlap": "allow", "max_per_day": 2},
        by="bob",
    )
    schedules.run_now(made, by="ada")
    newest = queries.get_schedule(made).firings[0]
    assert (newest.status, newest.is_by_hand) == ("launched", True)
    with pytest.raises(Conflict, match="2 were launched within a day"):
        schedules.run_now(made, by="ada")
    come_due(database, "0 seconds")
    fire_due()
    assert launched(database) == 2


def test_what_cannot_be_launched_is_told_and_the_next_time_stays(database: str) -> None:
    template = templates.create({"name": "Upgrade", "prompt": "Upgrade {{library}}."}, by="ada")
    request = {"repository": "acme/web", "template": "upgrade", "variables": {"library": "httpx"}}
    made = schedule(request=request, overlap="allow")
    with acting_as(LOCAL):
        fields = {"name": "c", "kind": "slack", "target": "https://example.com/x", "events": ["schedule.failed"]}
        told = notification_channels.create(fields)
    come_due(database, "2 seconds")
    fire_due()
    assert ask_one(database, "SELECT prompt FROM orchestrations") == "Upgrade httpx."
    templates.delete(template, by="ada")
    come_due(database)
    fire_due()
    status, reason = came_of(made)[0]
    assert (status, launched(database)) == ("failed", 1)
    assert "there is no template 'upgrade'" in (reason or "")
    (delivery,) = notification_queries.list_deliveries(told.id).items
    assert delivery.title == "The schedule nightly could not launch"
    assert queries.get_schedule(made).next_run_at is not None
    with pytest.raises(Conflict, match="there is no template"):
        schedules.run_now(made, by="ada")


def test_one_that_cannot_be_read_keeps_no_other_from_firing(database: str) -> None:
    broken, whole = schedule("a"), schedule("b")
    come_due(database)
    ask(
        database,
        "UPDATE schedules SET time_zone = 'Gone/Zone', next_run_at = next_run_at - interval '9 s' WHERE name = 'a'",
    )
    assert (fire_due(), fire_due()) == (2, 0)
    assert came_of(whole) == [("launched", None)]
    assert came_of(broken)[0][0] == "failed"


def test_a_paused_schedule_does_not_fire(database: str) -> None:
    made = schedule()
    schedules.pause(made, by="bob")
    assert queries.get_schedule(made).next_run_at is None
    with pytest.raises(Conflict):
        schedules.pause(made, by="bob")
    fire_due()
    schedules.resume(made, by="bob")
    assert queries.get_schedule(made).next_run_at is not None
    assert (fire_due(), launched(database)) == (0, 0)
    come_due(database)
    fire_due()
    orchestration = queries.get_schedule(made).firings[0].orchestration_id
    schedules.delete(made, by="bob")
    assert orchestration_queries.get_orchestration(str(orchestration)).status == "queued"
    with pytest.raises(NotFound):
        schedules.run_now(made, by="bob")
    orchestrations.cancel(str(orchestration), by="ada")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "NIGHTLY"}, "name"),
        ({"name": ""}, "name"),
        ({"cron": "often"}, "cron"),
        ({"time_zone": "Mars"}, "time_zone"),
        ({"missed": "maybe"}, "missed"),
        ({"overlap": "maybe"}, "overlap"),
        ({"max_per_day": 0}, "max_per_day"),
        ({"request": None}, "request"),
        ({"request": {"repository": "acme/web"}}, "request.prompt"),
        ({"request": {**REQUEST, "options": {"max_agents": 0}}}, "request.options.max_agents"),
        ({"request": {**REQUEST, "plan_hash": "x"}}, "request.plan_hash"),
        ({"request": {**REQUEST, "account": "gone"}}, "request.account"),
        ({"owner": "me"}, "owner"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(database: str, fields: dict[str, Any], field: str) -> None:
    schedule()
    with pytest.raises(Invalid) as caught:
        schedule(**({"name": "other"} | fields))
    assert caught.value.field == field
