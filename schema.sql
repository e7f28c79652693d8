-- Cursor Monitor: the whole schema, in one idempotent file.
--
-- Runs on plain Postgres 15+ and in Supabase's SQL editor, as often as you like: `make run` and
-- `cursor-monitor migrate` apply it under one advisory lock. Times are timestamptz, statuses are CHECKed,
-- ids that rows are paged by are UUIDv7 minted by the application.

BEGIN;

SELECT pg_advisory_xact_lock(7266201);

-- A notice for each statement that finds its object already there helps nobody.
SET LOCAL client_min_messages = warning;

CREATE TABLE IF NOT EXISTS schema_version (
    version    integer PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- One user goal, pursued by one or more agents. A projection: its events rebuild it exactly.
CREATE TABLE IF NOT EXISTS orchestrations (
    id               uuid PRIMARY KEY,
    name             text NOT NULL,
    status           text NOT NULL CHECK (status IN ('queued', 'running', 'paused', 'waiting', 'blocked',
                                                     'completed', 'partial', 'error', 'stopped')),
    mode             text NOT NULL CHECK (mode IN ('SINGLE_AGENT', 'PIPELINE', 'BATCH', 'AUTO')),
    repository       text NOT NULL,
    ref              text,
    prompt           text NOT NULL,
    model            text,
    options          jsonb NOT NULL,
    requested_tasks  jsonb NOT NULL DEFAULT '[]',
    is_planned       boolean NOT NULL DEFAULT false,
    is_approved      boolean NOT NULL DEFAULT false,
    is_cancelling    boolean NOT NULL DEFAULT false,
    allowance        integer,
    tasks_total      integer NOT NULL DEFAULT 0,
    tasks_completed  integer NOT NULL DEFAULT 0,
    active_agents    integer NOT NULL DEFAULT 0,
    quality_score    integer CHECK (quality_score BETWEEN 0 AND 100),
    quality_coverage integer CHECK (quality_coverage BETWEEN 0 AND 100),
    error_code       text,
    error_summary    text,
    last_seq         integer NOT NULL DEFAULT 0,
    created_by       text NOT NULL,
    created_at       timestamptz NOT NULL,
    started_at       timestamptz,
    completed_at     timestamptz,
    updated_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS orchestrations_live ON orchestrations (status, id DESC)
    WHERE status NOT IN ('completed', 'partial', 'error', 'stopped');
CREATE INDEX IF NOT EXISTS orchestrations_by_status ON orchestrations (status, id DESC);
CREATE INDEX IF NOT EXISTS orchestrations_by_end ON orchestrations (completed_at) WHERE completed_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS orchestrations_by_repository ON orchestrations (repository, id DESC);

-- What happened, in order, without gaps, for ever: the event store.
CREATE TABLE IF NOT EXISTS orchestration_events (
    orchestration_id uuid NOT NULL REFERENCES orchestrations (id) ON DELETE CASCADE,
    seq              integer NOT NULL CHECK (seq > 0),
    type             text NOT NULL,
    level            text NOT NULL CHECK (level IN ('info', 'success', 'warning', 'error')),
    task_key         text,
    message          text NOT NULL,
    payload          jsonb NOT NULL,
    created_at       timestamptz NOT NULL,
    PRIMARY KEY (orchestration_id, seq)
);
CREATE INDEX IF NOT EXISTS orchestration_events_recent ON orchestration_events (created_at DESC, orchestration_id, seq DESC);

CREATE OR REPLACE FUNCTION refuse_event_change() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    IF current_setting('cursor_monitor.retention', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'orchestration_events is append-only: % refused', TG_OP USING ERRCODE = 'integrity_constraint_violation';
END $$;
DROP TRIGGER IF EXISTS orchestration_events_append_only ON orchestration_events;
CREATE TRIGGER orchestration_events_append_only BEFORE UPDATE OR DELETE ON orchestration_events
    FOR EACH ROW EXECUTE FUNCTION refuse_event_change();

CREATE TABLE IF NOT EXISTS orchestration_tasks (
    orchestration_id uuid NOT NULL REFERENCES orchestrations (id) ON DELETE CASCADE,
    key              text NOT NULL,
    position         integer NOT NULL,
    title            text NOT NULL,
    prompt           text NOT NULL,
    depends_on       text[] NOT NULL DEFAULT '{}',
    model            text,
    ref              text,
    status           text NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed', 'skipped', 'cancelled')),
    attempts_allowed integer,
    is_waived        boolean NOT NULL DEFAULT false,
    agent_id         text,
    latest_run_id    text,
    attempts         integer NOT NULL DEFAULT 0,
    iterations       integer NOT NULL DEFAULT 0,
    branch           text,
    pr_url           text,
    quality_score    integer CHECK (quality_score BETWEEN 0 AND 100),
    quality_coverage integer CHECK (quality_coverage BETWEEN 0 AND 100),
    error_message    text,
    started_at       timestamptz,
    completed_at     timestamptz,
    PRIMARY KEY (orchestration_id, key)
);

-- An agent as the fleet knows it, launched here or seen at Cursor; its id is minted here before Cursor hears of it.
CREATE TABLE IF NOT EXISTS agents (
    id               text PRIMARY KEY,
    name             text,
    origin           text NOT NULL CHECK (origin IN ('orchestration', 'person', 'elsewhere')),
    orchestration_id uuid REFERENCES orchestrations (id) ON DELETE SET NULL,
    task_key         text,
    launch_status    text NOT NULL CHECK (launch_status IN ('requested', 'launched', 'failed', 'cancelled')),
    agent_status     text,
    repository       text,
    ref              text,
    model            text,
    prompt           text,
    auto_create_pr   boolean NOT NULL DEFAULT false,
    url              text,
    branch           text,
    pr_url           text,
    latest_run_id    text,
    run_status       text,
    is_working       boolean GENERATED ALWAYS AS (launch_status = 'launched' AND coalesce(agent_status <> 'DELETED', true)
                     AND coalesce(run_status NOT IN ('FINISHED', 'ERROR', 'CANCELLED', 'EXPIRED'), true)) STORED,
    error_code       text,
    error_message    text,
    created_by       text,
    created_at       timestamptz NOT NULL,
    launched_at      timestamptz,
    observed_at      timestamptz,
    listed_at        timestamptz,
    listed_update    timestamptz,
    updated_at       timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE agents ADD COLUMN IF NOT EXISTS listed_at timestamptz;
ALTER TABLE agents ADD COLUMN IF NOT EXISTS listed_update timestamptz;
CREATE INDEX IF NOT EXISTS agents_by_age ON agents (created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS agents_live ON agents (id) WHERE launch_status = 'requested' OR is_working;
CREATE INDEX IF NOT EXISTS agents_by_orchestration ON agents (orchestration_id) WHERE orchestration_id IS NOT NULL;

-- One attempt of an orchestration's task: the engine's view of one agent.
CREATE TABLE IF NOT EXISTS agent_orchestrator_states (
    agent_id          text PRIMARY KEY REFERENCES agents (id) ON DELETE CASCADE,
    orchestration_id  uuid NOT NULL,
    task_key          text NOT NULL,
    number            integer NOT NULL CHECK (number > 0),
    status            text NOT NULL CHECK (status IN ('launching', 'running', 'succeeded', 'failed', 'cancelled', 'lost')),
    state             jsonb NOT NULL,
    UNIQUE (orchestration_id, task_key, number),
    FOREIGN KEY (orchestration_id, task_key) REFERENCES orchestration_tasks (orchestration_id, key) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS agent_runs (
    id          text PRIMARY KEY,
    agent_id    text NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    status      text NOT NULL,
    prompt      text,
    result      text,
    duration_ms bigint,
    created_at  timestamptz NOT NULL,
    ended_at    timestamptz,
    observed_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS agent_runs_by_agent ON agent_runs (agent_id, created_at DESC);

-- A follow-up that somebody asked for; `previous_run_id` tells a lost answer from a follow-up that was never sent.
CREATE TABLE IF NOT EXISTS agent_followups (
    id              uuid PRIMARY KEY,
    agent_id        text NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    prompt          text NOT NULL,
    status          text NOT NULL CHECK (status IN ('requested', 'sending', 'sent', 'failed', 'cancelled')),
    previous_run_id text,
    run_id          text,
    error_message   text,
    created_by      text NOT NULL,
    created_at      timestamptz NOT NULL,
    sent_at         timestamptz
);
CREATE INDEX IF NOT EXISTS agent_followups_by_agent ON agent_followups (agent_id, created_at);

CREATE SEQUENCE IF NOT EXISTS lease_token_seq;
CREATE SEQUENCE IF NOT EXISTS ready_seq;

-- The outbox: written in the transaction of the change that needs the work; claimed under a lease.
CREATE TABLE IF NOT EXISTS orchestration_outbox_jobs (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind             text NOT NULL,
    args             jsonb NOT NULL DEFAULT '{}',
    orchestration_id uuid,
    agent_id         text,
    status           text NOT NULL DEFAULT 'pending'
                     CHECK (status IN ('pending', 'processing', 'completed', 'failed', 'cancelled')),
    priority         smallint NOT NULL DEFAULT 0,
    dedupe_key       text,
    attempts         integer NOT NULL DEFAULT 0,
    max_attempts     integer NOT NULL DEFAULT 10,
    next_run_at      timestamptz NOT NULL DEFAULT now(),
    rerun_at         timestamptz,
    ready_seq        bigint,
    level            smallint GENERATED ALWAYS AS (greatest(-1, least(3, floor(priority / 10.0)))) STORED,
    lease_token      bigint,
    leased_by        text,
    leased_until     timestamptz,
    holder           bigint,
    errors           jsonb NOT NULL DEFAULT '[]',
    created_at       timestamptz NOT NULL DEFAULT now(),
    finished_at      timestamptz
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
-- A pending job is either ready, with a number that only grows, or scheduled, with none. A worker reads the ready ones
-- from the last number it took, so what is dead but kept for an old snapshot is not walked again with every claim.
ALTER TABLE orchestration_outbox_jobs ADD COLUMN IF NOT EXISTS ready_seq bigint;
ALTER TABLE orchestration_outbox_jobs ADD COLUMN IF NOT EXISTS level smallint
    GENERATED ALWAYS AS (greatest(-1, least(3, floor(priority / 10.0)))) STORED;
ALTER TABLE orchestration_outbox_jobs ADD COLUMN IF NOT EXISTS holder bigint;
DROP INDEX IF EXISTS orchestration_outbox_jobs_due, orchestration_outbox_jobs_next;
CREATE INDEX IF NOT EXISTS orchestration_outbox_jobs_ready ON orchestration_outbox_jobs (level, ready_seq)
    WHERE ready_seq IS NOT NULL;
CREATE INDEX IF NOT EXISTS orchestration_outbox_jobs_scheduled ON orchestration_outbox_jobs (next_run_at)
    WHERE status = 'pending' AND ready_seq IS NULL;
CREATE INDEX IF NOT EXISTS orchestration_outbox_jobs_leased ON orchestration_outbox_jobs (leased_until)
    WHERE status = 'processing';
CREATE UNIQUE INDEX IF NOT EXISTS orchestration_outbox_jobs_dedupe ON orchestration_outbox_jobs (dedupe_key)
    WHERE status IN ('pending', 'processing');
CREATE INDEX IF NOT EXISTS orchestration_outbox_jobs_dead ON orchestration_outbox_jobs (id DESC) WHERE status = 'failed';
CREATE INDEX IF NOT EXISTS orchestration_outbox_jobs_finished ON orchestration_outbox_jobs (finished_at)
    WHERE status IN ('completed', 'cancelled');

-- Heartbeats and what became of each part of the product.
CREATE TABLE IF NOT EXISTS service_health_events (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    service    text NOT NULL,
    instance   text NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('started', 'heartbeat', 'draining', 'stopped', 'warning')),
    details    jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS service_health_events_newest ON service_health_events (service, created_at DESC);
CREATE INDEX IF NOT EXISTS service_health_events_by_instance ON service_health_events (service, instance, id DESC);

-- The answers to creating POSTs, so that a repeated Idempotency-Key creates nothing.
CREATE TABLE IF NOT EXISTS idempotency_keys (
    scope        text NOT NULL,
    key          text NOT NULL,
    request_hash text NOT NULL,
    resource_id  text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (scope, key)
);

-- What Cursor's slow, limited listings said last: models, repositories, me.
CREATE TABLE IF NOT EXISTS cursor_cache (
    key        text PRIMARY KEY,
    value      jsonb NOT NULL,
    fetched_at timestamptz NOT NULL
);

-- What each key may still send to Cursor, by class of endpoints: one bucket for all workers.
CREATE TABLE IF NOT EXISTS cursor_budgets (
    account        text NOT NULL,
    endpoint       text NOT NULL,
    per_minute     integer NOT NULL,
    tokens         double precision NOT NULL,
    refilled_at    timestamptz NOT NULL,
    slots          jsonb NOT NULL DEFAULT '{}',
    pace           double precision NOT NULL DEFAULT 1,
    strikes        integer NOT NULL DEFAULT 0,
    struck_at      timestamptz,
    blocked_until  timestamptz,
    seen_limit     integer,
    seen_remaining integer,
    seen_reset_at  timestamptz,
    seen_at        timestamptz,
    granted        bigint NOT NULL DEFAULT 0,
    refused        bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (account, endpoint)
) WITH (fillfactor = 50);

-- Webhooks that were genuine, each body once; only a hint to look, so nothing of their content is kept.
CREATE TABLE IF NOT EXISTS webhook_deliveries (
    body_hash   text PRIMARY KEY,
    delivery_id text,
    event       text NOT NULL,
    agent_id    text NOT NULL,
    status      text NOT NULL,
    sent_at     timestamptz NOT NULL,
    is_outdated boolean NOT NULL DEFAULT false,
    received_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS webhook_deliveries_by_agent ON webhook_deliveries (agent_id, sent_at DESC);
CREATE INDEX IF NOT EXISTS webhook_deliveries_by_age ON webhook_deliveries (received_at);

-- Row level security on every table; nothing for `anon`, everything for `service_role`, non-secret columns to read for
-- `authenticated`; each only where the role exists (Supabase has them, plain Postgres has not).
DO $$
DECLARE
    name text;
    stranger text;
BEGIN
    FOREACH stranger IN ARRAY ARRAY['anon', 'authenticated'] LOOP
        IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = stranger) THEN
            EXECUTE format('REVOKE ALL ON SEQUENCE lease_token_seq, ready_seq FROM %I', stranger);
        END IF;
    END LOOP;
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'service_role') THEN
        GRANT ALL ON SEQUENCE lease_token_seq, ready_seq TO service_role;
    END IF;
    FOREACH name IN ARRAY ARRAY[
        'schema_version',
        'orchestrations',
        'orchestration_events',
        'orchestration_tasks',
        'agents',
        'agent_orchestrator_states',
        'agent_runs',
        'agent_followups',
        'orchestration_outbox_jobs',
        'service_health_events',
        'idempotency_keys',
        'cursor_cache',
        'cursor_budgets',
        'webhook_deliveries'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'anon') THEN
            EXECUTE format('REVOKE ALL ON %I FROM anon', name);
        END IF;
        IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'authenticated') THEN
            EXECUTE format('REVOKE ALL ON %I FROM authenticated', name);
        END IF;
        IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'service_role') THEN
            EXECUTE format('GRANT ALL ON %I TO service_role', name);
            IF NOT EXISTS (SELECT 1 FROM pg_policies WHERE tablename = name AND policyname = 'service_role_all') THEN
                EXECUTE format('CREATE POLICY service_role_all ON %I FOR ALL TO service_role USING (true) WITH CHECK (true)', name);
            END IF;
        END IF;
    END LOOP;
END $$;

INSERT INTO schema_version (version) VALUES (2) ON CONFLICT DO NOTHING;

COMMIT;
