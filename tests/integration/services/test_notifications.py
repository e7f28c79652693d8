"""Notifications: written with what they tell of, sent once it is committed, to where they may go and nowhere else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from cursor_monitor.domain.access import LOCAL
from cursor_monitor.domain.accounts import Trouble
from cursor_monitor.domain.errors import Invalid
from cursor_monitor.domain.jobs import JobKind
from cursor_monitor.outgoing.mail import MailServer
from cursor_monitor.queries import notifications as queries
from cursor_monitor.queries import orchestrations as orchestration_queries
from cursor_monitor.secrets.vault import open_vault
from cursor_monitor.services import notification_channels as channels
from cursor_monitor.services import notify, orchestrations
from cursor_monitor.services.account_health import note_refused
from cursor_monitor.services.caller import acting_as
from cursor_monitor.services.rotation import rotate
from cursor_monitor.services.tuning import current, tune
from tests.fakes.cursor import FakeCursor
from tests.support.postgres import ask, ask_one
from tests.support.pump import Pump, lose_leases
from tests.support.receivers import Hooks, Mailbox, receiving_hooks, receiving_mail

LAUNCH: dict[str, Any] = {"prompt": "Add a changelog.", "repository": "acme/web"}
KEYS = ("k" * 20 + "0123456789abcdef", "n" * 20 + "0123456789abcdef")


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    with receiving_hooks() as made:
        yield made


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with receiving_mail() as made:
        yield made


@pytest.fixture(autouse=True)
def allowed(database: str, tmp_path: Any) -> Iterator[None]:
    """The receivers are on this machine."""
    open_vault(KEYS[:1], tmp_path)
    before = current()
    tune(replace(before, notify_allow_private=True, public_url="https://monitor.example.com"))
    with acting_as(LOCAL):
        yield
    tune(before)


def channel(hooks: Hooks, kind: str = "slack", **fields: Any) -> channels.NewChannel:
    return channels.create({"name": kind, "kind": kind, "target": f"{hooks.url}/secret-path-4711", **fields})


def statuses(made: channels.NewChannel) -> list[str]:
    return [delivery.status for delivery in queries.list_deliveries(made.id).items]


async def test_an_end_is_told_on_every_way_and_once(
    pump: Pump, database: str, hooks: Hooks, mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    tune(replace(current(), mail_server=MailServer("127.0.0.1", mailbox.port, "none", "monitor@example.com")))
    chat, program = channel(hooks), channel(hooks, "webhook", repository="acme/*")
    post = channels.create({"name": "mail", "kind": "email", "target": "ada@example.com, bob@example.com"})
    channel(hooks, name="elsewhere", repository="other/*")
    channel(hooks, name="off", is_enabled=False)
    channel(hooks, name="deaf", events=["budget.near"])
    made = orchestrations.launch({**LAUNCH, "name": "<!channel> \u202e & Bcc: x@y.z"}, by="ada")
    await pump.run_until(lambda: orchestration_queries.get_orchestration(made).status == "completed")
    await pump.run_due(JobKind.NOTIFY)
    assert [statuses(one) for one in (chat, program, post)] == [["sent"]] * 3
    (slack, signed) = sorted(hooks.came, key=lambda came: "webhook-id" in came[1])
    assert "&lt;!channel&gt; &amp; Bcc: x@y.z: completed" in json.loads(slack[2])["text"]
    assert f"<https://monitor.example.com/orchestrations/{made}|Open it>" in json.loads(slack[2])["text"]
    headers = signed[1]
    key = base64.b64decode((program.secret or "").removeprefix("whsec_"))
    signing = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + signed[2]
    mac = base64.b64encode(hmac.new(key, signing, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{mac}"
    assert json.loads(signed[2])["data"]["orchestration_id"] == made
    (mail,) = mailbox.came
    assert mailbox.recipients == ["ada@example.com", "bob@example.com"]
    assert "\nBcc:" not in mail
    assert ask_one(database, "SELECT count(*) FROM notification_deliveries") == 3
    kept = ask(
        database,
        "SELECT c::text FROM notification_channels c UNION ALL SELECT args::text FROM orchestration_outbox_jobs",
    )
    assert "secret-path-4711" not in f"{kept}{caplog.text}{queries.list_channels()}"


async def test_what_fails_is_tried_again_under_its_id_and_what_is_final_is_not(pump: Pump, hooks: Hooks) -> None:
    made = channel(hooks, "webhook")
    hooks.answers = [(503, {"Retry-After": "30"}), (200, {}), (302, {"Location": hooks.url}), (404, {})]
    channels.send_test(made.id)
    await pump.run_due(JobKind.NOTIFY)
    row = queries.get_channel(made.id)
    assert (statuses(made), row.failure) == (["pending"], "127.0.0.1 answered 503: ok")
    await pump.run_until(lambda: statuses(made) == ["sent"])
    assert len({came[1]["webhook-id"] for came in hooks.came}) == 1
    assert queries.get_channel(made.id).failure is None
    for words in ("redirect", "404"):
        channels.send_test(made.id)
        await pump.run_due(JobKind.NOTIFY)
        newest = queries.list_deliveries(made.id).items[0]
        assert (newest.status, newest.attempts, words in (newest.error or "")) == ("failed", 1, True)
    assert len(hooks.came) == 4, "the redirect was not followed"


async def test_a_channel_has_its_rate_and_a_worker_that_died_sends_again(pump: Pump, hooks: Hooks) -> None:
    made = channel(hooks, per_minute=2)
    for _ in range(3):
        channels.send_test(made.id)
    await pump.run_due(JobKind.NOTIFY)
    assert sorted(statuses(made)) == ["pending", "sent", "sent"]
    assert pump.claim(JobKind.NOTIFY) is None, "the third waits for its minute"
    channels.change(made.id, {"per_minute": 10})
    await pump.run_until(lambda: statuses(made) == ["sent"] * 3)
    channels.send_test(made.id)
    assert pump.claim(JobKind.NOTIFY) is not None
    assert pump.claim(JobKind.NOTIFY) is None, "one at a time"
    lose_leases()
    await pump.run_due(JobKind.NOTIFY)
    assert (statuses(made), len(hooks.came)) == (["sent"] * 4, 4)


async def test_nothing_leads_into_a_private_network(pump: Pump, hooks: Hooks) -> None:
    made = channel(hooks)
    tune(replace(current(), notify_allow_private=False))
    with pytest.raises(Invalid, match="must begin with https"):
        channel(hooks, name="second")
    channels.send_test(made.id)
    await pump.run_due(JobKind.NOTIFY)
    (delivery,) = queries.list_deliveries(made.id).items
    assert (delivery.status, hooks.came) == ("failed", [])
    assert "private network" in (delivery.error or "")


async def test_mail_without_the_encryption_that_was_asked_for_is_not_sent(pump: Pump, mailbox: Mailbox) -> None:
    server = MailServer("127.0.0.1", mailbox.port, "starttls", "monitor@example.com")
    tune(replace(current(), mail_server=server))
    made = channels.create({"name": "mail", "kind": "email", "target": "ada@example.com"})
    channels.send_test(made.id)
    await pump.run_due(JobKind.NOTIFY)
    assert (statuses(made), mailbox.came) == (["failed"], [])
    tune(replace(current(), mail_server=replace(server, security="none")))
    mailbox.answer = "451 later"
    channels.send_test(made.id)
    await pump.run_due(JobKind.NOTIFY)
    assert statuses(made)[0] == "pending"
    mailbox.answer = "250 kept"
    await pump.run_until(lambda: statuses(made)[0] == "sent")
    assert len(mailbox.came) == 1


async def test_what_has_no_transaction_of_its_own_is_told_once(
    pump: Pump, cursor: FakeCursor, database: str, hooks: Hooks
) -> None:
    made = channel(hooks)
    ask(
        database,
        "INSERT INTO service_health_events (service, instance, kind, details, created_at) VALUES"
        " ('worker', 'lost-1', 'heartbeat', '{\"interval_seconds\": 1}', now() - interval '30 s'),"
        " ('worker', 'done-1', 'stopped', '{\"interval_seconds\": 1}', now() - interval '30 s'),"
        " ('worker', 'here-1', 'heartbeat', '{\"interval_seconds\": 15}', now())",
    )
    ask(
        database,
        "INSERT INTO orchestration_outbox_jobs (kind, status, attempts, errors, finished_at)"
        " SELECT kind, 'failed', 10, '[{\"error\": \"the cable was cut\"}]', now() - interval '3 minutes'"
        " FROM unnest(ARRAY['advance', 'advance', 'notify']) AS kind",
    )
    note_refused("default", 1, Trouble.KEY, "unauthorized", "no")
    with ThreadPoolExecutor(4) as pool:
        told = [*pool.map(lambda _: notify.look_around(), range(4))]
    assert sum(told) == 2
    assert notify.look_around() == 0
    titles = {delivery.title for delivery in queries.list_deliveries(made.id).items}
    assert titles == {"A worker fell silent", "2 jobs were given up", "Cursor refuses the account default"}


async def test_another_master_key_opens_the_channels_and_a_wrong_one_changes_nothing(
    pump: Pump, hooks: Hooks, tmp_path: Any
) -> None:
    made = channel(hooks, "webhook")
    open_vault((KEYS[1], KEYS[0]), tmp_path)
    assert rotate() == 1
    open_vault(KEYS[1:], tmp_path)
    channels.send_test(made.id)
    await pump.run_due(JobKind.NOTIFY)
    assert statuses(made) == ["sent"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"kind": "pigeon"}, "kind"),
        ({"kind": "email"}, "kind"),
        ({"name": "a\nb"}, "name"),
        ({"target": "gopher://x"}, "target"),
        ({"events": []}, "events"),
        ({"events": ["test"]}, "events"),
        ({"per_minute": 0}, "per_minute"),
        ({"repository": "x"}, "repository"),
        ({"secret": "whsec_AAAA"}, "secret"),
        ({"kind": "webhook", "secret": "whsec_AAAA"}, "secret"),
        ({"owner": "me"}, "owner"),
        ({}, "name"),
    ],
)
def test_a_channel_that_cannot_be_is_refused(database: str, hooks: Hooks, fields: dict[str, Any], field: str) -> None:
    channel(hooks)
    with pytest.raises(Invalid) as caught:
        channel(hooks, **({"name": "Slack"} | fields))
    assert caught.value.field == field
