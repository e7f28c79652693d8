"""Creating once per Idempotency-Key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from cursor_monitor.domain.errors import Conflict, Invalid

_CLAIM = text("""
INSERT INTO idempotency_keys (scope, key, request_hash, resource_id) VALUES (:scope, :key, :hash, :resource)
ON CONFLICT (scope, key) DO NOTHING RETURNING resource_id
""")
_FIND = text("SELECT request_hash, resource_id FROM idempotency_keys WHERE scope = :scope AND key = :key")
_PRUNE = text("DELETE FROM idempotency_keys WHERE created_at < statement_timestamp() - make_interval(hours => :hours)")


def claim_key(session: Session, scope: str, key: str, fields: Mapping[str, Any], resource_id: str) -> str:
    """The id to answer with: `resource_id` if the key is new (then create it), else what the key made before.

    Raises Conflict where the key was used with another body. Two at once: the second waits for the first's commit.
    """
    if not 1 <= len(key) <= 200 or "\x00" in key:
        raise Invalid("Idempotency-Key", "must have 1 to 200 characters")
    digest = hashlib.sha256(json.dumps(fields, sort_keys=True, default=str).encode()).hexdigest()
    named = {"scope": scope, "key": key}
    created = session.connection().execute(_CLAIM, {**named, "hash": digest, "resource": resource_id}).scalar()
    if created is not None:
        return resource_id
    known = session.connection().execute(_FIND, named).one()
    if known.request_hash != digest:
        message = "This Idempotency-Key was used with another body; use a new key for a new request."
        raise Conflict(message, code="idempotency_conflict")
    return known.resource_id


def prune(session: Session, *, older_than_hours: int) -> int:
    """Forget keys that are older; how many."""
    return session.connection().execute(_PRUNE, {"hours": older_than_hours}).rowcount
