"""The outbox against bare loops and other queues on the same Postgres, by turns in one run."""

from __future__ import annotations

import os
from collections.abc import Callable

from bench import outbox_drain, outbox_enqueue, outbox_killed, outbox_size, outbox_start, queue_rivals
from bench.figures import Figure
from bench.queue_place import Place, place
from bench.queue_rivals import Rival

TITLE = "Outbox"
HOW = """\
An embedded Postgres with its durable settings, the product's worker as a process with handlers that do nothing, and by
turns with it, on the same server and over the same socket, bare loops of psycopg and other queues: PgQueuer (in batches
of 1,000), awa, procrastinate and Oban for Python, each by its own words, with its own means for many jobs at once, the
settings that made it quickest here, and the event loop of its own command line, in a database of its own and with a
worker process of its own. They are installed from PyPI on first use, at the versions below, and never into the
product's environment; one that cannot be had is left out, and said. `BENCH_PEERS=0` leaves them all out. Of each
comparison with a bare loop the round with the best ratio is kept, and of each queue the best round, because other work
on the machine only ever takes away.

The product's drain is timed by the database, from the first claim to the last completion; that of others from the
first handler's first line to the moment when no job is left; fewer jobs are given to those that are slow. The bare loop
claims and completes by the hundred and keeps no history; for `outbox_drain_timeline` it writes one row at the claim and
one at the completion, which the product keeps in the history of every job anyway. To start is from the call that
enqueues to the first line of the handler. `BENCH_FINISHED_JOBS` says how many finished jobs lie in the history of
`outbox_full_history`, ten million where it is not set. `BENCH_OUTBOX` names the measurements that are wanted, of drain,
enqueue, enqueue_32, start, killed, idle, held, four and history."""

FIGURES = (
    "outbox_drain",
    "outbox_drain_timeline",
    "outbox_drain_peers",
    "outbox_enqueue",
    "outbox_enqueue_bulk",
    "outbox_enqueue_32",
    "outbox_start",
    "outbox_start_peers",
    "outbox_start_p95",
    "outbox_start_p95_peers",
    "outbox_killed_done",
    "outbox_killed_taken_over",
    "outbox_idle",
    "outbox_held_snapshot",
    "outbox_four_workers",
    "outbox_full_history",
)

_NEED_RIVALS: dict[str, Callable[[Place, list[Rival]], list[Figure]]] = {
    "drain": outbox_drain.measure,
    "enqueue": outbox_enqueue.measure,
    "start": outbox_start.measure,
}
_ALONE: dict[str, Callable[[Place], list[Figure]]] = {
    "enqueue_32": outbox_enqueue.measure_32,
    "killed": outbox_killed.measure,
    "idle": outbox_killed.measure_idle,
    "held": outbox_size.measure_held,
    "four": outbox_size.measure_four,
    "history": outbox_size.measure_history,
}


def measure() -> list[Figure]:
    """Everything, or what BENCH_OUTBOX names."""
    known = [*_NEED_RIVALS, *_ALONE]
    wanted = os.environ.get("BENCH_OUTBOX", "").replace(",", " ").split() or known
    if unknown := set(wanted) - set(known):
        raise SystemExit(f"BENCH_OUTBOX: no measurement is named {', '.join(sorted(unknown))}; there are: {known}")
    figures: list[Figure] = []
    with place() as at:
        rivals = queue_rivals.rivals(at) if _NEED_RIVALS.keys() & set(wanted) else []
        for name in wanted:
            print(f"  {name}…", flush=True)
            figures += _NEED_RIVALS[name](at, rivals) if name in _NEED_RIVALS else _ALONE[name](at)
    return figures
