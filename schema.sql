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

-- The accounts at Cursor. A key is here only encrypted, and bound to its row; that of `default` is the environment's.
CREATE TABLE IF NOT EXISTS cursor_accounts (
    id                  text PRIMARY KEY,
    name                text NOT NULL,
    source              text NOT NULL CHECK (source IN ('environment', 'stored')),
    api_url             text,
    key_sealed          text,
    key_fingerprint     text,
    key_last4           text,
    key_version         integer NOT NULL DEFAULT 1,
    is_default          boolean NOT NULL DEFAULT false,
    is_paused           boolean NOT NULL DEFAULT false,
    refusal_kind        text CHECK (refusal_kind IN ('key', 'plan', 'money', 'secret')),
    refusal_code        text,
    refusal_message     text,
    refused_at          timestamptz,
    status              text GENERATED ALWAYS AS (CASE WHEN is_paused THEN 'paused'
                             WHEN refusal_kind IS NOT NULL THEN 'refused' ELSE 'active' END) STORED,
    requests_per_minute integer CHECK (requests_per_minute BETWEEN 5 AND 1000000),
    max_parallel_agents   integer CHECK (max_parallel_agents BETWEEN 1 AND 10000),
    max_agents_per_day    integer CHECK (max_agents_per_day BETWEEN 1 AND 1000000),
    max_followups_per_day integer CHECK (max_followups_per_day BETWEEN 1 AND 10000000),
    max_cents_per_day     integer CHECK (max_cents_per_day BETWEEN 1 AND 100000000),
    key_name            text,
    owner_email         text,
    owner_name          text,
    checked_at          timestamptz,
    last_ok_at          timestamptz,
    created_by          text,
    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now(),
    deleted_at          timestamptz,
    CHECK ((source = 'stored' AND deleted_at IS NULL) = (key_sealed IS NOT NULL))
);
CREATE UNIQUE INDEX IF NOT EXISTS cursor_accounts_by_name ON cursor_accounts (lower(name)) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX IF NOT EXISTS cursor_accounts_default ON cursor_accounts (is_default) WHERE is_default;
INSERT INTO cursor_accounts (id, name, source, is_default)
SELECT 'default', 'default', 'environment', true
WHERE NOT EXISTS (SELECT 1 FROM cursor_accounts WHERE id = 'default');

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
    plan_source      text,
    is_approved      boolean NOT NULL DEFAULT false,
    is_cancelling    boolean NOT NULL DEFAULT false,
    allowance        integer,
    warned           jsonb NOT NULL DEFAULT '[]',
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
ALTER TABLE orchestrations ADD COLUMN IF NOT EXISTS plan_source text;
UPDATE orchestrations SET plan_source = 'request' WHERE is_planned AND plan_source IS NULL;
ALTER TABLE orchestrations ADD COLUMN IF NOT EXISTS warned jsonb NOT NULL DEFAULT '[]';
ALTER TABLE orchestrations ADD COLUMN IF NOT EXISTS account_id text NOT NULL DEFAULT 'default'
    REFERENCES cursor_accounts (id);
CREATE INDEX IF NOT EXISTS orchestrations_by_account ON orchestrations (account_id, id DESC);
CREATE INDEX IF NOT EXISTS orchestrations_live ON orchestrations (status, id DESC)
    WHERE status NOT IN ('completed', 'partial', 'error', 'stopped');
CREATE INDEX IF NOT EXISTS orchestrations_by_status ON orchestrations (status, id DESC);
CREATE INDEX IF NOT EXISTS orchestrations_by_end_status ON orchestrations (completed_at) INCLUDE (status)
    WHERE completed_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS orchestrations_ended ON orchestrations (status, completed_at DESC) WHERE completed_at IS NOT NULL;
DROP INDEX IF EXISTS orchestrations_by_end;
CREATE INDEX IF NOT EXISTS orchestrations_by_repository ON orchestrations (repository, id DESC);
CREATE INDEX IF NOT EXISTS orchestrations_by_mode ON orchestrations (mode, id DESC);

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
    is_merge         boolean NOT NULL DEFAULT false,
    candidate_of     text,
    kept             text,
    kept_reason      text,
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
ALTER TABLE orchestration_tasks ADD COLUMN IF NOT EXISTS is_merge boolean NOT NULL DEFAULT false;
-- One of several tries at that task; and of a task that has such, which of them is kept and why.
ALTER TABLE orchestration_tasks ADD COLUMN IF NOT EXISTS candidate_of text;
ALTER TABLE orchestration_tasks ADD COLUMN IF NOT EXISTS kept text;
ALTER TABLE orchestration_tasks ADD COLUMN IF NOT EXISTS kept_reason text;

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
    launch_options   jsonb NOT NULL DEFAULT '{}',
    state            text GENERATED ALWAYS AS (CASE
                     WHEN launch_status = 'requested' THEN CASE WHEN error_code IS NULL THEN 'queued' ELSE 'blocked' END
                     WHEN launch_status <> 'launched' THEN launch_status
                     WHEN run_status = 'FINISHED' THEN 'finished'
                     WHEN run_status IN ('ERROR', 'EXPIRED') THEN 'failed'
                     WHEN run_status = 'CANCELLED' THEN 'cancelled'
                     WHEN agent_status = 'DELETED' THEN 'failed'
                     ELSE 'working' END) STORED,
    shelf            text GENERATED ALWAYS AS (CASE agent_status
                     WHEN 'DELETED' THEN 'deleted' WHEN 'ARCHIVED' THEN 'archived' ELSE 'current' END) STORED,
    tokens           bigint,
    cost_cents       double precision,
    usage_at         timestamptz,
    created_by       text,
    created_at       timestamptz NOT NULL,
    launched_at      timestamptz,
    observed_at      timestamptz,
    listed_at        timestamptz,
    listed_update    timestamptz,
    active_at        timestamptz NOT NULL DEFAULT now(),
    asked            text,
    asked_at         timestamptz,
    updated_at       timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE agents ADD COLUMN IF NOT EXISTS asked text;
