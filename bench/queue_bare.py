"""The bare loops that the outbox is held against: plain psycopg, no product, nothing that can fail kept in mind."""

from __future__ import annotations

import sys
import time

import psycopg

BATCH = 100
TABLE = """
DROP TABLE IF EXISTS bare_jobs;
CREATE TABLE bare_jobs (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, state smallint NOT NULL DEFAULT 0,
    args jsonb NOT NULL DEFAULT '{}', worker text, leased_until timestamptz);
CREATE INDEX ON bare_jobs (id) WHERE state = 0;
"""
CLAIM = """
UPDATE bare_jobs SET state = 1, worker = 'w', leased_until = now() + interval '30 s'
WHERE id = ANY(ARRAY(SELECT id FROM bare_jobs WHERE state = 0 ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED))
RETURNING id, args
"""
TIMELINE = """
DROP TABLE IF EXISTS bare_timeline;
CREATE TABLE bare_timeline (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, job_id bigint NOT NULL,
    what text NOT NULL, worker text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp());
"""
TELL = "INSERT INTO bare_timeline (job_id, what, worker) SELECT unnest(%s::bigint[]), %s, 'w'"
COMPLETE = "UPDATE bare_jobs SET state = 2, leased_until = NULL WHERE id = ANY(%s) AND state + 0 = 1 AND worker = 'w'"


def drain(url: str, jobs: int, *, keeps_timeline: bool = False) -> float:
    """Jobs a second, claimed and completed by the hundred; with a timeline, a row at the claim and one at the end."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TABLE)
        connection.execute(TIMELINE)
        connection.execute("INSERT INTO bare_jobs (args) SELECT '{}' FROM generate_series(1, %s)", (jobs,))
        connection.execute("VACUUM ANALYZE bare_jobs")
        connection.execute("CHECKPOINT")
    with psycopg.connect(url) as connection:
        began = time.monotonic()
        while taken := _claim(connection, BATCH, keeps_timeline):
            numbers = [row[0] for row in taken]
            connection.execute(COMPLETE, (numbers,))
            if keeps_timeline:
                connection.execute(TELL, (numbers, "completed"))
            connection.commit()
        return jobs / (time.monotonic() - began)


def enqueue(url: str, jobs: int) -> float:
    """Jobs a second, each in a transaction of its own."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TABLE)
    with psycopg.connect(url) as connection:
        began = time.monotonic()
        for _ in range(jobs):
            connection.execute("INSERT INTO bare_jobs (args) VALUES ('{}')")
            connection.commit()
        return jobs / (time.monotonic() - began)


def enqueue_many(url: str, jobs: int) -> float:
    """Jobs a second, a thousand with each statement."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TABLE)
    with psycopg.connect(url) as connection:
        began = time.monotonic()
        for _ in range(0, jobs, 1000):
            connection.execute("INSERT INTO bare_jobs (args) SELECT unnest(%s::text[])::jsonb", (["{}"] * 1000,))
            connection.commit()
        return jobs / (time.monotonic() - began)


def listen(url: str) -> None:
    """Claim at every notification, and say when each job began."""
    with psycopg.connect(url, autocommit=True) as ears, psycopg.connect(url) as hands:
        ears.execute("LISTEN bare_jobs")
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        for _ in ears.notifies():
            for _, args in _claim(hands, 1):
                sys.stdout.write(f"{args['n']} {time.time()}\n")
                sys.stdout.flush()


def _claim(
    connection: psycopg.Connection[tuple[int, dict[str, int]]], room: int, keeps_timeline: bool = False
) -> list[tuple[int, dict[str, int]]]:
    found = connection.execute(CLAIM, (room,)).fetchall()
    if keeps_timeline and found:
        connection.execute(TELL, ([row[0] for row in found], "claimed"))
    connection.commit()
    return found


if __name__ == "__main__":
    listen(sys.argv[1])
