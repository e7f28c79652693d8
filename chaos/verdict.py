"""After a fault run: everything that must hold, asked of the database, the ledger and the workers' own words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from chaos import history, ledger
from chaos.drive import Drive
from chaos.orders import Order
from tests.support.postgres import ask

_TERMINAL = ("completed", "partial", "error", "stopped")
_OPEN_TASKS = ("pending", "running")
# A worker that says ERROR met something nobody foresaw; that it gave a job up is told by the dead letters.
_ERROR = re.compile(r"^\S+ \S+ ERROR (.*)$", re.MULTILINE)


def judge(drive: Drive) -> list[str]:
    """Every violation, in words; empty where all is well."""
    url, people = drive.world.url, drive.people
    found = [*drive.troubles, *drive.world.unexpected_ends]
    found += _ends(url, people.launched)
    for key in people.launched:
        found += history.violations(key)
    found += ledger.violations(url, drive.world.simulator.ledger(), people.deleted)
    found += _jobs(url)
    found += _counted(url)
    found += _said(worker.log for worker in drive.world.workers.all)
    return found


def _ends(url: str, launched: Mapping[str, Order]) -> Iterator[str]:
    """Every launch is there, has all its tasks, and ended, or rests where its order says so."""
    rows = {row[0]: row[1:] for row in ask(url, "SELECT id::text, status, error_code FROM orchestrations")}
    tasks: dict[str, list[str]] = {key: [] for key in rows}
    for key, status in ask(
        url, "SELECT orchestration_id::text, status FROM orchestration_tasks WHERE NOT is_merge AND position >= 0"
    ):
        tasks[key].append(status)
    if lost := launched.keys() - rows.keys():
        yield f"{len(lost)} launches are nowhere: {sorted(lost)[:5]}"
    if more := rows.keys() - launched.keys():
        yield f"{len(more)} orchestrations nobody launched: {sorted(more)[:5]}"
    for key, order in launched.items():
        status, code = rows.get(key, ("lost", None))
        if status not in _TERMINAL and status != order.rests:
            yield f"{key}: {status} ({code}), neither ended nor at rest as its order says"
        if status in _TERMINAL and any(task in _OPEN_TASKS for task in tasks.get(key, ())):
            yield f"{key}: {status} with open tasks"
        if order.tasks is not None and tasks.get(key) and len(tasks[key]) != order.tasks:
            yield f"{key}: {len(tasks[key])} tasks, {order.tasks} were asked for"


def _jobs(url: str) -> Iterator[str]:
    """No job is held by the dead, none is overdue, none is left undone, and each dead letter has told its task."""
    stuck = ask(
        url,
        "SELECT id, kind, status, attempts, errors -> -1 ->> 'error' FROM orchestration_outbox_live"
        " WHERE (status = 'processing' AND leased_until < now() - interval '5 s')"
        " OR (kind NOT IN ('watch_fleet', 'advance', 'read_agent'))"  # what agents cost is read again and again
        " OR (status = 'pending' AND next_run_at < now() - interval '10 s')",
    )
    yield from (
        f"job {number} ({kind}) is {status} after {tries} tries: {error}"
        for number, kind, status, tries, error in stuck
    )
    dead = ask(
        url,
        "SELECT j.id, j.kind, j.errors -> -1 ->> 'error', s.state ->> 'error_code' FROM orchestration_outbox_dead j"
        " LEFT JOIN agent_orchestrator_states s ON s.agent_id = j.agent_id"
        " WHERE j.kind NOT IN ('launch_agent', 'send_followup')"
        " OR coalesce(s.state ->> 'error_code', '') NOT IN ('launch_failed', 'followup_failed')",
    )
    yield from (
        f"dead letter {number} ({kind}) that no task tells of ({code}): {error}" for number, kind, error, code in dead
    )


def _counted(url: str) -> Iterator[str]:
    """What is counted against the account is what was decided."""
    ((agents,),) = ask(url, "SELECT count(*) FROM agent_orchestrator_states")
    ((followups,),) = ask(url, "SELECT count(*) FROM orchestration_events WHERE type = 'FollowUpRequested'")
    ((told_agents, told_followups),) = ask(url, "SELECT sum(agents), sum(followups) FROM spend_days")
    if (told_agents, told_followups) != (agents, followups):
        yield f"counted {told_agents} agents and {told_followups} follow-ups, decided {agents} and {followups}"


def _said(logs: Iterable[str]) -> Iterator[str]:
    words: Counter[str] = Counter()
    for log in logs:
        for match in _ERROR.finditer(log):
            if "job given up" not in match[1]:
                words[_cause(log, match)] += 1
    yield from (f"workers said {number} times: {what}" for what, number in words.most_common(10))


def _cause(log: str, match: re.Match[str]) -> str:
    """The message, and the last line of the traceback behind it."""
    rest = log[match.end() : match.end() + 20_000].splitlines()
    lines: list[str] = []
    for line in rest[1:]:
        if re.match(r"\d{4}-\d\d-\d\d ", line):
            break
        lines.append(line)
    message, last = (re.sub(r" \w+=['\d].*", "", text) for text in (match[1], lines[-1] if lines else ""))
    return f"{message[:200]} {last[:300]}".strip()
