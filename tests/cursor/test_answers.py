"""How answers become our values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from cursor_monitor.cursor import payloads
from cursor_monitor.cursor.api import AgentSpec, Artifact, BranchView, Message, ModelVariant
from cursor_monitor.cursor.fields import PayloadError, parse_json
from cursor_monitor.cursor.payloads import normalise_repository
from tests.cursor.harness import AGENT_ID, RUN_ID, FakeWire, agent_json, run_json, violations

TOKENS = {
    "inputTokens": 10,
    "outputTokens": 20,
    "cacheWriteTokens": 30,
    "cacheReadTokens": 40,
    "totalTokens": 100,
}
NO_TOKENS = dict.fromkeys(TOKENS, 0)


def test_the_samples_of_these_tests_are_what_the_vendor_describes() -> None:
    assert violations("Agent", agent_json()) == []
    assert violations("Run", run_json()) == []


async def test_a_created_agent_comes_with_its_run(wire: FakeWire) -> None:
    wire.answers(httpx.Response(201, json={"agent": agent_json(), "run": run_json(status="CREATING")}))
    launched = await wire.client.create_agent(AgentSpec(AGENT_ID, "x", "https://github.com/acme/shop"))
    assert launched.agent.id == AGENT_ID
    assert launched.agent.repository == "https://github.com/acme/shop"
    assert launched.agent.ref == "main"
    assert launched.agent.created_at == datetime(2026, 10, 20, 11, tzinfo=UTC)
    assert launched.run is not None
    assert launched.run.status == "CREATING"


async def test_a_created_agent_may_come_without_a_run(wire: FakeWire) -> None:
    wire.answers(httpx.Response(200, json={"agent": agent_json()}))
    assert (await wire.client.create_agent(AgentSpec(AGENT_ID, "x", None))).run is None


def test_unknown_words_and_fields_survive() -> None:
    agent = payloads.parse_agent(agent_json(status="HIBERNATING", mood={"deep": [1]}))
    run = payloads.parse_run(run_json(status="PONDERING", extra=None))
    assert (agent.status, run.status) == ("HIBERNATING", "PONDERING")


def test_absent_and_null_are_the_same() -> None:
    bare = {key: agent_json()[key] for key in ("id", "status", "createdAt")}
    null = {**dict.fromkeys(agent_json()), **bare}
    assert payloads.parse_agent(bare) == payloads.parse_agent(null)
    assert payloads.parse_agent(bare).updated_at == payloads.parse_agent(bare).created_at


@pytest.mark.parametrize("text", ["2026-10-20T13:00:00.000+02:00", "2026-10-20T11:00:00Z", "2026-10-20T11:00:00"])
def test_every_timestamp_is_aware_and_utc(text: str) -> None:
    created_at = payloads.parse_run(run_json(createdAt=text)).created_at
    assert created_at == datetime(2026, 10, 20, 11, tzinfo=UTC)
    assert created_at.utcoffset() == timedelta(0)


def test_branches_get_back_their_scheme() -> None:
    git = {
        "branches": [
            {
                "repoUrl": "github.com/acme/shop",
                "branch": "cursor/x",
                "prUrl": "https://github.com/acme/shop/pull/3",
            },
            {"repoUrl": "github.com/acme/other"},
            {"branch": "homeless"},
        ]
    }
    run = payloads.parse_run(run_json(status="FINISHED", durationMs=4200, result="Done.", git=git))
    assert (run.duration_ms, run.result) == (4200, "Done.")
    assert run.branches == (
        BranchView("https://github.com/acme/shop", "cursor/x", "https://github.com/acme/shop/pull/3"),
        BranchView("https://github.com/acme/other", None, None),
    )


@pytest.mark.parametrize("git", [None, [], {}, {"branches": None}, {"branches": "x"}, {"branches": [7]}])
def test_strange_git_is_no_branch(git: object) -> None:
    assert payloads.parse_run(run_json(git=git)).branches == ()


@pytest.mark.parametrize(
    "url",
    [
        "github.com/Acme/shop",
        "https://github.com/Acme/shop",
        "http://GitHub.com/Acme/shop/",
        "https://github.com/Acme/shop.git",
        "git@github.com:Acme/shop.git",
        "ssh://git@github.com/Acme/shop",
        "https://user:token@github.com/Acme/shop",
    ],
)
def test_a_repository_has_one_spelling(url: str) -> None:
    assert normalise_repository(url) == "https://github.com/Acme/shop"


@pytest.mark.parametrize("url", ["https://[bad", "", "x", "https://dev.azure.com:8443/o/_git/r"])
def test_a_strange_repository_does_not_break_an_answer(url: str) -> None:
    assert isinstance(normalise_repository(url), str)
    assert payloads.parse_agent(agent_json(repos=[{"url": url}])).id == AGENT_ID


@pytest.mark.parametrize(("cursor", "expected"), [("abc", "abc"), ("", None), (None, None)])
async def test_a_listing_ends_without_a_cursor(wire: FakeWire, cursor: str | None, expected: str | None) -> None:
    wire.answers(httpx.Response(200, json={"items": [run_json()], "nextCursor": cursor}))
    page = await wire.client.list_runs(AGENT_ID)
    assert ([run.id for run in page.items], page.next_cursor) == ([RUN_ID], expected)


def test_usage_and_cost() -> None:
    usage = payloads.parse_usage(
        {
            "totalUsage": TOKENS,
            "cost": {"rawCostCents": 12.5, "chargedCents": 0},
            "runs": [{"id": RUN_ID, "usageUuid": "u", "usage": TOKENS, "cost": {"chargedCents": 1.25}}],
        }
    )
    assert (usage.total_tokens, usage.cache_read_tokens, usage.cache_write_tokens) == (100, 40, 30)
    assert (usage.charged_cents, usage.raw_cents) == (0, 12.5)
    assert (usage.runs[0].run_id, usage.runs[0].input_tokens, usage.runs[0].charged_cents) == (
        RUN_ID,
        10,
        1.25,
    )


def test_usage_not_recorded_yet_is_unknown_not_zero() -> None:
    nothing = {"chargedCents": 0, "rawCostCents": 0.0}
    runs = [{"id": RUN_ID, "usage": NO_TOKENS, "cost": nothing}]
    usage = payloads.parse_usage({"totalUsage": NO_TOKENS, "cost": nothing, "runs": runs})
    assert (usage.total_tokens, usage.input_tokens, usage.charged_cents) == (None, None, None)
    assert (usage.runs[0].total_tokens, usage.runs[0].charged_cents) == (None, None)


def test_usage_recorded_as_zero_is_zero() -> None:
    runs = [{"id": RUN_ID, "usageUuid": "u", "usage": NO_TOKENS}]
    usage = payloads.parse_usage({"totalUsage": NO_TOKENS, "runs": runs})
    assert (usage.total_tokens, usage.runs[0].total_tokens, usage.charged_cents) == (0, 0, None)


def test_usage_without_any_run_is_unknown() -> None:
    usage = payloads.parse_usage({"totalUsage": NO_TOKENS, "runs": []})
    assert (usage.total_tokens, usage.charged_cents, usage.runs) == (None, None, ())


@pytest.mark.parametrize("number", [True, "7", None, [], float("nan"), float("inf")])
def test_what_is_no_number_is_unknown(number: object) -> None:
    assert payloads.parse_run(run_json(durationMs=number)).duration_ms is None


def test_models_with_parameters_and_variants() -> None:
    (model,) = payloads.parse_models(
        {
            "items": [
                {
                    "id": "composer-2",
                    "displayName": "Composer 2",
                    "aliases": ["composer"],
                    "parameters": [{"id": "fast", "values": [{"value": "true", "displayName": "Fast"}]}],
                    "variants": [
                        {
                            "params": [{"id": "cyber", "value": "on"}],
                            "displayName": "Cyber",
                            "isDefault": True,
                        }
                    ],
                }
            ]
        }
    )
    assert (model.id, model.display_name, model.aliases) == ("composer-2", "Composer 2", ("composer",))
    assert model.parameters[0].values[0].display_name == "Fast"
    assert model.variants == (ModelVariant((("cyber", "on"),), "Cyber", None, True),)


def test_a_model_may_be_bare() -> None:
    (model,) = payloads.parse_models({"items": [{"id": "default"}]})
    assert (model.display_name, model.parameters, model.variants) == ("default", (), ())


async def test_account_of_a_service_key(wire: FakeWire) -> None:
    wire.answers(httpx.Response(200, json={"apiKeyName": "CI", "createdAt": "2026-01-01T00:00:00.000Z"}))
    account = await wire.client.get_me()
    assert (account.key_name, account.user_id, account.email) == ("CI", None, None)


async def test_repositories_artifacts_and_conversation(wire: FakeWire) -> None:
    wire.answers(httpx.Response(200, json={"items": [{"url": "https://github.com/acme/shop.git"}]}))
    assert await wire.client.list_repositories() == ("https://github.com/acme/shop",)
    wire.answers(httpx.Response(200, json={"items": [{"path": "artifacts/x.png", "sizeBytes": 5}]}))
    assert await wire.client.list_artifacts(AGENT_ID) == (Artifact("artifacts/x.png", 5, None),)
    wire.answers(httpx.Response(200, json={"messages": [{"id": "m1", "type": "user_message", "text": "Hi"}]}))
    assert await wire.client.get_conversation(AGENT_ID) == (Message("m1", "user_message", "Hi"),)


async def test_no_content_confirms(wire: FakeWire) -> None:
    wire.answers(httpx.Response(204))
    await wire.client.archive_agent(AGENT_ID)
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    ("parse", "data"),
    [
        (payloads.parse_agent, agent_json(id="")),
        (payloads.parse_agent, agent_json(status=None)),
        (payloads.parse_agent, agent_json(createdAt="yesterday")),
        (payloads.parse_agent, []),
        (payloads.parse_run, run_json(agentId=5)),
        (payloads.parse_created_run, {}),
        (payloads.parse_launched, {"run": run_json()}),
        (payloads.parse_runs, {"items": {}}),
        (payloads.parse_runs, {"items": [None]}),
        (payloads.parse_confirmation, {}),
        (payloads.parse_models, "x"),
    ],
)
def test_without_the_essentials_there_is_no_value(parse: Any, data: object) -> None:
    with pytest.raises(PayloadError):
        parse(data)


def test_what_postgres_cannot_store_is_replaced() -> None:
    body = rb'{"a": "x\u0000y", "b": ["\ud83d!", "\ud83d\ude42"], "c\u0000": 1, "d": "\\u0000"}'
    assert parse_json(body) == {"a": "x\ufffdy", "b": ["\ufffd!", "🙂"], "c\ufffd": 1, "d": "\\u0000"}


@pytest.mark.parametrize("body", [b"", b"{", b"<html>", b"\xff\xfe\xfa", b"[" * 100_000])
def test_what_is_not_json_has_one_error(body: bytes) -> None:
    with pytest.raises(PayloadError):
        parse_json(body)
