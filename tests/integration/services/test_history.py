"""The state as of any event: what was stored then, at a cost that does not grow with the history."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from cursor_monitor.domain import events as e
from cursor_monitor.domain.errors import Invalid, NotFound
from cursor_monitor.queries import history
from cursor_monitor.queries import orchestrations as queries
from cursor_monitor.services import orchestrations
from cursor_monitor.services.advance import write
from cursor_monitor.store import events as event_store
from cursor_monitor.store import orchestrations as store
from cursor_monitor.store.database import transaction
from tests.builders import NOW
from tests.fakes.cursor import MORE, FakeCursor
from tests.support.pump import Pump


async def test_every_moment_is_as_it_was_then(pump: Pump, cursor: FakeCursor) -> None:
    cursor.answers.append(MORE)
    made = orchestrations.launch({"prompt": "Add it.", "repository": "acme/web"}, by="ada")
    seen: dict[int, tuple[queries.OrchestrationDetail, tuple[queries.TaskRow, ...]]] = {}

    def look() -> bool:
        detail = queries.get_orchestration(made)
        seen[detail.last_seq] = (detail, queries.list_tasks(made))
        return detail.status == "completed"

    look()
    for _ in range(40):
        if await pump.run_due_one() and look():
            break
    assert len(seen) > 4, "the story has moments between its beginning and its end"
    for seq, (then, tasks) in seen.items():
        found = history.get_as_of(made, seq)
        assert found.newest_seq == max(seen)
        for name in ("status", "tasks_total", "tasks_completed", "active_agents", "quality_score", "last_seq"):
            assert getattr(found.detail, name) == getattr(then, name), (seq, name)
        assert [(t.key, t.status, t.agent_id, t.iterations) for t in found.tasks] == [
            (t.key, t.status, t.agent_id, t.iterations) for t in tasks
        ]
        assert found.detail.controls == (), "the past cannot be steered"


def test_what_is_no_moment_is_refused(database: str) -> None:
    made = orchestrations.launch({"prompt": "Add it.", "repository": "acme/web"}, by="ada")
    with pytest.raises(Invalid, match="from 1 to 1"):
        history.get_as_of(made, 2)
    with pytest.raises(NotFound):
        history.get_as_of("0190aaaa-0000-7000-8000-00000000dead", 1)


def test_a_look_beside_an_earlier_one_folds_no_more_than_a_stretch(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = orchestrations.launch({"prompt": "Add it.", "repository": "acme/web"}, by="ada")
    with transaction() as session:
        before = store.lock_snapshot(session, UUID(made))
        assert before is not None
        pauses = [
            kind(at=NOW, by="ada") for _ in range(650) for kind in (e.OrchestrationPaused, e.OrchestrationResumed)
        ]
        after = before
        for event in pauses:
            after = history.fold.evolve(after, event)
        write(session, before, after, pauses)
    loaded: list[int] = []
    real = event_store.select_stretch

    def counting(*args: Any, **bounds: int) -> list[e.Event]:
        loaded.append(bounds["until"] - bounds["after"])
        return real(*args, **bounds)

    monkeypatch.setattr(event_store, "select_stretch", counting)
    assert history.get_as_of(made, 1301).detail.status == "queued"
    assert sum(loaded) == 1301
    loaded.clear()
    assert history.get_as_of(made, 1300).detail.status == "paused"
    assert history.get_as_of(made, 700).detail.status == "paused"
    assert sum(loaded) <= 2 * history.STRIDE