ALTER TABLE agents ADD COLUMN IF NOT EXISTS asked_at timestamptz;
ALTER TABLE agents ADD COLUMN IF NOT EXISTS listed_at timestamptz;
ALTER TABLE agents ADD COLUMN IF NOT EXISTS listed_update timestamptz;
ALTER TABLE agents ADD COLUMN IF NOT EXISTS launch_options jsonb NOT NULL DEFAULT '{}';
ALTER TABLE agents ADD COLUMN IF NOT EXISTS state text GENERATED ALWAYS AS (CASE
    WHEN launch_status = 'requested' THEN CASE WHEN error_code IS NULL THEN 'queued' ELSE 'blocked' END
    WHEN launch_status <> 'launched' THEN launch_status
    WHEN run_status = 'FINISHED' THEN 'finished'
    WHEN run_status IN ('ERROR', 'EXPIRED') THEN 'failed'
    WHEN run_status = 'CANCELLED' THEN 'cancelled'
    WHEN agent_status = 'DELETED' THEN 'failed'
    ELSE 'working' END) STORED;
ALTER TABLE agents ADD COLUMN IF NOT EXISTS shelf text GENERATED ALWAYS AS (CASE agent_status
    WHEN 'DELETED' THEN 'deleted' WHEN 'ARCHIVED' THEN 'archived' ELSE 'current' END) STORED;
ALTER TABLE agents ADD COLUMN IF NOT EXISTS tokens bigint;
ALTER TABLE agents ADD COLUMN IF NOT EXISTS cost_cents double precision;
ALTER TABLE agents ADD COLUMN IF NOT EXISTS usage_at timestamptz;
ALTER TABLE agents ADD COLUMN IF NOT EXISTS active_at timestamptz;
UPDATE agents SET active_at = greatest(listed_update, launched_at, created_at) WHERE active_at IS NULL;
ALTER TABLE agents ALTER COLUMN active_at SET DEFAULT now(), ALTER COLUMN active_at SET NOT NULL;
ALTER TABLE agents ADD COLUMN IF NOT EXISTS account_id text NOT NULL DEFAULT 'default' REFERENCES cursor_accounts (id);

