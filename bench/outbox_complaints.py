"""What users of other queues on Postgres complain of, and what answers it here, with the figure that shows it."""

from __future__ import annotations

from bench.figures import Results

INTRODUCTION = "What users of other queues on Postgres complain of, and what answers it here:\n\n"
ANSWERS: tuple[tuple[str, str, str], ...] = (
    (
        "Jobs orphaned for days",
        "a worker's lock dies with it and its jobs go back at once; where no lock can be held, the lease runs out",
        "outbox_killed_taken_over",
    ),
    (
        "Long jobs run twice",
        "a lease is renewed off the event loop for as long as its kind may take, and a stale holder's token writes "
        "nothing: twenty jobs whose worker is killed end once each",
        "outbox_killed_done",
    ),
    (
        "Collapse while an old snapshot is held",
        "ready jobs have numbers that only grow and are read from a mark on",
        "outbox_held_snapshot",
    ),
    (
        "Growth, and slow counts",
        "what has ended leaves the live table, days of history are dropped as files, dead letters lie apart, and no "
        "claim or page counts history",
        "outbox_full_history",
    ),
    (
        "Contention of NOTIFY",
        "none inside a transaction wakes a worker; one call, after the commit, stands for many",
        "outbox_enqueue_32",
    ),
    (
        "LISTEN lost without a word",
        "the first thing a worker hears is its own ping, again after each reconnection, and the queue is polled beside "
        "it in any case",
        "outbox_start_p95",
    ),
    (
        "Poolers and prepared statements",
        "nothing is prepared, nothing is kept in a session but on the one connection that was heard to be direct "
        "(`test_pooler`, with a real PgBouncer), and it is still as quick",
        "outbox_drain",
    ),
    (
        "Load at rest",
        "one statement every few seconds looks for work, for dead workers and for lost leases",
        "outbox_idle",
    ),
    (
        "Leaked slots",
        "the turns of a concurrency key are counted from the rows that hold them, there is no counter to leak, and "
        "what a killed worker held is free again",
        "outbox_killed_taken_over",
    ),
    (
        "Recovery that fails, and live work starved by bulk",
        "workers outlive the server's restart (`test_faults`), bulk work has a share of the slots of its own, and "
        "several workers take from one queue without waiting for each other",
        "outbox_four_workers",
    ),
)


def told(results: Results) -> str:
    """The ten lines, each with its figure as last measured."""
    lines = (
        f"{number}. {complaint}: {answer}. {_shown(figure, results)}\n"
        for number, (complaint, answer, figure) in enumerate(ANSWERS, 1)
    )
    return INTRODUCTION + "".join(lines)


def _shown(figure: str, results: Results) -> str:
    entry = results.get(figure)
    if entry is None or entry["ours"] is None:
        return f"`{figure}` is not measured yet."
    peers = ", ".join(f"{name} {value:g}" for name, value in entry["peers"].items() if value is not None)
    limit = "" if entry["limit"] is None else f", at most {entry['limit']:g}"
    return f"`{figure}`: {entry['ours']:g} {entry['unit']}{limit}{f' ({peers})' if peers else ''}."
