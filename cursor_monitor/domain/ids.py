"""Minting of ids: time-ordered for what is paged, derived for what must not be made twice."""

from __future__ import annotations

import os
import time
import uuid

_NAMESPACE = uuid.UUID("6f0f4b9e-6c0e-5d1a-9a3e-2f3f5c1b7a10")


def mint_uuid7() -> uuid.UUID:
    """A new UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10))
    value = (milliseconds & ((1 << 48) - 1)) << 80
    value |= 0x7 << 76 | ((random >> 68) & 0xFFF) << 64
    value |= 0b10 << 62 | (random & ((1 << 62) - 1))
    return uuid.UUID(int=value)


def mint_agent_id() -> str:
    """A new agent id for an agent that a person launches by hand."""
    return f"bc-{uuid.uuid4()}"


def attempt_agent_id(orchestration_id: str, task_key: str, number: int) -> str:
    """The agent id of one attempt, derived, so that deciding twice can never name two agents."""
    return f"bc-{uuid.uuid5(_NAMESPACE, f'{orchestration_id}/{task_key}/{number}')}"


def followup_id(agent_id: str, number: int) -> str:
    """The id of an agent's n-th follow-up, derived for the same reason."""
    return str(uuid.uuid5(_NAMESPACE, f"{agent_id}/followup/{number}"))


def batch_followup_id(batch_id: uuid.UUID, agent_id: str) -> uuid.UUID:
    """The id of the follow-up that a batch sends to an agent, derived, so that a batch can never send two."""
    return uuid.uuid5(_NAMESPACE, f"{batch_id}/{agent_id}/followup")
