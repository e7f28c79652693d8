"""How soon the end of a run is known while one worker watches 2,000 running agents."""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, LiteralString

import httpx
import psycopg

from bench import stack
from bench.figures import Figure
from bench.idle import MEGABYTE, processor_seconds, resident_bytes
from cursor_monitor.runtime.children import dies_with_parent
from cursor_monitor.simulator.model import TERMINAL

TITLE = "Watching a large fleet"
HOW = """\
The simulator has 2,000 running agents, all launched elsewhere, before the product starts: a cold start. It refuses what
goes beyond 300 calls in any minute of a key. Runs end one after the other, as they do where 2,000 agents work for about
80 minutes each: for two and a half minutes those of agents without a webhook, which only the list can tell of, then for
a minute those of agents with one. The clock of a delay starts at the run's end by the simulator's clock, which is the
machine's, and stops at the commit with its terminal status in Postgres, told by a trigger. `noticed` is the commit that
says that the turn has ended, before the run itself is read. The first half minute counts for the cold start alone,
or more of it where a busy machine starts the product late.
Beside it in the same run, with a key and a limit of its own, the naive way: one GET for each agent, again 10 s later or
as soon as the limit allows. It sees few ends within the measurement; an end that it has not seen counts with its age at
the measurement's end, so its true figure is higher."""

AGENTS = 2000
LIMIT = 300
EVERY_SECONDS = 2.4
COLD_SECONDS, LIST_SECONDS, HOOK_SECONDS, SETTLE_SECONDS = 30.0, 120.0, 60.0, 12.0
START_SECONDS = 20.0
SECRET = "a-secret-of-the-benchmark-0123456789"  # noqa: S105
SEEN: LiteralString = """
CREATE TABLE bench_seen (agent_id text, what text, at timestamptz DEFAULT clock_timestamp());
CREATE FUNCTION bench_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.run_status = 'FINISHED' AND NEW.run_status IS DISTINCT FROM OLD.run_status
        THEN INSERT INTO bench_seen VALUES (NEW.id, 'recorded'); END IF;
    IF NEW.agent_status <> 'ACTIVE' AND NEW.agent_status IS DISTINCT FROM OLD.agent_status
        THEN INSERT INTO bench_seen VALUES (NEW.id, 'noticed'); END IF;
    RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER bench_note AFTER UPDATE ON agents DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION bench_note();
"""


@dataclass
class _Naive:
    """One GET for each agent, round after round, as fast as the limit allows."""

    url: str
    ids: list[str]
    seen: dict[str, float] = field(default_factory=dict)
    calls: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        with httpx.Client(base_url=self.url, headers=_key("product+naive"), trust_env=False) as http:
            while not self.stopping.is_set():
                began = time.monotonic()
                for agent_id in self.ids:
                    if agent_id not in self.seen:
                        self._look(http, agent_id)
                    if self.stopping.is_set():
                        return
                self.stopping.wait(max(0.0, 10 - (time.monotonic() - began)))

    def _look(self, http: httpx.Client, agent_id: str) -> None:
        answer = http.get(f"/v1/agents/{agent_id}")
        self.calls += 1
        if answer.status_code == 200 and answer.json()["status"] != "ACTIVE":
            self.seen[agent_id] = time.time()
        self.stopping.wait(60 / LIMIT)


def measure() -> list[Figure]:
    """Delays by the list and by webhooks, calls, processor time and memory, and the cold start."""
    with tempfile.TemporaryDirectory(prefix="cursor-monitor-bench-") as folder, _simulator() as simulator:
        places = stack.places(Path(folder))
        hook = f"http://127.0.0.1:{places['PORT']}/api/cloud-agents/webhook"
        listed = round((COLD_SECONDS + LIST_SECONDS) / EVERY_SECONDS)
        hooked = round(HOOK_SECONDS / EVERY_SECONDS)
        began = time.time() + 12 + START_SECONDS
        ids = _seed(simulator, began, listed, hooked, hook)
        time.sleep(max(0.0, began - START_SECONDS - time.time()))
        environ = {
            "PORT": places["PORT"],
            "CURSOR_API_URL": simulator,
            "CURSOR_API_KEY": "product",
            "CURSOR_WEBHOOK_SECRET": SECRET,
            "CURSOR_RATE_PER_MINUTE": str(LIMIT),
        }
        with stack.running(Path(folder), **environ) as product, psycopg.connect(product.database_url) as database:
            database.autocommit = True
            return _measured(product, database, simulator, ids, began, listed)


