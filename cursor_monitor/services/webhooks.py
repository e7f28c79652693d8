"""Cursor's webhooks: a genuine one is kept and makes a worker look; what it says is never taken for the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlmodel import Session

from cursor_monitor.cursor import webhooks
from cursor_monitor.cursor.webhooks import Delivery, WebhookRefusedError
from cursor_monitor.domain.errors import Invalid, Unauthorized, Unavailable
from cursor_monitor.domain.jobs import NewJob, discover_job, observe_job
from cursor_monitor.domain.status import RUN_TERMINAL
from cursor_monitor.domain.text import storable
from cursor_monitor.services.tuning import current
from cursor_monitor.store import accounts, agents, deliveries, jobs, tables
from cursor_monitor.store.database import transactional

_MOST_CHARACTERS = 200


def receive(body: bytes, headers: Mapping[str, str]) -> str:
    """Check one delivery and keep it; returns accepted, outdated or duplicate.

    Raises Unavailable without a secret, Unauthorized for what is not genuine or fresh, Invalid for what is not read.
    """
    try:
        delivery = webhooks.receive(body, headers, secret=current().webhook_secret, now=datetime.now(UTC))
    except WebhookRefusedError as error:
        if error.reason == "no_secret":
            raise Unavailable(
                "CURSOR_WEBHOOK_SECRET is not set, so no delivery can be trusted.", code="no_secret"
            ) from None
        if error.reason == "malformed":
            raise Invalid("body", "is not a delivery that can be read") from None
        raise Unauthorized(f"Refused: {error.message}.", code=error.reason) from None
    return _keep(delivery)


@transactional
def _keep(session: Session, delivery: Delivery) -> str:
    agent_id = _short(delivery.agent_id)
    # The lock lets two deliveries about one agent through one after the other, so that the order is seen.
    agent = agents.find(session, agent_id, lock=True)
    newest = deliveries.newest_sent_at(session, agent_id)
    is_outdated = (newest is not None and newest > delivery.sent_at) or _is_known(agent, delivery)
    is_new = deliveries.insert_delivery(
        session,
        body_hash=delivery.dedupe_key,
        delivery_id=_short(delivery.delivery_id) if delivery.delivery_id else None,
        event=_short(delivery.event),
        agent_id=agent_id,
        status=_short(delivery.status),
        sent_at=delivery.sent_at,
        is_outdated=is_outdated,
    )
    if not is_new:
        return "duplicate"
    if is_outdated:
        return "outdated"
    # A delivery does not say whose agent it is about; those that do not know it leave it at that.
    known_to = [account.id for account in accounts.select_all(session)] if agent is None else []
    jobs.enqueue(session, _hint(agent, agent_id, known_to))
    return "accepted"


def _is_known(agent: tables.Agent | None, delivery: Delivery) -> bool:
    """True where the end of a run was seen after the delivery was sent."""
    if agent is None or agent.observed_at is None or agent.run_status not in RUN_TERMINAL:
        return False
    return agent.observed_at > delivery.sent_at


def _hint(agent: tables.Agent | None, agent_id: str, known_to: Sequence[str]) -> list[NewJob]:
    if agent is None:
        return [discover_job(agent_id, account_id) for account_id in known_to]
    parent = str(agent.orchestration_id) if agent.orchestration_id else None
    # One that is still being launched is looked at by its launch.
    return [observe_job(agent_id, parent)] if agent.launch_status == "launched" else []


def _short(value: str) -> str:
    return storable(value)[:_MOST_CHARACTERS]
