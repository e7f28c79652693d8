"""Watches the whole fleet by Cursor's list, and takes in agents that were launched elsewhere."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from cursor_monitor.cursor.api import AgentView, CursorApi, Listing
from cursor_monitor.cursor.errors import CursorError, Permanent, Throttled
from cursor_monitor.domain.accounts import DEFAULT_ACCOUNT
from cursor_monitor.domain.jobs import ClaimedJob, NewJob, Outcome, Snooze, look_job, observe_job, watch_job
from cursor_monitor.domain.status import RUN_TERMINAL
from cursor_monitor.services import watching
from cursor_monitor.services.discovery import appear
from cursor_monitor.services.tuning import current
from cursor_monitor.services.watching import PAGE, WATCH_FROM, cache_key
from cursor_monitor.store import accounts, agents, cache, jobs, notices, tables
from cursor_monitor.store.agents import Listed
from cursor_monitor.store.database import transactional
from cursor_monitor.store.events import database_now

log = logging.getLogger(__name__)

FULL_SECONDS = 600.0
_STALE_SECONDS = 120.0
_FAILED_SECONDS = 30.0
_KEEP_SECONDS = 5.0
_UNREAD_SECONDS = 60.0
_PATIENCE_SECONDS = 5.0
_FEW = 5
# A new agent may be missing from the list for a while.
_LAG = timedelta(minutes=2)
# While an agent works, its `updatedAt` is worth a write of ours only so often.
_TICK = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Pass:
    """One way through the list; kept between pages, so that a long wait does not begin anew."""

    started_at: str
    account_id: str
    is_full: bool
    live: int
    seconds: float
    cursor: str | None = None
    left: tuple[str, ...] = ()  # the working agents that no page has named yet
    full_at: str | None = None
    ended_at: str | None = None
    touched_at: str | None = None
    found: tuple[int, ...] = ()  # how many working agents each page named
    depth: int = 0  # the page after which single looks are cheaper, as the last full pass found; 0: not known
    failing_since: str | None = None  # the list cannot be read
    says_idle: bool = False  # this API says of an agent that its turn has ended, so nothing else means that


async def watch_fleet(job: ClaimedJob, api: CursorApi) -> Outcome:
    """Read the list as far as there are working agents, every now and then to its end; note what is new."""
    account_id = str(job.args.get("account_id") or DEFAULT_ACCOUNT)
    walk = await asyncio.to_thread(_begin, account_id)
    try:
        while walk.ended_at is None:
            page = await _patiently(api, walk.cursor)
            walk = await asyncio.to_thread(_take_in, walk, page.items, page.next_cursor)
    except Throttled as error:
        await asyncio.to_thread(_keep, walk)
        return Snooze(error.seconds)
    except CursorError as error:
        # The list's cursor may be what is refused.
        await asyncio.to_thread(_note_failure, walk, isinstance(error, Permanent))
        log.warning("the list of agents cannot be read", extra={"error": str(error)})
        return Snooze(max(error.retry_after or 0.0, _FAILED_SECONDS))
    return Snooze(await asyncio.to_thread(_rest, walk))


async def _patiently(api: CursorApi, cursor: str | None) -> Listing[AgentView]:
    """The next page; the budget's own rhythm is waited for here, as giving the job back each time would cost more."""
    try:
        return await api.list_agents(PAGE, cursor)
    except Throttled as error:
        if error.seconds > _PATIENCE_SECONDS:
            raise
        await asyncio.sleep(error.seconds)
    return await api.list_agents(PAGE, cursor)


@transactional
def ensure_watch(session: Session) -> None:
    """See to it that the fleet of each account is watched, by one worker at a time."""
    jobs.enqueue(session, [watch_job(account.id) for account in accounts.select_all(session)])


@transactional
def _begin(session: Session, account_id: str) -> _Pass:
    now = database_now(session)
    last = _last_pass(session, account_id)
    if last is not None and last.ended_at is None and _age(last.touched_at, now) < _STALE_SECONDS:
        return last
    working, seconds = _rhythm(session, account_id, now)
    walk = _Pass(
        now.isoformat(),
        account_id,
        is_full=_age(last.full_at if last else None, now) >= FULL_SECONDS,
        live=len(working),
        seconds=seconds,
        left=working,
        full_at=last.full_at if last else None,
        depth=last.depth if last else 0,
        failing_since=last.failing_since if last else None,
        says_idle=last.says_idle if last else False,
    )
    if walk.live < WATCH_FROM:
        jobs.enqueue(session, [look_job(agent_id, run_at=_later(now)) for agent_id in walk.left])
    return walk


