"""Telling people outside: written in the transaction of what it tells of, sent by a worker afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session

from cursor_monitor.domain import events as e
from cursor_monitor.domain.ids import mint_uuid7
from cursor_monitor.domain.jobs import notify_job
from cursor_monitor.domain.notifications import TEXT_LIMIT, Notice, NoticeKind, fits, notice_of, one_line
from cursor_monitor.domain.orchestration import Snapshot
from cursor_monitor.domain.text import storable
from cursor_monitor.secrets.redaction import redact
from cursor_monitor.store import jobs, notifications
from cursor_monitor.store.database import transactional


def tell_events(session: Session, after: Snapshot, events: Sequence[e.Event]) -> None:
    """Tell of these events, which are the last of the orchestration."""
    first = after.seq - len(events) + 1
    for seq, event in enumerate(events, first):
        notice = notice_of(after, event, seq)
        if notice is not None:
            tell(session, notice)


def tell(session: Session, notice: Notice) -> int:
    """Tell every channel that wants to hear of it, each once however often this is called; how many."""
    wanting = notifications.select_wanting(session, notice.kind)
    return sum(tell_one(session, channel, notice) for channel, pattern in wanting if fits(pattern, notice.repository))


def tell_one(session: Session, channel_id: UUID, notice: Notice) -> bool:
    """Tell one channel; False where it was told, or is about to be."""
    delivery_id, packed = mint_uuid7(), _packed(notice)
    if not notifications.insert_delivery(session, delivery_id, channel_id, notice.kind, notice.key, packed):
        return False
    jobs.enqueue(session, [notify_job(str(delivery_id), str(channel_id))])
    return True


@transactional
def look_around(session: Session) -> int:
    """Tell of what no transaction of its own tells: workers that fell silent, and jobs that were given up."""
    told = 0
    if notifications.select_wanting(session, NoticeKind.WORKER_LOST):
        told += sum(tell(session, notice) for notice in _lost_workers(session))
    if notifications.select_wanting(session, NoticeKind.JOB_GIVEN_UP):
        told += sum(tell(session, notice) for notice in _given_up(session))
    return told


def _lost_workers(session: Session) -> list[Notice]:
    return [
        Notice(
            kind=NoticeKind.WORKER_LOST,
            key=f"worker:{instance}:{seen_at.isoformat()}",
            title="A worker fell silent",
            text=one_line(
                f"{instance} gave no sign since {seen_at:%Y-%m-%d %H:%M:%S} UTC; its jobs go to others.", 600
            ),
            at=seen_at,
            path="/health",
            facts={"worker": instance},
        )
        for instance, seen_at in notifications.select_lost_workers(session)
    ]


def _given_up(session: Session) -> list[Notice]:
    notices: list[Notice] = []
    for row in notifications.select_given_up(session):
        many = f"{row.jobs} jobs were given up" if row.jobs > 1 else "A job was given up"
        text = one_line(f"{row.first_kind}: {row.first_error or 'unknown error'}", TEXT_LIMIT)
        notices.append(
            Notice(
                kind=NoticeKind.JOB_GIVEN_UP,
                key=f"given-up:{row.minute.timestamp():.0f}",
                title=many,
                text=text,
                at=row.minute + timedelta(minutes=1),
                path=f"/queue?job={row.first_id}" if row.jobs == 1 else "/queue?status=failed",
                facts={"jobs": str(row.jobs)},
            )
        )
    return notices


def _packed(notice: Notice) -> dict[str, Any]:
    """The notice as it is kept: no secret in it, and nothing that Postgres cannot keep."""
    packed: dict[str, Any] = asdict(notice) | {"at": notice.at.isoformat(), "kind": str(notice.kind)}
    texts = {name: storable(redact(packed[name])) for name in ("title", "text")}
    return packed | texts
