"""A database as full as that of a team after years: what the engine made of a few orchestrations, many times over.

The server multiplies the rows; every copy has ids and times of its own. `BENCH_EVENTS` scales it.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from bench import patterns
from cursor_monitor.store.database import close_database, open_database, transaction

EVENTS = int(os.environ.get("BENCH_EVENTS", "5000000"))
LONG_TASKS, LONG_ITERATIONS = 90, 15
DAYS = 90
HANDS = 2
# Of a hundred orchestrations, how many are which; those that wait for a person are the newest.
SHARES = {"completed": 72, "thorough": 12, "error": 6, "partial": 6, "stopped": 4}
WAITING = {"waiting": 100, "blocked": 50, "paused": 50}

# Loading past the checks of foreign keys and one row at a time into indexes takes several times as long.
QUICK: LiteralString = """
SET session_replication_role = replica; SET synchronous_commit = off; SET maintenance_work_mem = '512MB';
SET work_mem = '128MB'; SET max_parallel_maintenance_workers = 2
"""
PLACES: LiteralString = """
CREATE UNLOGGED TABLE bench_places AS
SELECT n, pattern, (lpad(to_hex((extract(epoch FROM began) * 1000)::bigint), 12, '0') || '7' ||
       lpad(to_hex(n %% 4096), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid AS id, began - p.created_at AS later,
       (ARRAY['Rename', 'Cover', 'Split', 'Speed up', 'Translate', 'Document'])[1 + n %% 6] || ' the ' ||
       (ARRAY['billing API', 'parser', 'settings page', 'nightly export', 'sign-in', 'importer', 'search'])[1 + n %% 7]
       || ' #' || n AS name,
       'https://github.com/acme/' || (ARRAY['web', 'billing', 'data', 'compiler', 'infra'])[1 + n %% 5] AS repository
FROM (SELECT n, now() - interval '15 minutes' - (%(many)s - n) * (make_interval(days => %(days)s) / %(many)s) AS began,
             coalesce((%(waiting)s::text[])[%(many)s - n + 1], (%(cycle)s::text[])[1 + n * 37 %% 100])::uuid AS pattern
      FROM generate_series(1, %(many)s) n) numbered
JOIN orchestrations p ON p.id = pattern;
ALTER TABLE bench_places ADD PRIMARY KEY (n);
ANALYZE bench_places
"""
# The id of a copy's agent and of its run, from the pattern's.
AGENT: LiteralString = "'bc-' || md5({} || n)::uuid"
RUN: LiteralString = "{} || '-' || n"
COPIES: LiteralString = """
INSERT INTO orchestrations (id, name, repository, status, mode, ref, prompt, model, options, requested_tasks,
    is_planned, plan_source, is_approved, is_cancelling, allowance, warned, tasks_total, tasks_completed, active_agents,
    quality_score, quality_coverage, error_code, error_summary, last_seq, created_by, created_at, started_at,
    completed_at, updated_at)
SELECT c.id, c.name, c.repository, status, mode, ref, prompt, model, options, requested_tasks, is_planned,
    plan_source, is_approved, is_cancelling, allowance, warned, tasks_total, tasks_completed, active_agents,
    quality_score, quality_coverage, error_code, error_summary, last_seq, created_by, created_at + later,
    started_at + later, completed_at + later, coalesce(completed_at, created_at) + later
FROM bench_places c JOIN orchestrations p ON p.id = c.pattern ORDER BY n
"""
TASKS: LiteralString = f"""
INSERT INTO orchestration_tasks (orchestration_id, key, position, title, prompt, depends_on, model, ref, status,
    agent_id, latest_run_id, attempts, iterations, branch, pr_url, quality_score, quality_coverage, error_message,
    started_at, completed_at)
SELECT c.id, key, position, title, prompt, depends_on, model, ref, status, {AGENT.format("agent_id")},
    {RUN.format("latest_run_id")}, attempts, iterations, branch, pr_url, quality_score, quality_coverage, error_message,
    started_at + later, completed_at + later
FROM bench_places c JOIN orchestration_tasks p ON p.orchestration_id = c.pattern ORDER BY n
"""
STORY: LiteralString = f"""
INSERT INTO orchestration_events (orchestration_id, seq, type, level, task_key, message, payload, created_at)
SELECT c.id, seq, type, level, task_key, message, CASE
    WHEN payload ? 'run_id' THEN payload || jsonb_build_object('agent_id', {AGENT.format("(payload ->> 'agent_id')")},
                                                               'run_id', {RUN.format("(payload ->> 'run_id')")})
    WHEN payload ? 'agent_id' THEN payload || jsonb_build_object('agent_id', {AGENT.format("(payload ->> 'agent_id')")})
    WHEN seq = 1 THEN payload || jsonb_build_object('name', c.name, 'repository', c.repository)
    ELSE payload END, p.created_at + later
FROM bench_places c JOIN orchestration_events p ON p.orchestration_id = c.pattern
WHERE n > %s AND n <= %s ORDER BY n, seq
"""
# The agents of the newest, each with its last run; older ones are no longer in the fleet. The time of their launch
# stays open: what was launched is looked for at Cursor, where nobody knows these.
FLEET: LiteralString = f"""
CREATE UNLOGGED TABLE bench_fleet AS
SELECT c.n, c.id AS orchestration_id, c.repository AS at, c.later, a.id AS known,
       {AGENT.format("a.id || CASE WHEN n %% 4 = 0 THEN 'elsewhere' ELSE '' END")} AS agent_id,
       {RUN.format("a.latest_run_id")} AS run_id
FROM bench_places c JOIN agents a ON a.orchestration_id = c.pattern ORDER BY c.n DESC LIMIT %(many)s;
INSERT INTO agents (id, name, origin, orchestration_id, task_key, launch_status, agent_status, repository, ref, model,
    prompt, branch, pr_url, latest_run_id, run_status, tokens, cost_cents, usage_at, created_by, created_at,
    observed_at, active_at)
SELECT f.agent_id, name || ' #' || n, CASE WHEN n %% 4 = 0 THEN 'elsewhere' ELSE 'orchestration' END,
    CASE WHEN n %% 4 > 0 THEN f.orchestration_id END, CASE WHEN n %% 4 > 0 THEN task_key END, launch_status,
    agent_status, f.at, ref, (ARRAY['composer-2', 'gpt-5.2', NULL])[1 + n %% 3], prompt, branch, pr_url, f.run_id,
    run_status, 1000 * n, coalesce(cost_cents, 5), observed_at + later + interval '10 minutes', created_by,
    created_at + later, observed_at + later, observed_at + later
FROM bench_fleet f JOIN agents a ON a.id = f.known;
INSERT INTO agent_orchestrator_states (agent_id, orchestration_id, task_key, number, status, state)
SELECT f.agent_id, f.orchestration_id, task_key, number, status,
       regexp_replace(replace(state::text, known, f.agent_id), '"(run-[0-9a-f-]+)"', '"\\1-' || n || '"', 'g')::jsonb
FROM bench_fleet f JOIN agent_orchestrator_states s ON s.agent_id = f.known WHERE n %% 4 > 0;
INSERT INTO agent_tags (agent_id, tag, created_by)
SELECT agent_id, (ARRAY['nightly', 'urgent', 'trial'])[1 + n %% 3], 'bench' FROM bench_fleet WHERE n %% 5 = 0;
INSERT INTO code_host_states (agent_id, repository, branch, pr_number, pr_url, pr_state, mergeable, checks_total,
    checks_summary, files_total, changed_at, observed_at)
SELECT f.agent_id, replace(at, 'https://github.com/', ''), branch, 1 + n, pr_url,
    CASE WHEN n %% 500 = 0 THEN 'open' ELSE 'merged' END, true, 2, 'passed', 4, observed_at + later, observed_at + later
FROM bench_fleet f JOIN agents a ON a.id = f.known WHERE a.pr_url IS NOT NULL
"""
TALK: LiteralString = """
INSERT INTO agent_runs (id, agent_id, status, prompt, result, duration_ms, created_at, ended_at, observed_at)
SELECT run_id, f.agent_id, run_status, prompt, 'Done.', 60000, created_at + later, observed_at + later,
    observed_at + later FROM bench_fleet f JOIN agents a ON a.id = f.known WHERE run_id IS NOT NULL;
INSERT INTO run_streams (run_id, agent_id, state, source, events, next_position, created_at)
SELECT id, agent_id, 'ended', 'stream', 24, 12, created_at FROM agent_runs r ON CONFLICT DO NOTHING;
INSERT INTO agent_messages (run_id, position, agent_id, kind, text, is_complete, started_at, updated_at)
SELECT id, place, agent_id, (ARRAY['user', 'assistant', 'thinking', 'assistant'])[1 + place %% 4],
    'Step ' || place || ': I read `billing/' || place || '.py`, moved invoice ' || substr(id, 5, 8) || ' to its bill, '
    || 'and ran the tests of the importer again; two of them needed the new name, the rest passed as they were.', true,
    created_at + place * interval '3 s', created_at + place * interval '3 s'
FROM agent_runs, generate_series(0, %(messages)s) place ON CONFLICT DO NOTHING
"""
REST: LiteralString = """
INSERT INTO orchestration_outbox_jobs (kind, args, orchestration_id, status, attempts, created_at, claimed_at,
    finished_at)
SELECT 'advance', '{}', id, CASE WHEN n %% 2000 = 0 THEN 'failed' ELSE 'completed' END, 1, at, at, at + interval '20 ms'
FROM (SELECT *, now() - (%(many)s - n) * interval '1 s' AS at FROM bench_places) placed;
INSERT INTO audit_log (at, actor, kind, action, subject, outcome)
SELECT now() - (%(many)s - n) * interval '1 minute', 'bench', 'person', 'orchestration.launch', id::text, 'done'
FROM bench_places ORDER BY n;
INSERT INTO spend_days (day, account, cents, agents, followups)
SELECT (created_at AT TIME ZONE 'UTC')::date, 'default', sum(coalesce(cost_cents, 0)), count(*), count(*)
FROM agents GROUP BY 1 ON CONFLICT DO NOTHING;
DROP TABLE bench_fleet, bench_places
"""
LINKS: LiteralString = """
UPDATE agents SET orchestration_id = s.orchestration_id FROM agent_orchestrator_states s WHERE s.agent_id = agents.id
"""
INDEXES: LiteralString = """
SELECT i.indexrelid::regclass::text, c.conname, coalesce(pg_get_constraintdef(c.oid), pg_get_indexdef(i.indexrelid))
FROM pg_index i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.contype IN ('p', 'u')
WHERE i.indrelid = %s::regclass ORDER BY c.conname
"""
POINTING: LiteralString = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype = 'f' AND confrelid = %s::regclass
"""


@dataclass(frozen=True, slots=True)
class Filled:
    """What lies in the database now, and how long that took."""

    orchestrations: int
    agents: int
    events: int
    long: str  # the orchestration with ten thousand events
    seconds: float


def fill(url: str, events: int = EVENTS) -> Filled:
    """Fill a migrated database that nothing else uses yet, its superuser ours."""
    began, many = time.monotonic(), max(1000, events // 50)
    agents = max(500, events // 500)
    known, long = _patterns(url)
    cycle = [known[name] for name, share in SHARES.items() for _ in range(share)]
    waiting = [known[name] for name, count in WAITING.items() for _ in range(count)]
    values: dict[str, Any] = {"many": many, "days": DAYS, "cycle": cycle, "waiting": waiting}
    with psycopg.connect(url, autocommit=True) as database:
        database.execute(QUICK)
        _run(database, PLACES, values)
        with _bare(database, "orchestrations"), _bare(database, "orchestration_tasks"):
            database.execute(COPIES)
            database.execute(TASKS)
        with _bare(database, "orchestration_events"):
            _stories(url, many)
        _run(database, FLEET, {"many": agents})
        _run(database, TALK, {"messages": 11})
        _run(database, REST, {"many": many})
        database.execute("VACUUM (ANALYZE)")
        database.execute("CHECKPOINT")
        orchestrations, agents, events = (
            _count(database, table) for table in ("orchestrations", "agents", "orchestration_events")
        )
    return Filled(orchestrations, agents, events, long, time.monotonic() - began)


def _patterns(url: str) -> tuple[dict[str, str], str]:
    """Write the patterns, as old as the oldest copy; their ids by name, and that of the long one, which is of today."""
    now = datetime.now(UTC).replace(microsecond=0)
    made = patterns.ends(now - timedelta(days=DAYS + 1))
    long = patterns.long(now - timedelta(hours=3), LONG_TASKS, LONG_ITERATIONS)
    open_database(url)
    try:
        with transaction() as session:
            for pattern in (*made.values(), long):
                pattern.write(session)
            session.connection().exec_driver_sql(LINKS)
    finally:
        close_database()
    return {name: pattern.snapshot.id for name, pattern in made.items()}, long.snapshot.id


def _stories(url: str, many: int) -> None:
    """The events, by as many hands as there are cores to work."""

    def write(hand: int) -> None:
        with psycopg.connect(url, autocommit=True) as database:
            database.execute(QUICK)
            database.execute(STORY, (many * hand // HANDS, many * (hand + 1) // HANDS))

    with ThreadPoolExecutor(HANDS) as pool:
        list(pool.map(write, range(HANDS)))


@contextlib.contextmanager
def _bare(database: psycopg.Connection[Any], table: str) -> Iterator[None]:
    """The table without its indexes, which are built anew at the end, each in one go."""
    found = database.execute(INDEXES, (table,)).fetchall()
    foreign = database.execute(POINTING, (table,)).fetchall()
    for owner, name, _ in foreign:
        _alter(database, owner, "DROP CONSTRAINT {}", name)
    for index, constraint, _ in found:
        if constraint:
            _alter(database, table, "DROP CONSTRAINT {}", constraint)
        else:
            database.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(index)))
    yield
    for _, constraint, definition in found:
        if constraint:
            _alter(database, table, "ADD CONSTRAINT {} " + definition, constraint)
        else:
            database.execute(definition)
    for owner, name, definition in foreign:
        _alter(database, owner, "ADD CONSTRAINT {} " + definition, name)


def _alter(database: psycopg.Connection[Any], table: str, change: Any, name: str) -> None:
    statement = sql.SQL("ALTER TABLE {} " + change)
    database.execute(statement.format(sql.Identifier(table), sql.Identifier(name)))


def _run(database: psycopg.Connection[Any], statements: LiteralString, values: dict[str, Any]) -> None:
    for statement in statements.split(";\n"):
        database.execute(statement, values)


def _count(database: psycopg.Connection[Any], table: str) -> int:
    row = database.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
    assert row
    return row[0]