def _measured(
    product: stack.Stack,
    database: psycopg.Connection[Any],
    simulator: str,
    ids: list[str],
    began: float,
    listed: int,
) -> list[Figure]:
    database.execute(SEEN)
    naive = _Naive(simulator, random.Random(7).sample(ids, len(ids)))
    thread = threading.Thread(target=naive.run, daemon=True)
    thread.start()
    cold = _cold_start(database, began)
    settled = max(began + COLD_SECONDS, time.time() + SETTLE_SECONDS)  # a busy machine starts the product late
    _sleep_until(settled)
    worker, calls = product.part("worker"), _calls(database)
    used, since = processor_seconds(worker), time.monotonic()
    _sleep_until(began + COLD_SECONDS + LIST_SECONDS)
    seconds = time.monotonic() - since
    share = 100 * (processor_seconds(worker) - used) / seconds
    rate = 60 * (_calls(database)[0] - calls[0]) / seconds
    memory = resident_bytes(worker) / MEGABYTE
    _sleep_until(began + COLD_SECONDS + LIST_SECONDS + HOOK_SECONDS + SETTLE_SECONDS)
    naive.stopping.set()
    thread.join(5)
    ends = _ends(simulator, began)
    seen = _seen(database)
    first = [i for i in ids[:listed] if i in ends and ends[i] < settled]
    middle = [i for i in ids[:listed] if i in ends and ends[i] >= settled]
    last = [i for i in ids[listed:] if i in ends]
    peer = _p95([naive.seen.get(i, time.time()) - ends[i] for i in middle])
    facts = {"agents": AGENTS, "limit a minute": LIMIT, "refused by the simulator": _calls(database)[1]}
    naive_facts = {"naive calls": naive.calls, "ends seen by the naive way": sum(i in naive.seen for i in middle)}
    return [
        _delay(
            "watch_by_list", ends, seen, middle, 5.0, {"one GET for each agent, at least": peer}, naive_facts | facts
        ),
        _delay("watch_by_webhook", ends, seen, last, 1.0, {}, {}),
        Figure(
            "watch_calls", rate / AGENTS, "calls/agent/min", LIMIT / AGENTS, details={"calls a minute": round(rate)}
        ),
        Figure("watch_cpu", share, "% of a core", 50.0, details={"seconds": round(seconds, 1)}),
        Figure("watch_memory", memory, "MB", 200.0),
        Figure("watch_cold_start", cold, "s", 30.0, details=_cold_facts(ends, seen, first)),
    ]


def _delay(
    name: str,
    ends: dict[str, float],
    seen: dict[str, dict[str, float]],
    chosen: list[str],
    limit: float,
    peers: dict[str, float],
    more: dict[str, Any],
) -> Figure:
    recorded = [seen["recorded"].get(i, float("inf")) - ends[i] for i in chosen]
    noticed = [seen["noticed"].get(i, float("inf")) - ends[i] for i in chosen]
    details = {
        "ends": len(chosen),
        "median s": round(statistics.median(recorded), 2),
        "slowest s": round(max(recorded), 2),
        "noticed: median s": round(statistics.median(noticed), 2),
        "noticed: p95 s": round(_p95(noticed), 2),
    }
    return Figure(name, _p95(recorded), "s p95", limit, peers, details=details | more)


def _cold_facts(ends: dict[str, float], seen: dict[str, dict[str, float]], chosen: list[str]) -> dict[str, Any]:
    delays = [seen["recorded"][i] - ends[i] for i in chosen if i in seen["recorded"]]
    facts: dict[str, Any] = {"ends before that counted": len(chosen), "not seen": len(chosen) - len(delays)}
    return facts | ({"slowest s": round(max(delays), 2)} if delays else {})