def _rhythm(session: Session, account_id: str, now: datetime) -> tuple[tuple[str, ...], float]:
    """The agents that work now, and the seconds from one pass to the next that so many deserve."""
    working = agents.select_working(session, account_id)
    youngest = max((since for _, since in working), default=now)
    seconds = watching.pass_seconds(len(working), (now - youngest).total_seconds())
    return tuple(agent_id for agent_id, _ in working), seconds


@transactional
def _take_in(session: Session, walk: _Pass, items: Sequence[AgentView], next_cursor: str | None) -> _Pass:
    now = database_now(session)
    ids = [item.id for item in items]
    known = {agent.id: agent for agent in agents.select_listed(session, ids)}
    runs = agents.select_known_runs(session, [item.latest_run_id for item in items if item.latest_run_id])
    walk = replace(walk, says_idle=walk.says_idle or any(item.status == "IDLE" for item in items))
    if walk.is_full:
        agents.select_many(session, list(known))  # all of them will be marked, so they are locked, in the usual order
    wanted = list[NewJob]()
    for item in sorted(items, key=lambda item: item.id):
        if item.id in known and _is_news(known[item.id], item, runs, walk.says_idle):
            wanted += _compare(session, item, runs, walk.says_idle)
    jobs.enqueue(session, wanted)
    appear(session, walk.account_id, [item for item in items if item.id not in known])
    if walk.is_full:
        agents.mark_listed(session, list(known))
    seen = set(ids)
    left = tuple(agent_id for agent_id in walk.left if agent_id not in seen)
    walk = replace(walk, left=left, cursor=next_cursor, found=(*walk.found, len(walk.left) - len(left)))
    if next_cursor is None or _is_enough(walk):
        return _end(session, walk, now)
    if _age(walk.touched_at, now) < _KEEP_SECONDS:
        return walk
    walk = replace(walk, touched_at=now.isoformat())
    cache.put(session, cache_key(walk.account_id), asdict(walk))
    return walk


def _is_enough(walk: _Pass) -> bool:
    """True where what is left is nothing, or so little and so far down that looking at each is cheaper."""
    if walk.is_full or not walk.left:
        return not walk.is_full
    return bool(walk.depth) and len(walk.found) >= walk.depth and len(walk.left) <= _FEW


def _end(session: Session, walk: _Pass, now: datetime) -> _Pass:
    moment = now.isoformat()
    walk = replace(walk, cursor=None, ended_at=moment, touched_at=moment, failing_since=None)
    if walk.is_full:
        walk = replace(walk, full_at=moment, depth=_best_depth(walk.found))
        _verify_missing(session, walk.account_id, datetime.fromisoformat(walk.started_at))
    jobs.enqueue(session, [look_job(agent_id, run_at=_later(now)) for agent_id in walk.left])
    # Many that this pass has found are watched from now on, not only after the pause that few deserve.
    working, seconds = _rhythm(session, walk.account_id, now)
    walk = replace(walk, live=len(working), seconds=seconds)
    cache.put(session, cache_key(walk.account_id), asdict(walk))
    if walk.live >= WATCH_FROM:
        before = now - timedelta(seconds=watching.routine_seconds(walk.live))
        most = watching.routine_looks(walk.seconds)
        jobs.enqueue(
            session, [look_job(agent_id) for agent_id in agents.select_unseen(session, walk.account_id, before, most)]
        )
    return walk


def _best_depth(found: Sequence[int]) -> int:
    """After how many pages the calls are fewest, where each agent on a later page costs one."""
    return min(range(1, len(found) + 1), key=lambda pages: pages + sum(found[pages:]), default=0)


