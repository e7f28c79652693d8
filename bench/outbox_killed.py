"""What the outbox does when its only worker is killed, and when there is nothing to do."""

from __future__ import annotations

import time
from typing import LiteralString

from bench.figures import Figure
from bench.outbox_drain import LIVE
from bench.queue_place import Place
from bench.queue_worker import KINDS

WAITS = KINDS[1]
IDLE_SECONDS = 30
YOUNG: LiteralString = "SELECT clock_timestamp() - pg_postmaster_start_time() > interval '6 s'"
RUNNING: LiteralString = "SELECT count(*) = 20 FROM orchestration_outbox_live WHERE status = 'processing'"
ENDED: LiteralString = """
SELECT extract(epoch FROM max(finished_at) - %s)::float8 FROM orchestration_outbox_history WHERE kind = %s
"""
CLAIMED: LiteralString = """
SELECT extract(epoch FROM max(claimed_at) - %s)::float8 FROM orchestration_outbox_history WHERE kind = %s
"""
COUNT: LiteralString = """
SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()
"""


def measure(at: Place) -> list[Figure]:
    """SIGKILL of the only worker in the middle of twenty jobs of three seconds; then another is started."""
    at.empty()
    at.fill(WAITS, 20)
    at.wait_until(YOUNG)
    with at.worker(20) as first:
        at.wait_until(RUNNING)
        time.sleep(1.5)
        first.kill()
        first.wait()
        began = at.ask("SELECT clock_timestamp()")
        with at.worker(20):
            at.wait_until(LIVE, (WAITS,))
    done, taken = at.ask(ENDED, (began, WAITS)), at.ask(CLAIMED, (began, WAITS))
    return [Figure("outbox_killed_done", done, "s", 5.0), Figure("outbox_killed_taken_over", taken, "s", 1.0)]


def measure_idle(at: Place) -> list[Figure]:
    """What a worker with nothing to do asks of the server, each statement a transaction, as the server counts."""
    at.empty()
    with at.worker(20):
        time.sleep(10)
        before = at.ask(COUNT)
        time.sleep(IDLE_SECONDS)
        transactions = at.ask(COUNT) - before - 1
    told = {"seconds": IDLE_SECONDS}
    return [Figure("outbox_idle", transactions / IDLE_SECONDS, "transactions/s", 1.0, details=told)]