def _cold_start(database: psycopg.Connection[Any], began: float) -> float:
    """Seconds from the worker's first word to all running agents being known."""
    first = database.execute("SELECT min(created_at) FROM service_health_events WHERE service = 'worker'").fetchone()
    deadline = time.monotonic() + 120
    while True:
        row = database.execute("SELECT count(*) FROM agents").fetchone()
        ended = max(0.0, time.time() - began) / EVERY_SECONDS + 1  # these are taken in later, one by one
        if row and row[0] >= AGENTS - ended:
            known = database.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
            assert first
            assert known
            return known[0] - first[0].timestamp()
        if time.monotonic() > deadline:
            raise RuntimeError("the running agents were not taken in")
        time.sleep(0.1)


def _calls(database: psycopg.Connection[Any]) -> tuple[int, int]:
    row = database.execute("SELECT sum(granted), sum(refused) FROM cursor_budgets WHERE endpoint = 'api'").fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def _seen(database: psycopg.Connection[Any]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {"recorded": {}, "noticed": {}}
    query = "SELECT agent_id, what, min(extract(epoch FROM at))::float8 FROM bench_seen GROUP BY 1, 2"
    for agent_id, what, at in database.execute(query):
        found[what][agent_id] = at
    for agent_id, at in found["recorded"].items():  # who has read the run has noticed its end
        found["noticed"][agent_id] = min(at, found["noticed"].get(agent_id, at))
    return found


def _ends(simulator: str, began: float) -> dict[str, float]:
    ledger = httpx.get(f"{simulator}/_sim/ledger", trust_env=False, timeout=60).json()
    runs = {agent["id"]: agent["runs"][-1] for agent in ledger["agents"]}
    moments = {i: datetime.fromisoformat(r["ended_at"]).timestamp() for i, r in runs.items() if r["status"] in TERMINAL}
    return {agent_id: at for agent_id, at in moments.items() if at >= began}


def _seed(simulator: str, began: float, listed: int, hooked: int, hook: str) -> list[str]:
    """Launch the agents: those whose runs end come first in the answer, in the order of their ends."""
    # Those that end are spread over the whole list, as they would be.
    step = AGENTS // (listed + hooked)
    numbers = {n * step: n for n in range(listed + hooked)}
    with (
        ThreadPoolExecutor(4) as pool,
        httpx.Client(base_url=simulator, headers=_key("product+seed"), trust_env=False) as http,
    ):
        made = list(pool.map(lambda n: _launch(http, began, numbers.get(n), listed, hook), range(AGENTS)))
        rule = {"effect": "request_limit", "requests": LIMIT, "seconds": 60}
        http.post("/_sim/faults", json=rule).raise_for_status()
    ending = sorted((numbers[n], agent_id) for n, agent_id in enumerate(made) if n in numbers)
    rest = [agent_id for n, agent_id in enumerate(made) if n not in numbers]
    return [agent_id for _, agent_id in ending] + rest


def _launch(http: httpx.Client, began: float, place: int | None, listed: int, hook: str) -> str:
    """Launch one agent; its place among those that end says when."""
    if place is None:
        marker = "[[sim:never]]"
    else:
        marker = f"[[sim:slow:{began + (place + 0.5) * EVERY_SECONDS - time.time():.3f}]]"
    body: dict[str, Any] = {
        "prompt": {"text": f"Keep the dependencies fresh. {marker}"},
        "source": {"repository": "https://github.com/acme/widgets"},
    }
    if place is not None and place >= listed:
        body["webhook"] = {"url": hook, "secret": SECRET}
    answer = http.post("/v0/agents", json=body, timeout=60)
    answer.raise_for_status()
    return answer.json()["id"]


@contextmanager
def _simulator() -> Iterator[str]:
    """A simulator of its own, so that agents are there before the product is."""
    port = stack.free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "cursor_monitor.simulator"],
        cwd=stack.ROOT,
        env=os.environ | {"SIMULATOR_PORT": str(port), "SIM_SEED": "7", "SIM_TIME_SCALE": "1"},
        preexec_fn=dies_with_parent(),
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            with suppress(httpx.HTTPError):
                httpx.get(f"{url}/_sim/health", trust_env=False).raise_for_status()
                break
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.time()))


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def _key(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {name}"}
