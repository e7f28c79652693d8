"""The proof of quality of an orchestration: for programs, and to be kept."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response

from cursor_monitor.api.deps import OrchestrationId, errors
from cursor_monitor.api.schemas_proof import ProofOfQuality
from cursor_monitor.queries import proof as queries
from cursor_monitor.queries.proof_text import as_markdown

router = APIRouter(prefix="/orchestrations/{orchestration_id}", tags=["orchestrations"])


@router.get("/proof", response_model=ProofOfQuality, responses=errors(404))
def get_proof(orchestration_id: OrchestrationId) -> Any:
    """What was asked, planned, done, tested and reviewed, by whom and at what cost; unknown is null."""
    return queries.get_proof(orchestration_id)


@router.get(
    "/proof.md",
    response_class=Response,
    responses={**errors(404), 200: {"content": {"text/markdown; charset=utf-8": {"schema": {"type": "string"}}}}},
)
def get_proof_as_markdown(orchestration_id: OrchestrationId) -> PlainTextResponse:
    """The same as a Markdown file; what agents wrote is text in it and never markup."""
    proof = queries.get_proof(orchestration_id)
    headers = {"Content-Disposition": f'attachment; filename="proof-{proof.id}.md"'}
    return PlainTextResponse(as_markdown(proof), media_type="text/markdown; charset=utf-8", headers=headers)
