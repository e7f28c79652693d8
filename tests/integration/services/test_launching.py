"""Launches and follow-ups with pictures: kept until Cursor has them, given away once, never in a job."""

from __future__ import annotations

from typing import Any

import pytest

from cursor_monitor.cursor.api import Image, RepositorySpec
from cursor_monitor.cursor.errors import OutcomeUnknown, Permanent
from cursor_monitor.domain.errors import Conflict, Invalid
from cursor_monitor.domain.launch import IMAGE_BYTES
from cursor_monitor.queries.agents import get_agent
from cursor_monitor.services import agents, maintenance, uploads
from tests.fakes.cursor import FakeCursor
from tests.support.postgres import ask, ask_one
from tests.support.pump import Pump

LAUNCH = {"prompt": "Make it look like this.", "repository": "acme/web"}
PNG = b"\x89PNG\r\n\x1a\n" + b"picture"
KEPT = "SELECT count(*) FROM agent_uploads"


def upload(content: bytes = PNG) -> str:
    return uploads.take_in(content, by="test").id


async def test_a_launch_carries_all_that_was_asked_for(pump: Pump, cursor: FakeCursor, database: str) -> None:
    made = agents.launch(
        {
            "prompt": "Look.",
            "repositories": [{"repository": "acme/web", "ref": "main"}, {"repository": "acme/api"}],
            "mode": "plan",
            "model": "fast-1",
            "model_params": [{"id": "thinking", "value": "high"}],
            "images": [{"upload_id": upload()}, {"url": "https://example.com/a.png"}],
            "auto_create_pr": True,
            "skip_reviewer_request": True,
        },
        by="test",
    )
    assert b"picture" not in str(ask(database, "SELECT args FROM orchestration_outbox_jobs")).encode()
    await pump.run_due()
    spec = cursor.agents[made].spec
    assert (spec.repository, spec.ref, spec.mode) == ("https://github.com/acme/web", "main", "plan")
    assert spec.more_repositories == (RepositorySpec("https://github.com/acme/api"),)
    assert spec.model_params == (("thinking", "high"),)
    assert spec.images == (Image(data=PNG, mime_type="image/png"), Image(url="https://example.com/a.png"))
    assert (spec.auto_create_pr, spec.skip_reviewer_request, spec.work_on_current_branch) == (True, True, False)
    assert ask_one(database, KEPT) == 0


async def test_a_picture_outlives_a_lost_answer_and_is_sent_once(pump: Pump, cursor: FakeCursor, database: str) -> None:
    made = agents.launch({**LAUNCH, "images": [{"upload_id": upload()}]}, by="test")
    cursor.fail("create_agent", OutcomeUnknown("timed_out", "cut"))
    await pump.run_due("launch_agent")
    assert ask_one(database, KEPT) == 1
    await pump.run_until(lambda: get_agent(made).agent.state == "finished")
    assert (len(cursor.agents), ask_one(database, KEPT)) == (1, 0)


async def test_a_follow_up_carries_pictures_and_another_model(
    pump: Pump, cursor: FakeCursor, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = agents.launch(LAUNCH, by="test")
    await pump.run_due()
    sent: list[dict[str, Any]] = []
    create_run = cursor.create_run

    async def noted(agent_id: str, prompt: str, **options: Any) -> Any:
        sent.append(options)
        return await create_run(agent_id, prompt, **options)

    monkeypatch.setattr(cursor, "create_run", noted)
    extras = {"model": "fast-2", "images": [{"upload_id": upload()}]}
    wanted = {"by": "test", "extras": extras, "idempotency_key": "k"}
    first = agents.followup(made, "Now this.", **wanted)
    await pump.run_due()
    assert agents.followup(made, "Now this.", **wanted) == first  # its answer was lost on the way
    with pytest.raises(Conflict, match="another body"):
        agents.followup(made, "Now that.", **wanted)
    agents.followup(made, "And text alone.", by="test")
    await pump.run_due()
    assert sent == [{"model": "fast-2", "images": (Image(data=PNG, mime_type="image/png"),)}, {}]
    assert get_agent(made).agent.model == "fast-2"
    assert ask_one(database, KEPT) == 0


def test_a_picture_is_given_away_once(database: str) -> None:
    wanted = {**LAUNCH, "images": [{"upload_id": upload()}]}
    agents.launch(wanted, by="test", idempotency_key="k")
    agents.launch(wanted, by="test", idempotency_key="k")
    with pytest.raises(Invalid, match="upload the picture again") as refused:
        agents.launch(wanted, by="test")
    assert refused.value.field == "images[0].upload_id"
    assert ask_one(database, "SELECT count(*) FROM agents") == 1


@pytest.mark.parametrize(
    ("content", "mime_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"<svg onload=alert(1)>", None),
        (b"<html>", None),
        (b"", None),
        (PNG + b"x" * IMAGE_BYTES, None),
    ],
    ids=["png", "jpeg", "gif", "webp", "svg", "html", "empty", "large"],
)
def test_only_pictures_are_taken_in(database: str, content: bytes, mime_type: str | None) -> None:
    if mime_type is not None:
        assert uploads.take_in(content, by="test").mime_type == mime_type
        return
    with pytest.raises(Invalid, match="image: "):
        uploads.take_in(content, by="test")


def test_pictures_that_wait_have_a_limit_in_all(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "WAITING_BYTES", 2 * len(PNG))
    upload()
    upload()
    with pytest.raises(Conflict, match="Too many"):
        upload()


async def test_what_nothing_needs_is_forgotten(pump: Pump, cursor: FakeCursor, database: str) -> None:
    cursor.fail("create_agent", Permanent("validation_error", "no such branch", status=400))
    refused = agents.launch({**LAUNCH, "images": [{"upload_id": upload()}]}, by="test")
    await pump.run_due()
    waiting = agents.launch({**LAUNCH, "images": [{"upload_id": upload()}]}, by="test")
    old, new = upload(), upload()
    ask(database, "UPDATE agent_uploads SET created_at = now() - interval '2 days' WHERE id = %s", (old,))
    assert maintenance.prune()["uploads"] == 2
    left = {(str(one), holder) for one, holder in ask(database, "SELECT id, held_by FROM agent_uploads")}
    assert {holder for _, holder in left} == {waiting, None}
    assert (new, None) in left
    assert get_agent(refused).agent.state == "failed"
