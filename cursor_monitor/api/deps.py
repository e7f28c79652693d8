"""What routes have in common: parameters, and the type of the body."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Header, Path, Query, Request

from cursor_monitor.api.bodies import Text
from cursor_monitor.api.errors import UnsupportedMediaType
from cursor_monitor.api.schemas import ErrorAnswer
from cursor_monitor.queries.page import MAX_LIMIT

MAX_SEQ = 2**31 - 1
MAX_ROW_ID = 2**63 - 1

OrchestrationId = Annotated[Text, Path(description="The id of an orchestration.")]
TaskKey = Annotated[Text, Path(description="The key of a task.")]
AgentId = Annotated[Text, Path(description="The id of an agent.")]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items per page.")]
Cursor = Annotated[Text | None, Query(max_length=400, description="`next_cursor` of the page before.")]
Filter = Annotated[Text | None, Query(max_length=300)]
StatusFilter = Annotated[Filter, Query(description="Only those with this status.")]
ModeFilter = Annotated[Filter, Query(description="Only those of this mode.")]
RepositoryFilter = Annotated[Filter, Query(description="Only those whose repository contains this.")]
AccountFilter = Annotated[Filter, Query(description="Only those of this account, by its name or id.")]
AccountChoice = Annotated[Filter, Query(description="The name or id of an account; the default one where absent.")]
EndedFilter = Annotated[Filter, Query(description="Only those that ended within: day or week.")]
Search = Annotated[Filter, Query(description="Text to look for in names, prompts and repositories.")]
AtSeq = Annotated[
    int | None, Query(ge=1, le=MAX_SEQ, description="As it was just after the event with this `seq`, instead of now.")
]
IdempotencyKey = Annotated[
    Text | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="The same key with the same body answers with the same id and creates nothing.",
    ),
]

_MEANINGS = {
    400: "The body is not JSON, or the Host is not one of ours.",
    401: "Nobody is signed in and there is no valid API token; or the signature of a webhook does not fit.",
    403: "The role does not allow it, or the request comes from a page of another site.",
    404: "Nothing has that id.",
    409: "Not possible in the present state, or the Idempotency-Key was used with another body.",
    408: "The body took too long to arrive.",
    413: "The body is larger than 1 MB, a picture than 16 MB, or a webhook than 256 kB.",
    415: "The body is not application/json.",
    422: "A value cannot be used; `details.field` names it, the message says how to mend it.",
    429: "Too many tries; wait `Retry-After` seconds.",
    500: "Unforeseen; `details.reference` finds it in the log.",
    503: "The database is out; try again after `Retry-After` seconds.",
}
_ALWAYS = (400, 401, 403, 422, 500, 503)
_WRITING = (408, 413)


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documentation of the errors that a route can answer with."""
    return {status: {"model": ErrorAnswer, "description": _MEANINGS[status]} for status in (*_ALWAYS, *statuses)}


def writing_errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The same for a route that changes something."""
    return errors(*_WRITING, *statuses)


async def require_json(request: Request) -> None:
    """Refuse a body that does not say it is JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json" or (not kind and not await request.body()):
        return
    raise UnsupportedMediaType("Send the body as JSON, with the header Content-Type: application/json.")
