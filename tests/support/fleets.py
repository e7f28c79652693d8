"""Thousands of agents in a moment, for what must stay quick over many."""

from __future__ import annotations

from tests.support.postgres import ask

_FILL = """
INSERT INTO agents (id, name, origin, launch_status, agent_status, run_status, repository, branch, prompt, cost_cents,
                    created_at, launched_at, active_at, latest_run_id)
SELECT 'bc-' || lpad(to_hex(n), 8, '0') || '-0000-4000-8000-000000000000',
       'Task ' || n, (ARRAY['orchestration', 'person', 'elsewhere'])[1 + n %% 3],
       'launched', CASE WHEN n %% 50 = 0 THEN 'ARCHIVED' WHEN n %% 51 = 0 THEN 'DELETED' ELSE 'IDLE' END,
       (ARRAY['FINISHED', 'FINISHED', 'FINISHED', 'ERROR', 'CANCELLED', 'RUNNING'])[1 + n %% 6],
       'https://github.com/acme/repo-' || n %% 200, 'cursor/branch-' || n, 'Please mend part ' || n || ' of it.',
       CASE WHEN n %% 4 > 0 THEN n %% 700 END,
       now() - n * interval '1 minute', now() - n * interval '1 minute', now() - (n %% 9999) * interval '1 second',
       'run-' || n
FROM generate_series(1, %s) AS n
"""


def fill(url: str, count: int) -> None:
    """So many agents, in all states, of 200 repositories, every tenth tagged, every 40th pinned."""
    ask(url, _FILL, (count,))
    ask(
        url,
        "INSERT INTO agent_tags (agent_id, tag, created_by) SELECT id, 'tag ' || (right(name, 1)), 'test' FROM agents"
        " WHERE name LIKE '%%5'; ",
    )
    ask(url, "INSERT INTO agent_pins (agent_id, owner) SELECT id, '' FROM agents WHERE name LIKE '%%25'")
    ask(url, "VACUUM (ANALYZE) agents")
    ask(url, "VACUUM (ANALYZE) agent_tags")
    ask(url, "VACUUM (ANALYZE) agent_pins")
