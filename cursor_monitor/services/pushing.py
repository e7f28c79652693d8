"""Where an agent would push, looked at just before its launch: to no branch that a profile protects."""

from __future__ import annotations

import asyncio

from sqlmodel import Session

from cursor_monitor.codehost.api import CodeHost, Head, Tally
from cursor_monitor.codehost.errors import CodeHostError
from cursor_monitor.cursor.api import CursorApi
from cursor_monitor.domain.code_host import parse_pull
from cursor_monitor.domain.errors import Invalid
from cursor_monitor.domain.jobs import ClaimedJob, Outcome, Settled, Snooze
from cursor_monitor.domain.launch import RepositoryChoice, launch_extras_from
from cursor_monitor.domain.profiles import HEAD_UNKNOWN, Profile, check_push
from cursor_monitor.services.attempts import launch_agent, may_exist
from cursor_monitor.services.code_host import learn_cost
from cursor_monitor.services.effects import agent_id_of, finish
from cursor_monitor.services.tuning import current
from cursor_monitor.store import agents, profiles
from cursor_monitor.store.database import reading, transactional

_CODE = "protected_branch"
_AGAIN_SECONDS = 15.0


async def launch_checked(job: ClaimedJob, api: CursorApi, host: CodeHost | None) -> Outcome:
    """Launch an agent; one that would push to a protected branch, or may for all that is known, is refused."""
    # A second try may find the agent that the first one made, and that one was checked. Those of orchestrations make
    # branches of their own.
    if not may_exist(job) and job.orchestration_id is None:
        try:
            for one in await asyncio.to_thread(_pushed_to, agent_id_of(job)):
                await _check(one, host)
        except Invalid as error:
            await asyncio.to_thread(_refuse, job, error.message)
            return Settled()
        except CodeHostError as error:
            if error.kind in ("limited", "unavailable"):
                return Snooze(error.retry_after or _AGAIN_SECONDS)
            await asyncio.to_thread(_refuse, job, f"the branch of the pull request cannot be read: {error.message}")
            return Settled()
    return await launch_agent(job, api)


def _pushed_to(agent_id: str) -> list[RepositoryChoice]:
    """The repositories where the agent is to work on a branch that is there already, and some are protected."""
    with reading() as session:
        agent = agents.find(session, agent_id)
        extras = launch_extras_from(agent.launch_options) if agent else None
        if extras is None or not extras.work_on_current_branch:
            return []
        found = [(one, profiles.find_for(session, one.url)) for one in extras.repositories]
        return [one for one, profile in found if profile is not None and profile.protected_branches]


async def _check(one: RepositoryChoice, host: CodeHost | None) -> None:
    """Raise Invalid where the branch is protected, by the profile of the repository that has it; or CodeHostError."""
    url, branch = one.url, one.ref
    if one.pr_url is not None:
        head = await _head(one.pr_url, host)
        url, branch = f"https://{current().code_host_web}/{head.repository}", head.branch
    profile = await asyncio.to_thread(_profile_of, url)
    if profile is not None:
        check_push(profile, branch)


def _profile_of(url: str) -> Profile | None:
    with reading() as session:
        return profiles.find_for(session, url)


async def _head(pr_url: str, host: CodeHost | None) -> Head:
    place = parse_pull(pr_url, current().code_host_web or "")
    if host is None or place is None:
        raise Invalid("work_on_current_branch", HEAD_UNKNOWN)
    tally = Tally()
    try:
        head = await host.find_head(*place, tally)
    except CodeHostError as error:
        await asyncio.to_thread(transactional(learn_cost), tally, error)
        raise
    await asyncio.to_thread(transactional(learn_cost), tally)
    return head


@transactional
def _refuse(session: Session, job: ClaimedJob, reason: str) -> None:
    agent_id = agent_id_of(job)
    agents.update(session, agent_id, launch_status="failed", error_code=_CODE, error_message=f"Not launched: {reason}.")
    finish(session, job, agent_id)
