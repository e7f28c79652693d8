"""After a fault run: everything that must hold, asked of the database, the ledger and the workers' own words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from chaos import history, ledger
from chaos.drive import Drive
from chaos.evidence import Evidence
from tests.support.postgres import ask

_TERMINAL = ("completed", "partial", "error", "stopped")
_OPEN_TASKS = ("pending", "running")
# A worker that says ERROR met something nobody foresaw; that it gave a job up is told by the dead letters.
_ERROR = re.compile(r"^\S+ \S+ ERROR (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Invariant:
    """What must hold after every run, in words, and what finds each case where it does not."""

    name: str
    meaning: str
    check: Callable[[Evidence], Iterable[str]]


def examine(drive: Drive) -> dict[str, list[str]]:
    """The violations of each invariant, in words."""
    given = Evidence(drive)
    return {invariant.name: [*invariant.check(given)] for invariant in INVARIANTS}


def judge(drive: Drive) -> list[str]:
    """Every violation; empty where all is well."""
    return [wrong for found in examine(drive).values() for wrong in found]


def _stalled(given: Evidence) -> Iterable[str]:
    return [*given.drive.troubles, *given.drive.world.unexpected_ends]


def _ends(given: Evidence) -> Iterator[str]:
    url, launched = given.url, given.launched
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
        if status not in _TERMINAL:
            yield f"{key}: {status} ({code}), it has not ended"
        if status in _TERMINAL and any(task in _OPEN_TASKS for task in tasks.get(key, ())):
            yield f"{key}: {status} with open tasks"
        if order.tasks is not None and tasks.get(key) and len(tasks[key]) != order.tasks:
            yield f"{key}: {len(tasks[key])} tasks, {order.tasks} were asked for"


def _jobs(given: Evidence) -> Iterator[str]:
    stuck = ask(
        given.url,
        "SELECT id, kind, status, attempts, errors -> -1 ->> 'error' FROM orchestration_outbox_live"
        " WHERE (status = 'processing' AND leased_until < now() - interval '5 s')"
        " OR (kind NOT IN ('watch_fleet', 'advance', 'read_agent'))"  # what agents cost is read again and again
        " OR (status = 'pending' AND next_run_at < now() - interval '10 s')",
    )
    yield from (
        f"job {number} ({kind}) is {status} after {tries} tries: {error}"
        for number, kind, status, tries, error in stuck
    )


def _dead(given: Evidence) -> Iterator[str]:
    dead = ask(
        given.url,
        "SELECT j.id, j.kind, j.errors -> -1 ->> 'error', s.state ->> 'error_code' FROM orchestration_outbox_dead j"
        " LEFT JOIN agent_orchestrator_states s ON s.agent_id = j.agent_id"
        " WHERE j.kind NOT IN ('launch_agent', 'send_followup')"
        " OR coalesce(s.state ->> 'error_code', '') NOT IN ('launch_failed', 'followup_failed')",
    )
    yield from (
        f"dead letter {number} ({kind}) that no task tells of ({code}): {error}" for number, kind, error, code in dead
    )


def _counted(given: Evidence) -> Iterator[str]:
    url = given.url
    ((agents,),) = ask(url, "SELECT count(*) FROM agent_orchestrator_states")
    ((followups,),) = ask(url, "SELECT count(*) FROM orchestration_events WHERE type = 'FollowUpRequested'")
    ((told_agents, told_followups),) = ask(url, "SELECT sum(agents), sum(followups) FROM spend_days")
    if (told_agents, told_followups) != (agents, followups):
        yield f"counted {told_agents} agents and {told_followups} follow-ups, decided {agents} and {followups}"


def _said(given: Evidence) -> Iterator[str]:
    words: Counter[str] = Counter()
    for log in (worker.log for worker in given.drive.world.workers.all):
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


INVARIANTS: Sequence[Invariant] = (
    Invariant(
        "It comes to an end",
        "nothing stands still, and no worker ends by itself",
        _stalled,
    ),
    Invariant(
        "Nothing is lost",
        "every launch is there once, with all its tasks, and has ended, and so has each of its tasks",
        _ends,
    ),
    Invariant(
        "No agent twice",
        "the agents in the simulator's ledger are those the engine decided, one for each try at a task",
        ledger.agents,
    ),
    Invariant(
        "No follow-up twice",
        "each further run in the ledger answers one recorded follow-up, with that follow-up's words",
        ledger.runs,
    ),
    Invariant("No follow-up for ever", "none is left half sent where its orchestration has ended", ledger.unsent),
    Invariant("Nobody works on", "no agent is at work for an orchestration that has ended", ledger.left_working),
    Invariant(
        "Never too many at once",
        "by the simulator's clock, no orchestration has more agents at work than it may have",
        ledger.at_once,
    ),
    Invariant(
        "Never over a limit",
        "at no event are there more agents, tries, follow-ups, cents or hours than were allowed just then",
        history.overdrawn,
    ),
    Invariant("Replay", "folding the events of each orchestration gives its rows, to the letter", history.not_rebuilt),
    Invariant("No job is stuck", "none is held by the dead, overdue or left undone", _jobs),
    Invariant("Dead letters are told", "the task behind each says why it failed", _dead),
    Invariant("The books are right", "what is counted against the account is what was decided", _counted),
    Invariant("No surprise", "no worker met an error that nobody foresaw", _said),
)
