-- Money in slices, tokens for programs, the ledger of every model call, and what processes saw of their targets.

-- What is used of an account: `site:ID`, `task:ID` or `token:ID`, in a period: `day:2026-11-27`, `month:2026-11` or `ever`.
-- It is always the sum of its slices' amounts.
CREATE TABLE accounts (
  scope TEXT NOT NULL,
  period TEXT NOT NULL,
  used BIGINT NOT NULL CHECK (used >= 0),
  PRIMARY KEY (scope, period)
);
-- What one process has taken of an account, and what of that it has spent. What a crash leaves between the two counts as
-- used until somebody gives it back.
CREATE TABLE slices (
  scope TEXT NOT NULL,
  period TEXT NOT NULL,
  owner TEXT NOT NULL,
  amount BIGINT NOT NULL,
  spent BIGINT NOT NULL DEFAULT 0,
  opened_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (scope, period, owner),
  CHECK (amount >= spent AND spent >= 0)
);
-- What was reserved or spent before stays used.
INSERT INTO accounts (scope, period, used)
  SELECT 'site:' || site_id, 'day:' || day, sum(amount) FROM reservations GROUP BY site_id, day;
INSERT INTO slices (scope, period, owner, amount, spent, opened_at, updated_at)
  SELECT scope, period, 'before-schema-3', used, used, 0, 0 FROM accounts;
DROP TABLE reservations;

-- Of a token only its SHA-256 is known, and each has an end.
CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  site_id TEXT NOT NULL REFERENCES sites (id),
  name TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE,
  scopes TEXT NOT NULL,
  budget_day BIGINT,
  budget_month BIGINT,
  requests_per_minute BIGINT,
  tokens_per_minute BIGINT,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  revoked_at BIGINT,
  last_used_at BIGINT
);
CREATE INDEX tokens_by_site ON tokens (site_id, id);

-- Every model call has a line: the gateway's as well, and one whose client went away is `abandoned`. SQLite changes no
-- CHECK, so the table is made anew.
CREATE TABLE model_calls_anew (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  call_key TEXT NOT NULL,
  task_id TEXT REFERENCES tasks (id) ON DELETE CASCADE,
  step TEXT NOT NULL,
  ordinal INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('started', 'done', 'failed', 'abandoned')),
  model TEXT NOT NULL,
  request TEXT NOT NULL,
  answer TEXT,
  error TEXT,
  tokens_in BIGINT NOT NULL DEFAULT 0,
  tokens_cached BIGINT NOT NULL DEFAULT 0,
  tokens_out BIGINT NOT NULL DEFAULT 0,
  cost BIGINT NOT NULL DEFAULT 0,
  ms BIGINT NOT NULL DEFAULT 0,
  started_at BIGINT NOT NULL,
  -- Names the call for good: what ends a call, or writes it down, does so once. Absent until it has ended.
  call_id TEXT,
  -- A line of the ledger outlives what it names, so it refers to no table.
  token_id TEXT,
  kind TEXT NOT NULL DEFAULT 'chat',
  role TEXT NOT NULL DEFAULT '',
  tokens_reasoning BIGINT NOT NULL DEFAULT 0,
  tokens_cache_write BIGINT NOT NULL DEFAULT 0,
  -- Whether the provider counted the tokens; 0 if they are estimated.
  measured BIGINT NOT NULL DEFAULT 1,
  -- Money that is assumed for attempts that failed and may be charged all the same.
  lost BIGINT NOT NULL DEFAULT 0,
  first_token_ms BIGINT,
  attempts TEXT NOT NULL DEFAULT '[]',
  route TEXT NOT NULL DEFAULT '{}',
  fault TEXT,
  owner TEXT NOT NULL DEFAULT ''
);
INSERT INTO model_calls_anew (id, call_key, task_id, step, ordinal, state, model, request, answer, error, tokens_in,
    tokens_cached, tokens_out, cost, ms, started_at)
  SELECT id, call_key, task_id, step, ordinal, state, model, request, answer, error, tokens_in,
    tokens_cached, tokens_out, cost, ms, started_at FROM model_calls;
DROP TABLE model_calls;
ALTER TABLE model_calls_anew RENAME TO model_calls;
-- A call of no task, such as a model's probe, is not replayed and has no key of its own.
CREATE UNIQUE INDEX model_calls_done ON model_calls (call_key) WHERE state = 'done' AND task_id IS NOT NULL;
-- Most calls are of no task, and this index is not for them.
CREATE INDEX model_calls_by_task ON model_calls (task_id, id) WHERE task_id IS NOT NULL;
CREATE UNIQUE INDEX model_calls_by_call ON model_calls (call_id) WHERE call_id IS NOT NULL;
CREATE INDEX model_calls_by_time ON model_calls (started_at, id);
CREATE INDEX model_calls_by_token ON model_calls (token_id, id) WHERE token_id IS NOT NULL;
-- Finds the texts that are kept for a while only.
CREATE INDEX model_calls_with_texts ON model_calls (started_at) WHERE task_id IS NULL AND (request <> '' OR answer IS NOT NULL);

-- What a process saw of a target, so that others can show it.
CREATE TABLE target_health (
  target TEXT NOT NULL,
  owner TEXT NOT NULL,
  state TEXT NOT NULL,
  failures BIGINT NOT NULL,
  until_at BIGINT,
  last_error TEXT,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (target, owner)
);
