"""The branches of a repository, as the code host lists them, for whoever has to choose one."""

from __future__ import annotations

import asyncio

from sqlmodel import Session

from cursor_monitor.codehost.api import CodeHost, Tally
from cursor_monitor.codehost.errors import CodeHostError
from cursor_monitor.domain.code_host import parse_repository
from cursor_monitor.domain.jobs import ClaimedJob, Done, Outcome, Retry, branches_job
from cursor_monitor.services.code_host import learn_cost
from cursor_monitor.services.code_host_watch import seconds_blocked
from cursor_monitor.services.tuning import current
from cursor_monitor.store import cache, code_hosts, jobs, notices
from cursor_monitor.store.database import transactional

FRESH_SECONDS = 300.0
TOPIC = "branches"


@transactional
def want_branches(session: Session, repository: str) -> bool:
    """Have the code host asked; False where none is, the repository is elsewhere, or that was done just before."""
    host, account = current().code_host_web, current().code_host_account
    if host is None or parse_repository(repository, host) is None:
        return False
    if seconds_blocked(session, code_hosts.find_limit(session, account)) > 0:
        return False
    if not cache.claim_refresh(session, cache.branches_key(repository), FRESH_SECONDS, account):
        return False
    jobs.enqueue(session, [branches_job(repository)])
    return True


async def list_branches(job: ClaimedJob, host: CodeHost) -> Outcome:
    """Read them; one that may not see the repository is no reason to ask again."""
    repository = str(job.args["repository"])
    name = parse_repository(repository, current().code_host_web or "")
    if name is None:
        return Done()
    tally = Tally()
    try:
        found = await host.list_branches(name, tally)
    except CodeHostError as error:
        await asyncio.to_thread(_keep, repository, None, tally, error)
        return Retry(str(error)) if error.kind == "unavailable" else Done()
    await asyncio.to_thread(_keep, repository, found, tally, None)
    return Done()


@transactional
def _keep(
    session: Session, repository: str, found: tuple[str, ...] | None, tally: Tally, error: CodeHostError | None
) -> None:
    learn_cost(session, tally, error)
    if found is not None:
        cache.put(session, cache.branches_key(repository), list(found))
        notices.announce(session, TOPIC)