def _is_news(agent: Listed | tables.Agent, item: AgentView, runs: set[str], says_idle: bool) -> bool:
    if agent.launch_status != "launched" or agent.agent_status == "DELETED":
        return False
    if agent.agent_status != item.status or _has_new_run(agent, item, runs) or agent.listed_update is None:
        return True
    is_ticking = says_idle and item.status == "ACTIVE"
    return abs(item.updated_at - agent.listed_update) > (_TICK if is_ticking else timedelta())


def _has_new_run(agent: Listed | tables.Agent, item: AgentView, runs: set[str]) -> bool:
    return item.latest_run_id not in (None, agent.latest_run_id) and item.latest_run_id not in runs


def _compare(session: Session, item: AgentView, runs: set[str], says_idle: bool) -> Sequence[NewJob]:
    """Write what is new of an agent; the look that it asks for."""
    agent = agents.find(session, item.id, lock=True)
    if item.latest_run_id is not None and item.latest_run_id not in runs:
        runs = agents.select_known_runs(session, [item.latest_run_id])  # it may be one that came before we had the lock
    if agent is None or not _is_news(agent, item, runs, says_idle):
        return ()
    is_at_rest = agent.run_status in RUN_TERMINAL or agent.latest_run_id is None
    has_new_run = _has_new_run(agent, item, runs)
    values: dict[str, object] = {"agent_status": item.status, "listed_update": item.updated_at}
    if item.name:
        values["name"] = item.name
    if has_new_run and is_at_rest:
        # Only then: the end of the run before must have been seen by whoever waits for it.
        values |= {"latest_run_id": item.latest_run_id, "run_status": None}
    agents.update(session, agent.id, **values)
    agents.note_activity(session, agent.id, item.updated_at)
    notices.announce(session, f"agent:{agent.id}")
    is_going_on = item.status == "ACTIVE" and (says_idle or agent.listed_update is None)
    if not has_new_run and (is_at_rest or is_going_on):
        return ()
    return (observe_job(agent.id, str(agent.orchestration_id) if agent.orchestration_id else None),)


def _verify_missing(session: Session, account_id: str, started_at: datetime) -> None:
    """What a whole list does not name may be deleted; a look at each tells."""
    missing = agents.select_unlisted(session, account_id, listed_before=started_at, launched_before=started_at - _LAG)
    jobs.enqueue(session, [observe_job(agent_id) for agent_id in missing])


@transactional
def _rest(session: Session, walk: _Pass) -> float:
    """Seconds from now to the next pass."""
    return max(walk.seconds - _age(walk.started_at, database_now(session)), 0.0)


@transactional
def _keep(session: Session, walk: _Pass) -> None:
    cache.put(session, cache_key(walk.account_id), asdict(replace(walk, touched_at=database_now(session).isoformat())))


@transactional
def _note_failure(session: Session, walk: _Pass, is_refused: bool) -> None:
    """Where the list stays unreadable, each working agent is looked at by itself, as far as the budget goes."""
    now = database_now(session)
    since = walk.failing_since or now.isoformat()
    if _age(since, now) >= _UNREAD_SECONDS:
        gap = 120 / current().requests_per_minute
        ids = [agent_id for agent_id, _ in agents.select_working(session, walk.account_id)]
        jobs.enqueue(session, [look_job(key, run_at=now + timedelta(seconds=n * gap)) for n, key in enumerate(ids)])
        since = (now + timedelta(seconds=FULL_SECONDS)).isoformat()
    ended_at = walk.started_at if is_refused else None
    walk = replace(walk, failing_since=since, ended_at=ended_at, touched_at=now.isoformat())
    cache.put(session, cache_key(walk.account_id), asdict(walk))


def _last_pass(session: Session, account_id: str) -> _Pass | None:
    found = cache.get(session, cache_key(account_id))
    if found is None:
        return None
    names = {field.name for field in fields(_Pass)}
    known = {name: value for name, value in found[0].items() if name in names}
    return _Pass(**{**known, "left": tuple(known["left"]), "found": tuple(known.get("found", ()))})


def _later(now: datetime) -> datetime:
    return now + timedelta(seconds=current().observe_max_seconds)


def _age(moment: str | None, now: datetime) -> float:
    return float("inf") if moment is None else (now - datetime.fromisoformat(moment)).total_seconds()
