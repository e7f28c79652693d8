"""Which service does which kind of job, with whose key, and what to say when one is given up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from cursor_monitor.codehost.api import CodeHost
from cursor_monitor.cursor.api import CursorApi
from cursor_monitor.domain.budget import Urgency
from cursor_monitor.domain.jobs import ClaimedJob, Done, JobKind, Outcome, Retry, Snooze
from cursor_monitor.services import (
    account_checks,
    advance,
    artifacts,
    attempts,
    branches,
    code_host,
    discovery,
    fleet,
    followups,
    notification_sending,
    pushing,
    reconcile,
    spending,
    upkeep,
)
from cursor_monitor.services.clients import AccountGoneError, AccountHeldError, Clients, account_of_job
from cursor_monitor.services.governor import urgently

_HELD_SECONDS = 60.0
_NEEDS: Mapping[str, tuple[str, ...]] = {
    JobKind.LAUNCH_AGENT: ("agent_id",),
    JobKind.SEND_FOLLOWUP: ("agent_id", "followup_id"),
    JobKind.CANCEL_RUN: ("agent_id", "run_id"),
    JobKind.OBSERVE_AGENT: ("agent_id",),
    JobKind.CHANGE_AGENT: ("agent_id", "action"),
    JobKind.READ_AGENT: ("agent_id",),
    JobKind.DISCOVER_AGENT: ("agent_id",),
    JobKind.CHECK_ACCOUNT: ("account_id",),
    JobKind.LIST_BRANCHES: ("repository",),
    JobKind.NOTIFY: ("delivery_id",),
}


async def _nothing(job: ClaimedJob, error: str) -> None:
    return None


async def _wait(job: ClaimedJob, code: str, message: str, kind: str) -> Outcome:
    """Look again later; whoever finds that the account works again brings the job forward."""
    return Snooze(_HELD_SECONDS, forgets=False)


@dataclass(frozen=True, slots=True)
class Handler:
    """How a kind of job is done; `give_up` tells the rest of the product when it becomes a dead letter.

    A job without what the kind `needs` is one from the start: no further try would find it.
    """

    run: Callable[[ClaimedJob], Awaitable[Outcome]]
    give_up: Callable[[ClaimedJob, str], Awaitable[None]] = _nothing
    deadline_seconds: float = 300.0
    needs: tuple[str, ...] = ()

    def missing(self, job: ClaimedJob) -> str | None:
        """What is wrong with the job's payload, by name; None where it can be read."""
        if not isinstance(job.args, dict):  # pyright: ignore[reportUnnecessaryIsInstance]  the row may hold any JSON
            return "the payload cannot be read: it has to be an object"
        for name in self.needs:
            value = job.agent_id if name == "agent_id" else job.args.get(name)
            if not isinstance(value, str) or not value:
                return f"the payload cannot be read: {name} has to be a text that is not empty"
        return None


Handlers = Mapping[str, Handler]
_Asking = Callable[[ClaimedJob, CursorApi], Awaitable[Outcome]]
_Holding = Callable[[ClaimedJob, str, str, str], Awaitable[Outcome]]


def build_handlers(clients: Clients, host: CodeHost | None = None) -> Handlers:
    """The handlers of every kind that this version knows; without a code host nobody asks for it to be looked at."""

    def asks(
        urgency: Urgency,
        run: _Asking,
        give_up: Callable[[ClaimedJob, str], Awaitable[None]] = _nothing,
        hold: _Holding = _wait,
    ) -> Handler:
        return Handler(urgently(urgency, lambda job: _with_client(clients, urgency, run, hold, job)), give_up)

    handlers: dict[str, Handler] = {
        JobKind.ADVANCE: Handler(_advance, deadline_seconds=60),
        JobKind.LAUNCH_AGENT: asks(
            Urgency.LAUNCH,
            lambda job, api: pushing.launch_checked(job, api, host),
            attempts.give_up_launch,
            attempts.hold_launch,
        ),
        JobKind.SEND_FOLLOWUP: asks(
            Urgency.LAUNCH, followups.send_followup, followups.give_up_followup, followups.hold_followup
        ),
        JobKind.CANCEL_RUN: asks(Urgency.CONTROL, attempts.cancel_run),
        JobKind.OBSERVE_AGENT: asks(Urgency.POLL, reconcile.observe_agent),
        JobKind.WATCH_FLEET: asks(Urgency.WATCH, fleet.watch_fleet),
        JobKind.CHANGE_AGENT: asks(Urgency.CONTROL, upkeep.change_agent),
        JobKind.READ_AGENT: asks(Urgency.LISTING, upkeep.read_agent),
        JobKind.READ_USAGE: asks(Urgency.LISTING, spending.read_usage),
        JobKind.FIND_ARTIFACT: asks(Urgency.CONTROL, artifacts.find_artifact),
        JobKind.DISCOVER_AGENT: asks(Urgency.LISTING, discovery.discover_agent),
        JobKind.CHECK_ACCOUNT: Handler(
            urgently(Urgency.CONTROL, lambda job: account_checks.check_account(job, clients))
        ),
        JobKind.NOTIFY: Handler(
            notification_sending.send_notification, notification_sending.give_up_notification, deadline_seconds=90
        ),
        **_code_host_handlers(host),
    }
    return {kind: replace(handler, needs=_NEEDS.get(kind, ())) for kind, handler in handlers.items()}


def _code_host_handlers(host: CodeHost | None) -> Handlers:
    if host is None:
        return {}
    return {
        JobKind.OBSERVE_CODE_HOST: Handler(lambda job: code_host.observe_code_host(job, host)),
        JobKind.LIST_BRANCHES: Handler(lambda job: branches.list_branches(job, host), deadline_seconds=60),
    }


async def _with_client(clients: Clients, urgency: Urgency, run: _Asking, hold: _Holding, job: ClaimedJob) -> Outcome:
    """Do the job with the key of its account; it waits, uncounted, while the account cannot be used."""
    try:
        account_id = await account_of_job(clients, job)
        api = await clients.client(account_id, starts_work=urgency is Urgency.LAUNCH)
        outcome = await run(job, api)
        is_held = isinstance(outcome, Retry) and await clients.is_held(account_id)
    except AccountHeldError as held:
        return await hold(job, held.code, held.message, held.kind)
    except AccountGoneError:
        return Done()
    return Snooze(_HELD_SECONDS, forgets=False) if is_held else outcome


async def _advance(job: ClaimedJob) -> Outcome:
    if job.orchestration_id is not None:
        await asyncio.to_thread(advance.advance, job.orchestration_id)
    return Done()
