"""One action on many agents: all of it in one transaction, confirmed by its count, done once per batch."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from uuid import UUID

from sqlmodel import Session

from cursor_monitor.domain.errors import Conflict, Invalid
from cursor_monitor.domain.fleet import BATCH_LIMIT, TAGS_LIMIT, BulkAction, FleetFilter, check_filter, check_tag
from cursor_monitor.domain.ids import batch_followup_id
from cursor_monitor.domain.jobs import BULK_PRIORITY, NewJob, cancel_job, change_job, followup_job
from cursor_monitor.services.caller import personal
from cursor_monitor.services.caps import begin_by_hand
from cursor_monitor.services.orchestrations import check_followup_text
from cursor_monitor.services.standing import Standing, load, why_not
from cursor_monitor.store import agents, batches, fleet, jobs, notices, words
from cursor_monitor.store.database import reading, transactional
from cursor_monitor.store.events import database_now

_FEW = 20  # as many as a person may do by hand go as quickly as by hand
_MISSING = "No agent has this id."
_ASKED_OF_CURSOR = (BulkAction.STOP, BulkAction.ARCHIVE, BulkAction.UNARCHIVE, BulkAction.DELETE)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be done to which agents: those of `ids`, or those that fit `filter`."""

    action: BulkAction
    ids: tuple[str, ...] | None = None
    filter: FleetFilter | None = None
    prompt: str | None = None  # of a follow-up
    tag: str | None = None  # to put on or take off


