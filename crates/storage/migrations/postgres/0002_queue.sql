-- The queue: who runs next, when, and where. Schedules, and effects outside.
-- `lease_until` of a row that nobody holds is the end of a pause: both are judged by the same clock, and no wall clock.
ALTER TABLE tasks ADD COLUMN priority BIGINT NOT NULL DEFAULT 0;
-- What a worker must have to run it, such as `gpu`; nothing for most.
ALTER TABLE tasks ADD COLUMN needs TEXT COLLATE "C" NOT NULL DEFAULT '';
-- From when on it may run; `due` is 1 once that time has come, whatever clocks do later.
ALTER TABLE tasks ADD COLUMN ready_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN due BIGINT NOT NULL DEFAULT 1;
ALTER TABLE tasks ADD COLUMN deadline_at BIGINT;
-- Runs in a row that brought nothing into the journal.
ALTER TABLE tasks ADD COLUMN fruitless BIGINT NOT NULL DEFAULT 0;
-- The number of its newest journal entry.
ALTER TABLE tasks ADD COLUMN events BIGINT NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN held_from TEXT;
ALTER TABLE tasks ADD COLUMN creation_key TEXT COLLATE "C";
ALTER TABLE tasks ADD COLUMN creation_hash TEXT;
-- The version of the brief's form.
ALTER TABLE tasks ADD COLUMN payload_version BIGINT NOT NULL DEFAULT 1;
UPDATE tasks SET ready_at = created_at;

CREATE UNIQUE INDEX tasks_by_key ON tasks (site_id, creation_key) WHERE creation_key IS NOT NULL;
CREATE INDEX tasks_ready ON tasks (needs, priority DESC, ready_at, id) WHERE status = 'pending' AND due = 1;
CREATE INDEX tasks_ready_oldest ON tasks (needs, ready_at, id) WHERE status = 'pending' AND due = 1;
CREATE INDEX tasks_later ON tasks (ready_at) WHERE status = 'pending' AND due = 0;
CREATE INDEX tasks_leased ON tasks (lease_until) WHERE status = 'in_progress';
CREATE INDEX tasks_overdue ON tasks (deadline_at) WHERE status IN ('pending', 'in_progress') AND deadline_at IS NOT NULL;

-- Every entry of a task's journal has a number; there are no gaps.
ALTER TABLE journal ADD COLUMN seq BIGINT NOT NULL DEFAULT 0;
UPDATE journal SET seq = (SELECT count(*) FROM journal j WHERE j.task_id = journal.task_id AND j.id <= journal.id);
UPDATE tasks SET events = (SELECT count(*) FROM journal j WHERE j.task_id = tasks.id);
DROP INDEX journal_by_task;
CREATE UNIQUE INDEX journal_by_task ON journal (task_id, seq);

-- Tasks that come again and again.
CREATE TABLE schedules (
  id TEXT COLLATE "C" PRIMARY KEY,
  site_id TEXT COLLATE "C" NOT NULL REFERENCES sites (id),
  name TEXT COLLATE "C" NOT NULL,
  cron TEXT NOT NULL,
  zone TEXT NOT NULL,
  brief TEXT NOT NULL,
  priority BIGINT NOT NULL,
  needs TEXT COLLATE "C" NOT NULL,
  next_at BIGINT,
  last_at BIGINT,
  last_task TEXT,
  created_at BIGINT NOT NULL,
  UNIQUE (site_id, name)
);
CREATE INDEX schedules_by_time ON schedules (next_at);

-- What is to happen outside, written down before it does (the intent) and after it did (the receipt).
CREATE TABLE effects (
  id TEXT COLLATE "C" PRIMARY KEY,
  task_id TEXT COLLATE "C" NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  target TEXT NOT NULL,
  payload TEXT NOT NULL,
  -- Whether the receiver takes a second delivery with the same key for the first one.
  keyed BIGINT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'done', 'failed', 'unknown')),
  attempts BIGINT NOT NULL DEFAULT 0,
  fence BIGINT NOT NULL DEFAULT 0,
  owner TEXT,
  lease_until BIGINT,
  lease_boot TEXT,
  receipt TEXT,
  error TEXT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX effects_by_task ON effects (task_id, id);
CREATE INDEX effects_ready ON effects (created_at, id) WHERE state = 'pending';
CREATE INDEX effects_leased ON effects (lease_until) WHERE state = 'sending';
