"""What the caller may do next after each way in which a call can fail."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import httpx
import pytest

from cursor_monitor.cursor.api import AgentSpec
from cursor_monitor.cursor.client import HttpCursorApi, build_client
from cursor_monitor.cursor.errors import (
    KIND_BY_CODE,
    CursorError,
    OutcomeUnknown,
    Permanent,
    Retryable,
    StreamExpired,
    StreamUnavailable,
)
from cursor_monitor.cursor.refusals import read_refusal, sort_refusal
from tests.cursor.harness import AGENT_ID, KEY, RUN_ID, FakeWire, agent_json, openapi, refusal, run_json

SPEC = AgentSpec(AGENT_ID, "x", "https://github.com/acme/shop")
HTML = "<!DOCTYPE html><html><title>Bad gateway</title></html>"

POSTS: dict[str, Callable[[HttpCursorApi], Awaitable[object]]] = {
    "create_agent": lambda c: c.create_agent(SPEC),
    "create_run": lambda c: c.create_run(AGENT_ID, "x"),
    "cancel_run": lambda c: c.cancel_run(AGENT_ID, RUN_ID),
    "archive_agent": lambda c: c.archive_agent(AGENT_ID),
}


async def failure(wire: FakeWire, call: Awaitable[object]) -> CursorError:
    with pytest.raises(CursorError) as caught:
        await call
    return caught.value


CODES: list[tuple[int, str, type[CursorError], str | None]] = [
    (401, "unauthorized", Permanent, "key"),
    (401, "api_key_not_found", Permanent, "key"),
    (403, "service_account_required", Permanent, "key"),
    (403, "plan_required", Permanent, "plan"),
    (403, "role_forbidden", Permanent, "plan"),
    (403, "feature_unavailable", Permanent, "plan"),
    (403, "integration_not_connected", Permanent, "plan"),
    (400, "usage_limit_exceeded", Permanent, "money"),
    (429, "usage_limit_exceeded", Permanent, "money"),
    (503, "usage_limit_exceeded", Permanent, "money"),
    (400, "validation_error", Permanent, "input"),
    (400, "missing_body", Permanent, "input"),
    (400, "invalid_model", Permanent, "input"),
    (400, "invalid_branch_name", Permanent, "input"),
    (400, "repository_required", Permanent, "input"),
    (400, "repository_access", Permanent, "repository"),
    (403, "repository_access", Permanent, "repository"),
    (400, "pr_resolution_failed", Permanent, "input"),
    (400, "invalid_last_event_id", Permanent, "input"),
    (501, "not_implemented", Permanent, "input"),
    (404, "agent_not_found", Permanent, "gone"),
    (404, "run_not_found", Permanent, "gone"),
    (404, "artifact_not_found", Permanent, "gone"),
    (410, "stream_expired", StreamExpired, "gone"),
    (409, "agent_busy", Permanent, "conflict"),
    (409, "agent_archived", Permanent, "conflict"),
    (409, "agent_id_conflict", Permanent, "conflict"),
    (409, "run_not_cancellable", Permanent, "conflict"),
    (429, "rate_limit_exceeded", Retryable, None),
    (409, "stream_unavailable", StreamUnavailable, None),
    (503, "stream_unavailable", StreamUnavailable, None),
]
UNSETTLED = [(499, "client_cancelled"), (502, "upstream_error"), (500, "internal_error")]


def test_every_code_of_the_vendor_is_tried_here() -> None:
    error = openapi()["components"]["schemas"]["Error"]["properties"]["error"]
    described = set(re.findall(r"`([a-z_]+)`", error["properties"]["code"]["description"]))
    assert described <= {code for _, code, _, _ in CODES} | {code for _, code in UNSETTLED}


@pytest.mark.parametrize(("status", "code", "expected", "kind"), CODES)
async def test_a_post_is_sorted_by_its_code(
    wire: FakeWire, status: int, code: str, expected: type[CursorError], kind: str | None
) -> None:
    wire.answers(refusal(status, code, "said so", helpUrl="https://cursor.com/help"))
    error = await failure(wire, wire.client.create_agent(SPEC))
    assert type(error) is expected
    assert (error.code, error.message, error.status) == (code, "said so", status)
    assert error.help_url == "https://cursor.com/help"
    assert getattr(error, "kind", None) == kind
    assert str(error) == f"{code}: said so"
    assert len(wire.requests) == 1


@pytest.mark.parametrize(("status", "code", "expected", "kind"), CODES)
async def test_a_get_is_sorted_alike(
    wire: FakeWire, status: int, code: str, expected: type[CursorError], kind: str | None
) -> None:
    wire.answers(refusal(status, code))
    error = await failure(wire, wire.client.get_agent(AGENT_ID))
    assert type(error) is expected
    assert getattr(error, "kind", None) == kind


@pytest.mark.parametrize(("status", "code"), UNSETTLED)
async def test_an_unsettled_code_is_unknown_on_a_post_only(wire: FakeWire, status: int, code: str) -> None:
    wire.answers(refusal(status, code))
    assert type(await failure(wire, wire.client.create_agent(SPEC))) is OutcomeUnknown
    assert type(await failure(wire, wire.client.get_agent(AGENT_ID))) is Retryable
    assert type(await failure(wire, wire.client.delete_agent(AGENT_ID))) is Retryable


@pytest.mark.parametrize(
    ("status", "body", "code", "message"),
    [
        (404, {"error": {"code": "agent_not_found", "message": "No agent"}}, "agent_not_found", "No agent"),
        (404, {"error": "Agent not found"}, "http_404", "Agent not found"),
        (429, {"error": "Too Many Requests", "message": "Slow down"}, "rate_limit_exceeded", "Slow down"),
        (410, {"code": "cursor_expired"}, "cursor_expired", "the server answered 410"),
        (401, {"error": "Unauthorized"}, "unauthorized", "Unauthorized"),
        (400, {"error": "validation_error", "message": "Bad"}, "validation_error", "Bad"),
        (403, {"message": "Forbidden"}, "http_403", "Forbidden"),
        (409, {"error": {"code": 5, "message": None}}, "http_409", "the server answered 409"),
        (400, {"error": {"code": "brand_new", "message": "x" * 5000}}, "brand_new", "x" * 1000),
        (400, {}, "http_400", "the server answered 400"),
        (400, [], "http_400", "the server answered 400: []"),
    ],
)
def test_every_error_shape_is_read(status: int, body: object, code: str, message: str) -> None:
    read = read_refusal(status, httpx.Response(status, json=body).content)
    assert (read.status, read.code, read.message) == (status, code, message)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "input"),
        (401, "key"),
        (402, "money"),
        (403, "plan"),
        (404, "gone"),
        (409, "conflict"),
        (422, "input"),
    ],
)
async def test_a_code_never_seen_goes_by_status(wire: FakeWire, status: int, kind: str) -> None:
    wire.answers(refusal(status, "never_seen"))
    error = await failure(wire, wire.client.create_agent(SPEC))
    assert (type(error), getattr(error, "kind", None)) == (Permanent, kind)


@pytest.mark.parametrize("body", [HTML, "", "upstream connect error"])
@pytest.mark.parametrize("status", [500, 502, 503, 504, 520])
@pytest.mark.parametrize("name", POSTS)
async def test_a_broken_answer_to_a_post_is_unknown_and_never_sent_twice(
    wire: FakeWire, name: str, status: int, body: str
) -> None:
    wire.answers(httpx.Response(status, text=body))
    error = await failure(wire, POSTS[name](wire.client))
    assert (type(error), error.status, error.code) == (OutcomeUnknown, status, f"http_{status}")
    assert "DOCTYPE" not in str(error)
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, HTML, OutcomeUnknown),
        (403, HTML, OutcomeUnknown),
        (408, "", OutcomeUnknown),
        (429, HTML, Retryable),
        (401, HTML, Permanent),
        (413, "", Permanent),
        (404, "", Permanent),
    ],
)
async def test_a_post_answered_by_someone_else(
    wire: FakeWire, status: int, body: str, expected: type[CursorError]
) -> None:
    wire.answers(httpx.Response(status, text=body))
    assert type(await failure(wire, wire.client.create_agent(SPEC))) is expected
    assert len(wire.requests) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 410])
async def test_a_page_by_someone_else_never_says_that_an_agent_is_gone(wire: FakeWire, status: int) -> None:
    wire.answers(httpx.Response(status, text=HTML))
    assert type(await failure(wire, wire.client.get_agent(AGENT_ID))) is Retryable


@pytest.mark.parametrize(
    "body",
    [b"", b'{"agent": {"id"', b"{}", b'{"run": {}}', b"null", b'{"agent": {"id": "bc-1"}}'],
)
async def test_a_success_that_cannot_be_read(wire: FakeWire, body: bytes) -> None:
    wire.answers(httpx.Response(201, content=body))
    error = await failure(wire, wire.client.create_agent(SPEC))
    assert (type(error), error.code, error.status) == (OutcomeUnknown, "bad_response", 201)
    wire.requests.clear()
    assert type(await failure(wire, wire.client.get_agent(AGENT_ID))) is Retryable
    assert len(wire.requests) == 3


NEVER_SENT = [httpx.ConnectError("no route"), httpx.ConnectTimeout("slow"), httpx.PoolTimeout("full")]
CUT = [
    (httpx.ReadTimeout("slow"), "timed_out"),
    (httpx.WriteTimeout("slow"), "timed_out"),
    (TimeoutError(), "timed_out"),
    (httpx.ReadError("reset"), "connection_cut"),
    (httpx.WriteError("pipe"), "connection_cut"),
    (httpx.RemoteProtocolError("disconnected"), "connection_cut"),
    (httpx.DecodingError("bad gzip"), "connection_cut"),
]


@pytest.mark.parametrize("name", POSTS)
@pytest.mark.parametrize("cause", NEVER_SENT, ids=lambda cause: type(cause).__name__)
async def test_a_post_that_never_left_may_be_sent_again(wire: FakeWire, name: str, cause: Exception) -> None:
    wire.answers(cause)
    error = await failure(wire, POSTS[name](wire.client))
    assert (type(error), error.code, error.status) == (Retryable, "connection_failed", None)
    assert len(wire.requests) == 1


@pytest.mark.parametrize("name", POSTS)
@pytest.mark.parametrize(("cause", "code"), CUT, ids=[type(cause).__name__ for cause, _ in CUT])
async def test_a_post_without_an_answer_is_unknown(wire: FakeWire, name: str, cause: Exception, code: str) -> None:
    wire.answers(cause)
    error = await failure(wire, POSTS[name](wire.client))
    assert (type(error), error.code, error.status) == (OutcomeUnknown, code, None)
    assert len(wire.requests) == 1


@pytest.mark.parametrize("cause", [*NEVER_SENT, *(cause for cause, _ in CUT)], ids=lambda c: type(c).__name__)
async def test_a_get_is_tried_three_times(wire: FakeWire, cause: Exception) -> None:
    wire.answers(cause)
    assert type(await failure(wire, wire.client.get_agent(AGENT_ID))) is Retryable
    assert len(wire.requests) == 3
    assert wire.pauses == [0.25, 0.5]


async def test_a_get_succeeds_on_its_third_try(wire: FakeWire) -> None:
    wire.answers(httpx.Response(502, text=HTML), httpx.ReadError("cut"), httpx.Response(200, json=agent_json()))
    assert (await wire.client.get_agent(AGENT_ID)).id == AGENT_ID
    assert len(wire.requests) == 3


async def test_a_delete_is_sent_once(wire: FakeWire) -> None:
    wire.answers(httpx.ReadError("cut"))
    assert type(await failure(wire, wire.client.delete_agent(AGENT_ID))) is Retryable
    assert len(wire.requests) == 1


async def test_repositories_are_asked_once(wire: FakeWire) -> None:
    wire.answers(httpx.Response(502))
    assert type(await failure(wire, wire.client.list_repositories())) is Retryable
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    ("status", "retry_after", "tries", "pauses"),
    [
        (429, None, 1, []),
        (429, "2", 3, [2.25, 2.25]),
        (429, "60", 1, []),
        (503, "1", 3, [1.25, 1.25]),
        (503, "120", 1, []),
        (503, "soon", 3, [0.25, 0.5]),
    ],
)
async def test_a_get_waits_a_few_seconds_and_no_more(
    wire: FakeWire, status: int, retry_after: str | None, tries: int, pauses: list[float]
) -> None:
    headers = {"Retry-After": retry_after} if retry_after else None
    code = "rate_limit_exceeded" if status == 429 else "upstream_error"
    wire.answers(refusal(status, code, headers=headers))
    error = await failure(wire, wire.client.get_run(AGENT_ID, RUN_ID))
    assert type(error) is Retryable
    assert error.retry_after == (float(retry_after) if retry_after and retry_after != "soon" else None)
    assert (len(wire.requests), wire.pauses) == (tries, pauses)


async def test_a_rate_limited_post_says_when_to_come_back(wire: FakeWire) -> None:
    wire.answers(refusal(429, "rate_limit_exceeded", headers={"Retry-After": "Tue, 20 Oct 2026 12:00:30 GMT"}))
    error = await failure(wire, wire.client.create_agent(SPEC))
    assert (type(error), error.retry_after, len(wire.requests)) == (Retryable, 30.0, 1)


@pytest.mark.parametrize("status", [301, 302, 304, 307, 308])
@pytest.mark.parametrize("target", ["https://evil.test/v1/agents", "/v1/elsewhere", None])
async def test_redirects_are_refused(wire: FakeWire, status: int, target: str | None) -> None:
    wire.answers(httpx.Response(status, headers={"Location": target} if target else None, text=HTML))
    for call in (wire.client.create_agent(SPEC), wire.client.get_agent(AGENT_ID)):
        error = await failure(wire, call)
        assert (type(error), error.code) == (Permanent, "redirect_refused")
    assert len(wire.requests) == 2


async def test_see_other_after_a_post_may_mean_done(wire: FakeWire) -> None:
    wire.answers(httpx.Response(303, headers={"Location": "/v1/agents/x"}))
    assert type(await failure(wire, wire.client.create_agent(SPEC))) is OutcomeUnknown
    assert type(await failure(wire, wire.client.get_agent(AGENT_ID))) is Permanent


async def test_a_busy_agent_is_told_apart_from_a_taken_id(wire: FakeWire) -> None:
    wire.answers(refusal(409, "agent_busy"))
    busy = await failure(wire, wire.client.create_run(AGENT_ID, "x"))
    wire.answers(refusal(409, "agent_id_conflict"))
    taken = await failure(wire, wire.client.create_agent(SPEC))
    assert [(e.code, getattr(e, "kind", None)) for e in (busy, taken)] == [
        ("agent_busy", "conflict"),
        ("agent_id_conflict", "conflict"),
    ]


def test_kinds_need_not_be_spelled_out() -> None:
    assert {code: Permanent(code).kind for code in KIND_BY_CODE} == KIND_BY_CODE
    assert Permanent("odd", kind="money").kind == "money"
    assert str(Permanent("odd")) == "odd"


def test_sorting_never_fails_and_never_calls_a_post_retryable_in_doubt() -> None:
    for status in range(300, 600):
        for body in (b"", HTML.encode(), b'{"error": {"code": "x_y", "message": "m"}}'):
            error = sort_refusal(read_refusal(status, body), posted=True, retry_after=None)
            assert not (type(error) is Retryable and status != 429)


@pytest.mark.parametrize("base_url", ["", "api.cursor.com", "ftp://x", "https://", "https://u:p@x", "http://[bad"])
def test_a_base_url_must_be_usable(base_url: str) -> None:
    with pytest.raises(ValueError, match="http"):
        build_client(base_url, KEY)


async def test_a_run_survives_the_trip(wire: FakeWire) -> None:
    wire.answers(httpx.Response(200, json=run_json(status="FINISHED")))
    assert (await wire.client.get_run(AGENT_ID, RUN_ID)).status == "FINISHED"


async def test_a_branch_that_cannot_be_verified_is_a_repository_that_cannot_be_seen(wire: FakeWire) -> None:
    said = (
        "Failed to verify existence of branch 'main' in repository acme/web. Please ensure the branch name is correct."
    )
    wire.answers(refusal(400, "validation_error", said))
    error = await failure(wire, wire.client.create_agent(SPEC))
    assert (getattr(error, "kind", None), getattr(error, "code", None)) == ("repository", "validation_error")