@dataclass(frozen=True, slots=True)
class Refusal:
    """An agent that is left out, and why."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """Which agents an action takes in and which it leaves out; `batch_id` None where it was only looked at."""

    batch_id: str | None
    accepted: tuple[str, ...]
    refused: tuple[Refusal, ...]


def look(wanted: Wanted) -> Outcome:
    """What act() would do now; raises Invalid naming the field."""
    checked = _checked(wanted)
    with reading() as session:
        ids = _chosen(session, checked)
        standings = load(session, ids, lock=False)
        tags = _crowded(session, checked, ids)
    return _sorted_out(checked, ids, standings, tags)


@transactional
def act(session: Session, wanted: Wanted, *, expected: int, batch_id: str, by: str) -> Outcome:
    """Do it to exactly as many agents as `expected`; the same batch again does nothing and says the same.

    Raises Invalid naming the field; Conflict where the number has changed, or the batch was another one.
    """
    checked, batch = _checked(wanted), _batch(batch_id)
    known = batches.claim(session, batch, checked.action, _hash(checked), by)
    if known is not None:
        return Outcome(batch_id, tuple(known.accepted), tuple(Refusal(**one) for one in known.refused))
    ids = _chosen(session, checked)
    standings = load(session, ids)
    outcome = replace(_sorted_out(checked, ids, standings, _crowded(session, checked, ids)), batch_id=str(batch))
    if len(outcome.accepted) != expected:
        message = f"It is {len(outcome.accepted)} agents by now, not {expected}; look again."
        raise Conflict(message, code="count_changed", count=len(outcome.accepted))
    _apply(session, checked, [standings[agent_id] for agent_id in outcome.accepted], batch, by)
    batches.finish(session, batch, outcome.accepted, [asdict(one) for one in outcome.refused])
    notices.announce(session, *(f"agent:{agent_id}" for agent_id in outcome.accepted))
    return outcome


def _apply(session: Session, wanted: Wanted, chosen: Sequence[Standing], batch: UUID, by: str) -> None:
    ids = [one.agent.id for one in chosen]
    if wanted.action in _ASKED_OF_CURSOR:
        words.note_asked(session, ids, wanted.action.value)
    match wanted.action:
        case BulkAction.FOLLOWUP:
            _count(session, chosen)
            _enqueue(session, _send(session, ids, wanted.prompt or "", batch, by))
        case BulkAction.STOP:
            jobs.enqueue(session, _stop(session, chosen, by))
        case BulkAction.TAG:
            fleet.add_tags(session, ids, wanted.tag or "", by)
        case BulkAction.UNTAG:
            fleet.remove_tags(session, ids, wanted.tag or "")
        case BulkAction.PIN | BulkAction.UNPIN:
            fleet.set_pinned(session, ids, personal(), wanted.action is BulkAction.PIN)
        case BulkAction.ARCHIVE | BulkAction.UNARCHIVE | BulkAction.DELETE:
            _enqueue(session, [change_job(agent_id, wanted.action.value) for agent_id in ids])


def _count(session: Session, chosen: Sequence[Standing]) -> None:
    now = database_now(session)
    for account_id, many in sorted(Counter(one.agent.account_id for one in chosen).items()):
        begin_by_hand(session, account_id, now, followups=many)


def _send(session: Session, ids: Sequence[str], prompt: str, batch: UUID, by: str) -> list[NewJob]:
    now = database_now(session)
    made = [(agent_id, batch_followup_id(batch, agent_id)) for agent_id in ids]
    for agent_id, followup_id in made:
        agents.insert_followup(
            session,
            id=followup_id,
            agent_id=agent_id,
            prompt=prompt,
            status="requested",
            created_by=by,
            created_at=now,
        )
    return [followup_job(str(followup_id), agent_id) for agent_id, followup_id in made]


def _stop(session: Session, chosen: Sequence[Standing], by: str) -> list[NewJob]:
    for one in chosen:
        if one.stops_before_launch:
            message = f"Stopped by {by} before its launch."
            agents.update(session, one.agent.id, launch_status="cancelled", error_message=message)
    working = [one.agent for one in chosen if not one.stops_before_launch]
    parents = {a.id: str(a.orchestration_id) if a.orchestration_id else None for a in working}
    return [cancel_job(a.id, a.latest_run_id or "", parents[a.id]) for a in working]


def _enqueue(session: Session, wanted: Sequence[NewJob]) -> None:
    """Many at once are bulk work, which never takes the slots of what a person waits for."""
    if len(wanted) > _FEW:
        wanted = [replace(job, priority=BULK_PRIORITY) for job in wanted]
    jobs.enqueue(session, wanted)


def _sorted_out(wanted: Wanted, ids: Sequence[str], standings: dict[str, Standing], crowded: frozenset[str]) -> Outcome:
    accepted: list[str] = []
    refused: list[Refusal] = []
    for agent_id in ids:
        reason = why_not(wanted.action, standings[agent_id]) if agent_id in standings else _MISSING
        if agent_id in crowded:
            reason = f"The agent has {TAGS_LIMIT} tags, which is the most."
        if reason is None:
            accepted.append(agent_id)
        else:
            refused.append(Refusal(agent_id, reason))
    return Outcome(None, tuple(accepted), tuple(refused))


def _crowded(session: Session, wanted: Wanted, ids: Sequence[str]) -> frozenset[str]:
    if wanted.action is not BulkAction.TAG:
        return frozenset()
    tags = fleet.select_tags(session, ids)
    return frozenset(one for one, kept in tags.items() if len(kept) >= TAGS_LIMIT and wanted.tag not in kept)


def _chosen(session: Session, wanted: Wanted) -> list[str]:
    if wanted.filter is None:
        return sorted(wanted.ids or ())
    found = fleet.select_ids(session, wanted.filter, BATCH_LIMIT + 1)
    if len(found) > BATCH_LIMIT:
        raise Invalid("filter", f"fits more than {BATCH_LIMIT:,} agents, the most of one batch; narrow it")
    return found


def _checked(wanted: Wanted) -> Wanted:
    if (wanted.ids is None) == (wanted.filter is None):
        raise Invalid("ids", "give either ids or a filter, not both and not neither")
    ids = None if wanted.ids is None else tuple(dict.fromkeys(wanted.ids))
    if ids is not None and not 1 <= len(ids) <= BATCH_LIMIT:
        raise Invalid("ids", f"must be from 1 to {BATCH_LIMIT:,}, not {len(ids):,}; split the batch")
    is_followup = wanted.action is BulkAction.FOLLOWUP
    is_tagging = wanted.action in (BulkAction.TAG, BulkAction.UNTAG)
    for name, is_used in (("prompt", is_followup), ("tag", is_tagging)):
        if getattr(wanted, name) is not None and not is_used:
            raise Invalid(name, f"has no meaning for {wanted.action}; leave it out")
    return replace(
        wanted,
        ids=ids,
        filter=check_filter(wanted.filter) if wanted.filter else None,
        prompt=check_followup_text(wanted.prompt or "") if is_followup else None,
        tag=check_tag(wanted.tag or "") if is_tagging else None,
    )


def _batch(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise Invalid("batch_id", "must be a UUID that you make up, so that a repetition is known as one") from None


def _hash(wanted: Wanted) -> str:
    return hashlib.sha256(json.dumps(asdict(wanted), sort_keys=True).encode()).hexdigest()
