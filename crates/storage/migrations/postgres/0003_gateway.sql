-- Money in slices, tokens for programs, the ledger of every model call, and what processes saw of their targets.

-- What is used of an account: `site:ID`, `task:ID` or `token:ID`, in a period: `day:2026-11-27`, `month:2026-11` or `ever`.
-- It is always the sum of its slices' amounts.
CREATE TABLE accounts (
  scope TEXT COLLATE "C" NOT NULL,
  period TEXT COLLATE "C" NOT NULL,
  used BIGINT NOT NULL CHECK (used >= 0),
  PRIMARY KEY (scope, period)
);
-- What one process has taken of an account, and what of that it has spent. What a crash leaves between the two counts as
-- used until somebody gives it back.
CREATE TABLE slices (
  scope TEXT COLLATE "C" NOT NULL,
  period TEXT COLLATE "C" NOT NULL,
  owner TEXT COLLATE "C" NOT NULL,
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
  id TEXT COLLATE "C" PRIMARY KEY,
  site_id TEXT COLLATE "C" NOT NULL REFERENCES sites (id),
  name TEXT NOT NULL,
  hash TEXT COLLATE "C" NOT NULL UNIQUE,
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

-- Every model call has a line: the gateway's as well, and one whose client went away is `abandoned`.
ALTER TABLE model_calls DROP CONSTRAINT model_calls_state_check;
ALTER TABLE model_calls ADD CHECK (state IN ('started', 'done', 'failed', 'abandoned'));
-- Names the call for good: what ends a call, or writes it down, does so once. Absent until it has ended.
ALTER TABLE model_calls ADD COLUMN call_id TEXT COLLATE "C";
-- A line of the ledger outlives what it names, so it refers to no table.
ALTER TABLE model_calls ADD COLUMN token_id TEXT COLLATE "C";
ALTER TABLE model_calls ADD COLUMN kind TEXT NOT NULL DEFAULT 'chat';
ALTER TABLE model_calls ADD COLUMN role TEXT NOT NULL DEFAULT '';
ALTER TABLE model_calls ADD COLUMN tokens_reasoning BIGINT NOT NULL DEFAULT 0;
ALTER TABLE model_calls ADD COLUMN tokens_cache_write BIGINT NOT NULL DEFAULT 0;
-- Whether the provider counted the tokens; 0 if they are estimated.
ALTER TABLE model_calls ADD COLUMN measured BIGINT NOT NULL DEFAULT 1;
-- Money that is assumed for attempts that failed and may be charged all the same.
ALTER TABLE model_calls ADD COLUMN lost BIGINT NOT NULL DEFAULT 0;
ALTER TABLE model_calls ADD COLUMN first_token_ms BIGINT;
ALTER TABLE model_calls ADD COLUMN attempts TEXT NOT NULL DEFAULT '[]';
ALTER TABLE model_calls ADD COLUMN route TEXT NOT NULL DEFAULT '{}';
ALTER TABLE model_calls ADD COLUMN fault TEXT;
ALTER TABLE model_calls ADD COLUMN owner TEXT NOT NULL DEFAULT '';
-- Most calls are of no task, and this index is not for them.
DROP INDEX model_calls_by_task;
CREATE INDEX model_calls_by_task ON model_calls (task_id, id) WHERE task_id IS NOT NULL;
CREATE UNIQUE INDEX model_calls_by_call ON model_calls (call_id) WHERE call_id IS NOT NULL;
CREATE INDEX model_calls_by_time ON model_calls (started_at, id);
CREATE INDEX model_calls_by_token ON model_calls (token_id, id) WHERE token_id IS NOT NULL;
-- Finds the texts that are kept for a while only.
CREATE INDEX model_calls_with_texts ON model_calls (started_at) WHERE task_id IS NULL AND (request <> '' OR answer IS NOT NULL);

-- What a process saw of a target, so that others can show it.
CREATE TABLE target_health (
  target TEXT COLLATE "C" NOT NULL,
  owner TEXT COLLATE "C" NOT NULL,
  state TEXT NOT NULL,
  failures BIGINT NOT NULL,
  until_at BIGINT,
  last_error TEXT,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (target, owner)
);
