"""What agents said and did: read in order, and searched."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from cursor_monitor.api import schemas_conversation as shapes
from cursor_monitor.api.bodies import Text
from cursor_monitor.api.deps import AgentId, Cursor, Limit, errors
from cursor_monitor.api.schemas import Listing
from cursor_monitor.queries import conversation as queries
from cursor_monitor.queries.page import Page

router = APIRouter(tags=["conversations"])

Words = Annotated[
    Text, Query(min_length=1, max_length=queries.MOST_QUERY, description='Words, "phrases", or, -not: all must fit.')
]
OneAgent = Annotated[Text | None, Query(max_length=300, description="Only in what this agent said and did.")]
NewestFirst = Annotated[bool, Query(description="From the end backwards.")]
FoundLimit = Annotated[int, Query(ge=1, le=queries.MOST_FOUND, description="How many of the best matches.")]


@router.get("/agents/{agent_id}/conversation", response_model=shapes.Conversation, responses=errors(404))
def get_conversation(
    agent_id: AgentId, cursor: Cursor = None, limit: Limit = 50, newest_first: NewestFirst = False
) -> queries.ConversationPage:
    """What the agent said and did, oldest first, as far as it was read; Cursor is not asked."""
    return queries.get_conversation(agent_id, cursor=cursor, limit=limit, newest_first=newest_first)


@router.get("/search", response_model=Listing[shapes.Found], responses=errors())
def search(q: Words, agent_id: OneAgent = None, limit: FoundLimit = 30) -> Page[queries.FoundRow]:
    """Where agents said or did something of these words, the best matches first."""
    return queries.search_conversations(q, agent_id=agent_id or None, limit=limit)