-- The words an agent is found by. Addresses and branches are taken apart, so that any part of them is a word.
CREATE OR REPLACE FUNCTION agent_words(id text, name text, repository text, branch text, prompt text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 5000 SET search_path = '' AS $$
SELECT pg_catalog.to_tsvector('pg_catalog.simple', pg_catalog.translate(pg_catalog.concat_ws(' ',
    id, pg_catalog.left(name, 10000), repository, branch, pg_catalog.left(prompt, 10000)),
    '/:._-@#?&=+,;()[]{}<>"''!|\`*~%$^', '                                   '))
$$;

-- One for each order and each filter of the list of agents.
CREATE INDEX IF NOT EXISTS agents_by_account ON agents (account_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS agents_by_age ON agents (created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS agents_by_activity ON agents (active_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS agents_costed ON agents (created_at DESC) WHERE cost_cents IS NOT NULL;
CREATE INDEX IF NOT EXISTS agents_by_cost ON agents ((coalesce(cost_cents, -1)) DESC, id DESC);
CREATE INDEX IF NOT EXISTS agents_by_name ON agents ((lower(left(coalesce(name, ''), 60))) DESC, id DESC);
CREATE INDEX IF NOT EXISTS agents_by_state ON agents (state DESC, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS agents_by_repository ON agents (repository, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS agents_by_origin ON agents (origin, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS agents_put_away ON agents (shelf, created_at DESC, id DESC) WHERE shelf <> 'current';
CREATE INDEX IF NOT EXISTS agents_words ON agents USING gin (agent_words(id, name, repository, branch, prompt));
CREATE INDEX IF NOT EXISTS agents_live ON agents (id) WHERE launch_status = 'requested' OR is_working;
CREATE INDEX IF NOT EXISTS agents_by_orchestration ON agents (orchestration_id) WHERE orchestration_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS agent_tags (
    agent_id   text NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    tag        text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (agent_id, tag)
);
CREATE INDEX IF NOT EXISTS agent_tags_by_tag ON agent_tags (tag, agent_id);

-- What somebody keeps at hand. `owner` is a person's id, or empty for all who need not sign in.
CREATE TABLE IF NOT EXISTS agent_pins (
    agent_id  text NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    owner     text NOT NULL,
    pinned_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (owner, agent_id)
);
CREATE INDEX IF NOT EXISTS agent_pins_by_agent ON agent_pins (agent_id);

-- What of all that waits for a person somebody has seen; `mark` is another once it waits for another reason.
CREATE TABLE IF NOT EXISTS needs_seen (
    owner   text NOT NULL,
    mark    text NOT NULL CHECK (length(mark) <= 300),
    seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (owner, mark)
);
CREATE INDEX IF NOT EXISTS needs_seen_by_age ON needs_seen (seen_at);

-- A name for an address of the list of agents: its filters, order, groups and columns.
CREATE TABLE IF NOT EXISTS fleet_views (
    id         uuid PRIMARY KEY,
    owner      text NOT NULL,
    name       text NOT NULL,
    query      text NOT NULL CHECK (length(query) <= 4000),
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX IF NOT EXISTS fleet_views_by_name ON fleet_views (owner, lower(name));

-- A picture for a launch or a follow-up, until Cursor has it; `held_by` is what it is for.
CREATE TABLE IF NOT EXISTS agent_uploads (
    id         uuid PRIMARY KEY,
    mime_type  text NOT NULL CHECK (mime_type IN ('image/png', 'image/jpeg', 'image/gif', 'image/webp')),
    content    bytea NOT NULL,
    size_bytes integer NOT NULL CHECK (size_bytes BETWEEN 1 AND 15728640),
    held_by    text,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS agent_uploads_by_holder ON agent_uploads (held_by);

-- One action on many agents; its id is the caller's, so that repeating it does nothing.
CREATE TABLE IF NOT EXISTS agent_batches (
    id           uuid PRIMARY KEY,
    action       text NOT NULL,
    request_hash text NOT NULL,
    accepted     text[] NOT NULL,
    refused      jsonb NOT NULL,
    created_by   text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now()
);

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
-- Attempts of before the end of a run was kept: its event tells when that was.
UPDATE agent_orchestrator_states a SET state = jsonb_set(a.state, '{run,ended_at}', to_jsonb(e.seen_at))
FROM (SELECT payload ->> 'agent_id' AS agent_id, payload ->> 'run_id' AS run_id, max(created_at) AS seen_at
      FROM orchestration_events WHERE type = 'RunObserved' GROUP BY 1, 2) e
WHERE e.agent_id = a.agent_id AND e.run_id = a.state #>> '{run,id}'
  AND a.state #>> '{run,status}' IN ('FINISHED', 'ERROR', 'CANCELLED', 'EXPIRED')
  AND a.state #>> '{run,ended_at}' IS NULL;

CREATE INDEX IF NOT EXISTS agent_orchestrator_states_live ON agent_orchestrator_states (orchestration_id)
    WHERE status IN ('launching', 'running');

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

-- How far each run's stream was read. Whoever holds the lease writes it, together with the conversation it stands for:
-- `revision` counts the writes, so that one whose answer was lost is told from one that never happened.
CREATE TABLE IF NOT EXISTS run_streams (
    run_id        text PRIMARY KEY REFERENCES agent_runs (id) ON DELETE CASCADE,
    agent_id      text NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    state         text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'ended', 'expired', 'unavailable')),
    source        text CHECK (source IN ('stream', 'conversation', 'result')),
    last_event_id text,
    revision      bigint NOT NULL DEFAULT 0,
    events        bigint NOT NULL DEFAULT 0,
    next_position integer NOT NULL DEFAULT 0,
    characters    bigint NOT NULL DEFAULT 0,
    has_gap       boolean NOT NULL DEFAULT false,
    heard_at      timestamptz,
    failures      integer NOT NULL DEFAULT 0,
    error_message text,
    next_try_at   timestamptz NOT NULL DEFAULT now(),
    lease_token   bigint,
    leased_by     text,
    leased_until  timestamptz,
    holder        bigint,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
-- Up to which entry it was looked at for going in circles, and how much was said of its silence.
ALTER TABLE run_streams ADD COLUMN IF NOT EXISTS loops_position integer NOT NULL DEFAULT 0;
ALTER TABLE run_streams ADD COLUMN IF NOT EXISTS silence_told smallint NOT NULL DEFAULT 0;
CREATE INDEX IF NOT EXISTS run_streams_open ON run_streams (next_try_at) WHERE state = 'open';
CREATE INDEX IF NOT EXISTS run_streams_by_agent ON run_streams (agent_id);

-- What was said in a run, in order. A long message is several rows of which each but the first `continues` the one
-- before; only what is complete is searched, so that a message which still grows does not touch the index. Paths and
-- names are searched by their parts: the parser would take src/cache_keys.py for one word.
CREATE TABLE IF NOT EXISTS agent_messages (
    run_id      text NOT NULL REFERENCES agent_runs (id) ON DELETE CASCADE,
    position    integer NOT NULL CHECK (position >= 0),
    agent_id    text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('user', 'assistant', 'thinking', 'note')),
    text        text NOT NULL,
    continues   boolean NOT NULL DEFAULT false,
    is_complete boolean NOT NULL DEFAULT false,
    started_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    search      tsvector GENERATED ALWAYS AS
                (to_tsvector('english', CASE WHEN is_complete THEN translate(left(text, 20000), '/._', '   ') ELSE '' END))
                STORED,
    PRIMARY KEY (run_id, position)
) WITH (fillfactor = 70);
CREATE INDEX IF NOT EXISTS agent_messages_search ON agent_messages USING gin (search);

-- What a run did, one row per call of a tool, in the same order; what is too large is cut, and the true size told.
CREATE TABLE IF NOT EXISTS agent_tool_events (
    run_id       text NOT NULL REFERENCES agent_runs (id) ON DELETE CASCADE,
    call_id      text NOT NULL,
    position     integer NOT NULL CHECK (position >= 0),
    agent_id     text NOT NULL,
    name         text NOT NULL,
    path         text,
    command      text,
    status       text NOT NULL,
    outcome      text NOT NULL CHECK (outcome IN ('running', 'succeeded', 'failed', 'unknown')),
    exit_code    integer,
    args         text,
    result       text,
    args_size    integer,
    result_size  integer,
    dropped      text[] NOT NULL DEFAULT '{}',
    started_at   timestamptz NOT NULL,
    ended_at     timestamptz,
    search       tsvector GENERATED ALWAYS AS (to_tsvector('english', translate(
                 name || ' ' || coalesce(path, '') || ' ' || coalesce(command, '') || ' '
                 || coalesce(left(args, 8000), '') || ' ' || coalesce(left(result, 16000), ''), '/._', '   '))) STORED,
    PRIMARY KEY (run_id, call_id)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX IF NOT EXISTS agent_tool_events_in_order ON agent_tool_events (run_id, position);
CREATE INDEX IF NOT EXISTS agent_tool_events_search ON agent_tool_events USING gin (search);

-- Runs of before there were streams: those that can still be replayed.
INSERT INTO run_streams (run_id, agent_id)
SELECT id, agent_id FROM agent_runs WHERE ended_at IS NULL OR ended_at > now() - interval '1 day'
ON CONFLICT DO NOTHING;

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
    sent_at         timestamptz,
    options         jsonb NOT NULL DEFAULT '{}'
);
ALTER TABLE agent_followups ADD COLUMN IF NOT EXISTS options jsonb NOT NULL DEFAULT '{}';
CREATE INDEX IF NOT EXISTS agent_followups_by_agent ON agent_followups (agent_id, created_at);

-- What the code host said last of an agent's work; `answers` holds, by path, the ETag and what is kept of each answer.
CREATE TABLE IF NOT EXISTS code_host_states (
    agent_id       text PRIMARY KEY REFERENCES agents (id) ON DELETE CASCADE,
    repository     text NOT NULL,
    branch         text,
    head_sha       text,
    pr_number      integer,
    pr_url         text,
    pr_state       text CHECK (pr_state IN ('open', 'draft', 'merged', 'closed')),
    mergeable      boolean,
    checks         jsonb NOT NULL DEFAULT '[]',
    checks_total   integer,
    checks_summary text NOT NULL DEFAULT 'unknown' CHECK (checks_summary IN ('passed', 'failed', 'pending', 'none', 'unknown')),
    changed_files  jsonb NOT NULL DEFAULT '[]',
    files_total    integer,
    notes          jsonb NOT NULL DEFAULT '[]',
    answers        jsonb NOT NULL DEFAULT '{}',
    error_kind     text,
    error_message  text,
    error_at       timestamptz,
    changed_at     timestamptz NOT NULL,
    observed_at    timestamptz
);
CREATE INDEX IF NOT EXISTS code_host_states_open ON code_host_states (changed_at DESC)
    WHERE pr_state IN ('open', 'draft');
CREATE INDEX IF NOT EXISTS code_host_states_pending ON code_host_states (agent_id) WHERE checks_summary = 'pending';

-- What each token may still ask of the code host, and how it last answered: shared by all workers.
CREATE TABLE IF NOT EXISTS code_host_limits (
    account       text PRIMARY KEY,
    request_limit integer,
    remaining     integer,
    reset_at      timestamptz,
    blocked_until timestamptz,
    requests      bigint NOT NULL DEFAULT 0,
    unchanged     bigint NOT NULL DEFAULT 0,
    refused       bigint NOT NULL DEFAULT 0,
    ok_at         timestamptz,
    error_kind    text,
    error_message text,
    error_at      timestamptz
) WITH (fillfactor = 50);

CREATE SEQUENCE IF NOT EXISTS lease_token_seq;
CREATE SEQUENCE IF NOT EXISTS ready_seq;

-- The outbox: written in the transaction of the change that needs the work; claimed under a lease. Live work, dead
-- letters and what is over lie apart: a claim walks nothing that has ended, and days of history are dropped whole.
DO $$
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = to_regclass('orchestration_outbox_jobs')) = 'r' THEN
        ALTER TABLE orchestration_outbox_jobs RENAME TO orchestration_outbox_live;
        ALTER TABLE orchestration_outbox_live ALTER COLUMN id DROP IDENTITY;
        ALTER INDEX orchestration_outbox_jobs_pkey RENAME TO orchestration_outbox_live_pkey;
        ALTER TABLE orchestration_outbox_live
            RENAME CONSTRAINT orchestration_outbox_jobs_status_check TO orchestration_outbox_status;
    END IF;
END $$;
CREATE SEQUENCE IF NOT EXISTS orchestration_outbox_ids;
CREATE TABLE IF NOT EXISTS orchestration_outbox_jobs (
    id               bigint NOT NULL DEFAULT nextval('orchestration_outbox_ids'),
    kind             text NOT NULL,
    args             jsonb NOT NULL DEFAULT '{}',
    orchestration_id uuid,
    agent_id         text,
    status           text NOT NULL DEFAULT 'pending'
                     CONSTRAINT orchestration_outbox_status
                     CHECK (status IN ('pending', 'processing', 'completed', 'failed', 'cancelled')),
    priority         smallint NOT NULL DEFAULT 0,
    dedupe_key       text,
    concurrency_key  text,
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
    claimed_at       timestamptz,
    finished_at      timestamptz
) PARTITION BY LIST (status);
CREATE TABLE IF NOT EXISTS orchestration_outbox_dead PARTITION OF orchestration_outbox_jobs (PRIMARY KEY (id))
    FOR VALUES IN ('failed');
CREATE TABLE IF NOT EXISTS orchestration_outbox_history PARTITION OF orchestration_outbox_jobs
    FOR VALUES IN ('completed', 'cancelled') PARTITION BY RANGE (finished_at);
-- The worker makes a partition for each day; what comes on a day without one lies here until it is old.
CREATE TABLE IF NOT EXISTS orchestration_outbox_history_rest PARTITION OF orchestration_outbox_history DEFAULT;
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_class WHERE oid = to_regclass('orchestration_outbox_live') AND NOT relispartition) THEN
        ALTER TABLE orchestration_outbox_live ADD COLUMN IF NOT EXISTS ready_seq bigint,
            ADD COLUMN IF NOT EXISTS level smallint
                GENERATED ALWAYS AS (greatest(-1, least(3, floor(priority / 10.0)))) STORED,
            ADD COLUMN IF NOT EXISTS holder bigint,
            ADD COLUMN concurrency_key text,
            ADD COLUMN claimed_at timestamptz;
        INSERT INTO orchestration_outbox_jobs (id, kind, args, orchestration_id, agent_id, status, priority, dedupe_key,
            attempts, max_attempts, next_run_at, errors, created_at, finished_at)
        SELECT id, kind, args, orchestration_id, agent_id, status, priority, dedupe_key,
            attempts, max_attempts, next_run_at, errors, created_at, coalesce(finished_at, created_at)
        FROM orchestration_outbox_live WHERE status NOT IN ('pending', 'processing');
        DELETE FROM orchestration_outbox_live WHERE status NOT IN ('pending', 'processing');
        PERFORM setval('orchestration_outbox_ids', (
            SELECT max(id) FROM (SELECT id FROM orchestration_outbox_live UNION ALL
                                 SELECT id FROM orchestration_outbox_jobs UNION ALL SELECT 1) AS known));
        ALTER TABLE orchestration_outbox_live ALTER COLUMN id SET DEFAULT nextval('orchestration_outbox_ids');
        DROP INDEX IF EXISTS orchestration_outbox_jobs_due, orchestration_outbox_jobs_next,
            orchestration_outbox_jobs_ready, orchestration_outbox_jobs_scheduled, orchestration_outbox_jobs_leased,
            orchestration_outbox_jobs_dedupe, orchestration_outbox_jobs_dead, orchestration_outbox_jobs_finished;
        ALTER TABLE orchestration_outbox_jobs ATTACH PARTITION orchestration_outbox_live
            FOR VALUES IN ('pending', 'processing');
    END IF;
END $$;
CREATE TABLE IF NOT EXISTS orchestration_outbox_live PARTITION OF orchestration_outbox_jobs (PRIMARY KEY (id))
    FOR VALUES IN ('pending', 'processing');
ALTER TABLE orchestration_outbox_live SET (
    fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05,
    autovacuum_vacuum_cost_delay = 0);
-- A pending job is either ready, with a number that only grows, or waits, with none. A worker reads the ready ones
-- from the last number it took, so what is dead but kept for an old snapshot is not walked again with every claim.
CREATE INDEX IF NOT EXISTS orchestration_outbox_live_ready ON orchestration_outbox_live (level, ready_seq)
    WHERE ready_seq IS NOT NULL;
CREATE INDEX IF NOT EXISTS orchestration_outbox_live_scheduled ON orchestration_outbox_live (next_run_at)
    WHERE status = 'pending' AND ready_seq IS NULL AND concurrency_key IS NULL;
CREATE INDEX IF NOT EXISTS orchestration_outbox_live_queued ON orchestration_outbox_live (concurrency_key, next_run_at)
    WHERE status = 'pending' AND ready_seq IS NULL AND concurrency_key IS NOT NULL;
CREATE INDEX IF NOT EXISTS orchestration_outbox_live_permits ON orchestration_outbox_live (concurrency_key)
    WHERE concurrency_key IS NOT NULL AND (ready_seq IS NOT NULL OR lease_token IS NOT NULL);
CREATE INDEX IF NOT EXISTS orchestration_outbox_live_leased ON orchestration_outbox_live (leased_until)
    WHERE status = 'processing';
CREATE UNIQUE INDEX IF NOT EXISTS orchestration_outbox_live_dedupe ON orchestration_outbox_live (dedupe_key)
    WHERE dedupe_key IS NOT NULL;
CREATE INDEX IF NOT EXISTS orchestration_outbox_dead_dedupe ON orchestration_outbox_dead (dedupe_key)
    WHERE dedupe_key IS NOT NULL;
CREATE INDEX IF NOT EXISTS orchestration_outbox_history_id ON orchestration_outbox_history (id);
CREATE INDEX IF NOT EXISTS orchestration_outbox_history_dedupe ON orchestration_outbox_history (dedupe_key)
    WHERE status = 'cancelled' AND dedupe_key IS NOT NULL;

-- A day's partition of the history, guarded like every table; false where there is one, or where rows of that day lie
-- in the rest already. The days that ended before are dropped as files, with no row left for a vacuum.
CREATE OR REPLACE FUNCTION outbox_add_day(day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    name text := 'orchestration_outbox_history_' || to_char(day, 'YYYYMMDD');
    opens timestamptz := day::timestamp AT TIME ZONE 'UTC';
    closes timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
    stranger text;
BEGIN
    IF to_regclass(name) IS NOT NULL OR EXISTS (
        SELECT 1 FROM orchestration_outbox_history_rest WHERE finished_at >= opens AND finished_at < closes) THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE orchestration_outbox_history INCLUDING ALL)', name);
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    FOREACH stranger IN ARRAY ARRAY['anon', 'authenticated'] LOOP
        IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = stranger) THEN
            EXECUTE format('REVOKE ALL ON %I FROM %I', name, stranger);
        END IF;
    END LOOP;
    EXECUTE format('ALTER TABLE orchestration_outbox_history ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                   name, opens, closes);
    RETURN true;
END $$;
CREATE OR REPLACE FUNCTION outbox_drop_days(before timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    name text;
    dropped integer := 0;
BEGIN
    FOR name IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'orchestration_outbox_history'::regclass AND c.relname ~ '_[0-9]{8}$'
          AND (to_date(right(c.relname, 8), 'YYYYMMDD') + 1)::timestamp AT TIME ZONE 'UTC' <= before
    LOOP
        EXECUTE format('DROP TABLE %I', name);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;
REVOKE ALL ON FUNCTION outbox_add_day(date), outbox_drop_days(timestamptz) FROM PUBLIC;

-- How many jobs of one concurrency key may run at once; NULL: any number. Counted from the live leases, never kept.
CREATE TABLE IF NOT EXISTS outbox_limits (
    concurrency_key text PRIMARY KEY,
    max_running     integer CHECK (max_running > 0)
);

-- Each account's list is watched by a job of its own; there was one for all before.
UPDATE orchestration_outbox_jobs j SET dedupe_key = 'watch:default', args = '{"account_id": "default"}'
WHERE dedupe_key = 'watch' AND status IN ('pending', 'processing') AND NOT EXISTS (
    SELECT 1 FROM orchestration_outbox_jobs o
    WHERE o.dedupe_key = 'watch:default' AND o.status IN ('pending', 'processing'));

-- What holds for work in the repositories that fit a pattern, of which * stands for any text; the closest one counts.
CREATE TABLE IF NOT EXISTS repository_profiles (
    id                  uuid PRIMARY KEY,
    pattern             text NOT NULL UNIQUE CHECK (length(pattern) BETWEEN 1 AND 300),
    base_branches       jsonb NOT NULL DEFAULT '[]',
    protected_branches  jsonb NOT NULL DEFAULT '[]',
    protected_paths     jsonb NOT NULL DEFAULT '[]',
    required_checks     jsonb NOT NULL DEFAULT '[]',
    max_parallel_agents integer CHECK (max_parallel_agents BETWEEN 1 AND 10000),
    default_model       text,
    default_options     jsonb NOT NULL DEFAULT '{}',
    changed_by          text NOT NULL,
    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now()
);

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

-- What was begun and spent on each day (UTC), written in the transaction that begins or learns it.
CREATE TABLE IF NOT EXISTS spend_days (
    day       date NOT NULL,
    account   text NOT NULL,
    cents     double precision NOT NULL DEFAULT 0,
    agents    integer NOT NULL DEFAULT 0,
    followups integer NOT NULL DEFAULT 0,
    PRIMARY KEY (day, account)
) WITH (fillfactor = 50);

-- Orchestrations with ready tasks and no slot for them, in the order of their turn.
CREATE TABLE IF NOT EXISTS slot_waits (
    orchestration_id uuid PRIMARY KEY REFERENCES orchestrations (id) ON DELETE CASCADE,
    account_id       text NOT NULL,
    repository       text NOT NULL,
    waits_on         text NOT NULL CHECK (waits_on IN ('account', 'repository')),
    wanted           integer NOT NULL,
    reason           text NOT NULL,
    priority         integer NOT NULL DEFAULT 0,
    since            timestamptz NOT NULL,
    seen_at          timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS slot_waits_by_turn ON slot_waits (priority DESC, since, orchestration_id);

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

-- Prompts that are kept to be used again; `variables` says how the form shows each {{blank}}.
CREATE TABLE IF NOT EXISTS prompt_templates (
    id          uuid PRIMARY KEY,
    name        text NOT NULL,
    description text NOT NULL,
    prompt      text NOT NULL,
    variables   jsonb NOT NULL DEFAULT '[]',
    changed_by  text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX IF NOT EXISTS prompt_templates_by_name ON prompt_templates (lower(name));

-- Orchestrations that are launched by the clock: `request` is what a launch takes, `next_run_at` null while it is paused.
CREATE TABLE IF NOT EXISTS schedules (
    id          uuid PRIMARY KEY,
    name        text NOT NULL,
    cron        text NOT NULL,
    time_zone   text NOT NULL,
    request     jsonb NOT NULL,
    missed      text NOT NULL CHECK (missed IN ('skip', 'once', 'all')),
    overlap     text NOT NULL CHECK (overlap IN ('skip', 'allow')),
    max_per_day integer NOT NULL CHECK (max_per_day BETWEEN 1 AND 1440),
    is_enabled  boolean NOT NULL DEFAULT true,
    next_run_at timestamptz,
    changed_by  text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX IF NOT EXISTS schedules_by_name ON schedules (lower(name));
CREATE INDEX IF NOT EXISTS schedules_due ON schedules (next_run_at) WHERE is_enabled;

-- Each time that a schedule came due, once: written in the transaction that launches.
CREATE TABLE IF NOT EXISTS schedule_firings (
    schedule_id      uuid NOT NULL REFERENCES schedules (id) ON DELETE CASCADE,
    fire_at          timestamptz NOT NULL,
    status           text NOT NULL CHECK (status IN ('launched', 'skipped', 'failed')),
    orchestration_id uuid REFERENCES orchestrations (id) ON DELETE SET NULL,
    reason           text,
    is_by_hand       boolean NOT NULL DEFAULT false,
    created_at       timestamptz NOT NULL,
    PRIMARY KEY (schedule_id, fire_at)
);
CREATE INDEX IF NOT EXISTS schedule_firings_by_age ON schedule_firings (created_at);
CREATE INDEX IF NOT EXISTS schedule_firings_by_orchestration ON schedule_firings (orchestration_id)
    WHERE orchestration_id IS NOT NULL;

-- The ways out to people: where notifications go and what each is told of. Addresses and secrets are here only
-- encrypted, and bound to their row.
CREATE TABLE IF NOT EXISTS notification_channels (
    id            uuid PRIMARY KEY,
    name          text NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('slack', 'webhook', 'email')),
    target_sealed text NOT NULL,
    target_hint   text NOT NULL,
    secret_sealed text,
    events        text[] NOT NULL,
    repository    text,
    per_minute    integer NOT NULL CHECK (per_minute BETWEEN 1 AND 600),
    is_enabled    boolean NOT NULL DEFAULT true,
    sent_at       timestamptz,
    failed_at     timestamptz,
    failure       text,
    created_by    text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    CHECK ((kind = 'webhook') = (secret_sealed IS NOT NULL))
);
CREATE UNIQUE INDEX IF NOT EXISTS notification_channels_by_name ON notification_channels (lower(name));

-- One notification to one channel, written with what it tells of; `key` makes the same occurrence one row.
CREATE TABLE IF NOT EXISTS notification_deliveries (
    id          uuid PRIMARY KEY,
    channel_id  uuid NOT NULL REFERENCES notification_channels (id) ON DELETE CASCADE,
    kind        text NOT NULL,
    key         text NOT NULL,
    notice      jsonb NOT NULL,
    status      text NOT NULL CHECK (status IN ('pending', 'sent', 'failed', 'dropped')),
    attempts    integer NOT NULL DEFAULT 0,
    error       text,
    created_at  timestamptz NOT NULL,
    tried_at    timestamptz,
    finished_at timestamptz,
    UNIQUE (channel_id, key)
);
CREATE INDEX IF NOT EXISTS notification_deliveries_by_channel ON notification_deliveries (channel_id, id DESC);
CREATE INDEX IF NOT EXISTS notification_deliveries_tried ON notification_deliveries (channel_id, tried_at DESC);
CREATE INDEX IF NOT EXISTS notification_deliveries_by_age ON notification_deliveries (created_at);

-- Who may come in. Passwords as argon2 hashes; keys of sessions and tokens only as SHA-256, which finds them and
-- opens nothing.
CREATE TABLE IF NOT EXISTS users (
    id            uuid PRIMARY KEY,
    email         text NOT NULL UNIQUE CHECK (email = lower(email)),
    name          text NOT NULL,
    role          text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    password_hash text,
    provider      text NOT NULL DEFAULT 'local' CHECK (provider IN ('local', 'supabase')),
    subject       text UNIQUE,
    is_disabled   boolean NOT NULL DEFAULT false,
    created_at    timestamptz NOT NULL DEFAULT now(),
    signed_in_at  timestamptz
);

CREATE TABLE IF NOT EXISTS user_sessions (
    id         uuid PRIMARY KEY,
    token_hash text NOT NULL UNIQUE,
    user_id    uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    ip         text,
    user_agent text,
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS user_sessions_by_user ON user_sessions (user_id, created_at DESC);
CREATE INDEX IF NOT EXISTS user_sessions_by_end ON user_sessions (expires_at);

CREATE TABLE IF NOT EXISTS api_tokens (
    id         uuid PRIMARY KEY,
    name       text NOT NULL,
    prefix     text NOT NULL,
    token_hash text NOT NULL UNIQUE,
    role       text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    user_id    uuid REFERENCES users (id) ON DELETE CASCADE,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    revoked_at timestamptz
);
CREATE INDEX IF NOT EXISTS api_tokens_newest ON api_tokens (created_at DESC);

-- Tries to sign in, by address and by account, for as long as their window lasts; known and unknown accounts alike.
CREATE TABLE IF NOT EXISTS sign_in_limits (
    key       text PRIMARY KEY,
    tries     integer NOT NULL,
    resets_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- What people and programs did or tried, append-only; never a secret among the details.
CREATE TABLE IF NOT EXISTS audit_log (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor   text NOT NULL,
    kind    text NOT NULL,
    action  text NOT NULL,
    subject text,
    outcome text NOT NULL CHECK (outcome IN ('done', 'begun', 'refused', 'failed')),
    details jsonb NOT NULL DEFAULT '{}',
    ip      text
);
CREATE INDEX IF NOT EXISTS audit_log_by_actor ON audit_log (actor, id DESC);
CREATE INDEX IF NOT EXISTS audit_log_by_action ON audit_log (action, id DESC);
CREATE INDEX IF NOT EXISTS audit_log_by_age ON audit_log (at);
CREATE OR REPLACE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('cursor_monitor.retention', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'audit_log is append-only: % refused', TG_OP USING ERRCODE = 'integrity_constraint_violation';
END $$;
DROP TRIGGER IF EXISTS audit_log_append_only ON audit_log;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();

-- Row level security on every table; nothing for `anon`, everything for `service_role`, non-secret columns to read for
-- `authenticated`; each only where the role exists (Supabase has them, plain Postgres has not).
DO $$
DECLARE
    name text;
    stranger text;
BEGIN
    FOREACH stranger IN ARRAY ARRAY['anon', 'authenticated'] LOOP
        IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = stranger) THEN
            EXECUTE format('REVOKE ALL ON SEQUENCE lease_token_seq, ready_seq, orchestration_outbox_ids FROM %I', stranger);
            EXECUTE format('REVOKE ALL ON SEQUENCE %s, %s FROM %I', pg_get_serial_sequence('audit_log', 'id'),
                           pg_get_serial_sequence('service_health_events', 'id'), stranger);
            EXECUTE format('REVOKE ALL ON FUNCTION outbox_add_day, outbox_drop_days FROM %I', stranger);
        END IF;
    END LOOP;
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'service_role') THEN
        GRANT ALL ON SEQUENCE lease_token_seq, ready_seq, orchestration_outbox_ids TO service_role;
        GRANT EXECUTE ON FUNCTION outbox_add_day, outbox_drop_days TO service_role;
    END IF;
    FOREACH name IN ARRAY ARRAY[
        'schema_version',
        'cursor_accounts',
        'users',
        'user_sessions',
        'api_tokens',
        'sign_in_limits',
        'audit_log',
        'orchestrations',
        'orchestration_events',
        'orchestration_tasks',
        'agents',
        'agent_tags',
        'agent_pins',
        'needs_seen',
        'fleet_views',
        'agent_batches',
        'agent_uploads',
        'agent_orchestrator_states',
        'agent_runs',
        'run_streams',
        'agent_messages',
        'agent_tool_events',
        'agent_followups',
        'code_host_states',
        'code_host_limits',
        'orchestration_outbox_jobs',
        'orchestration_outbox_live',
        'orchestration_outbox_dead',
        'orchestration_outbox_history',
        'orchestration_outbox_history_rest',
        'outbox_limits',
        'repository_profiles',
        'service_health_events',
        'idempotency_keys',
        'cursor_cache',
        'cursor_budgets',
        'spend_days',
        'slot_waits',
        'webhook_deliveries',
        'prompt_templates',
        'schedules',
        'schedule_firings',
        'notification_channels',
        'notification_deliveries'
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

INSERT INTO schema_version (version) VALUES (4) ON CONFLICT DO NOTHING;

COMMIT;
