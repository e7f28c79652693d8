"""The OpenAPI document is true: nothing that it allows breaks the server, no answer departs from it."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
import schemathesis
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks

from cursor_monitor.domain.access import Role
from cursor_monitor.queries import jobs as queries
from cursor_monitor.services import agents, orchestrations
from cursor_monitor.services.advance import advance
from cursor_monitor.services.identities import forget_identities
from cursor_monitor.services.startup import close_all, open_all
from cursor_monitor.settings import Settings
from tests.support.people import bearer

from .conftest import LAUNCH, client_of, edge_app

STREAM = "/cloud-agents/orchestrations/{orchestration_id}/events/stream"

# The stream has no end, so it cannot be driven by examples; test_stream.py has it.
# A key is checked at Cursor, which is not there; tests/integration/accounts has those routes.
DOCUMENT = (
    schemathesis.openapi.from_asgi("/api/openapi.json", edge_app(host="0.0.0.0"))
    .exclude(path=STREAM)
    .exclude(path="/cloud-agents/accounts", method="POST")
    .exclude(path="/cloud-agents/accounts/{account_id}/key")
)
OPERATIONS = [found.ok() for found in DOCUMENT.get_all_operations() if isinstance(found, Ok)]
# Where all that a request holds is an id, any text is a valid one; and so are any bytes where a file is sent.
FILES = "/cloud-agents/uploads"
REFUSING = [o for o in OPERATIONS if (o.query or o.headers or o.body) and o.path != FILES]
CASES = [
    *((operation, GenerationMode.POSITIVE) for operation in OPERATIONS),
    *((operation, GenerationMode.NEGATIVE) for operation in REFUSING),
]
# For each operation, of each kind; `make fuzz` asks for many more, each time for others.
CALLS = int(os.environ.get("FUZZ_CALLS", "0"))
# A fifth more, as some operations can be asked in few ways.
EXAMPLES = max(12, math.ceil(1.2 * CALLS / len(CASES)))
made: Counter[int] = Counter()
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]
TOO_LARGE = [check for check in CHECKS if check is not checks.negative_data_rejection]


@pytest.fixture(scope="module")
def token(known_ids: dict[str, str | int]) -> dict[str, str]:
    """What lets a program in: at this address everybody has to say who they are."""
    return bearer(Role.ADMIN)


@pytest.fixture(scope="module")
def known_ids(make_database: Callable[[], str]) -> Iterator[dict[str, str | int]]:
    """The path parameters of what is there."""
    open_all(Settings(database_url=make_database(), cursor_webhook_secret="s" * 32))
    orchestration_id = orchestrations.launch(LAUNCH, by="test")
    advance(orchestration_id)
    yield {
        "orchestration_id": orchestration_id,
        "key": "task-1",
        "agent_id": agents.launch(LAUNCH, by="test"),
        "job_id": queries.list_jobs().items[0].id,
    }
    forget_identities()
    close_all()


@pytest.mark.parametrize(("operation", "mode"), CASES, ids=[f"{o.label}-{m.value}" for o, m in CASES])
def test_no_request_breaks_the_server_and_no_answer_departs_from_the_document(
    operation: schemathesis.APIOperation,
    mode: GenerationMode,
    known_ids: dict[str, str | int],
    token: dict[str, str],
) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, derandomize=not CALLS, database=None, phases=[Phase.generate])
    @given(case=operation.as_strategy(generation_mode=mode), is_known=st.booleans())
    def check(case: schemathesis.Case, is_known: bool) -> None:
        if is_known:
            case.path_parameters.update({n: v for n, v in known_ids.items() if n in case.path_parameters})
        answer = case.call(headers=token)
        made[answer.status_code] += 1
        case.validate_response(answer, checks=TOO_LARGE if answer.status_code == 413 else CHECKS)

    check()


@pytest.mark.skipif(not CALLS, reason="counts what `make fuzz` does")
def test_it_was_asked_as_often_as_wanted() -> None:
    print(f"{made.total()} calls, by status: {dict(sorted(made.items()))}")  # noqa: T201
    assert made.total() >= CALLS
    assert not [status for status in made if status >= 500]


def test_every_route_documents_its_errors_in_the_one_shape() -> None:
    document = client_of().get("/api/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert document["servers"] == [{"url": "/api"}]
    for path, item in document["paths"].items():
        for method, operation in item.items():
            statuses = operation["responses"].keys()
            assert {"500", "503"} <= statuses, (method, path)
            if "{" in path:
                assert "404" in statuses, (method, path)
            if method == "post":
                assert {"403", "409", "413"} <= statuses, (method, path)
            for status, answer in operation["responses"].items():
                if int(status) >= 400 and path != "/cloud-agents/health":
                    reference = answer["content"]["application/json"]["schema"]["$ref"]
                    assert reference == "#/components/schemas/ErrorAnswer"
