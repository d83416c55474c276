-- Times are milliseconds since 1970 (UTC), money is nano-dollars, documents are JSON text.
CREATE TABLE sites (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
INSERT INTO sites VALUES ('00000000-0000-0000-0000-000000000000', 'default', 0);

-- The moves that the table in `domain` allows; a test compares the two for every pair.
CREATE TABLE status_moves (old TEXT NOT NULL, new TEXT NOT NULL, PRIMARY KEY (old, new));
INSERT INTO status_moves (old, new) VALUES
  ('pending', 'in_progress'), ('pending', 'on_hold'), ('pending', 'cancelled'), ('pending', 'failed'),
  ('in_progress', 'pending'), ('in_progress', 'awaiting_approval'), ('in_progress', 'failed'),
  ('in_progress', 'on_hold'), ('in_progress', 'cancelled'),
  ('awaiting_approval', 'approved'), ('awaiting_approval', 'published'), ('awaiting_approval', 'rejected'),
  ('awaiting_approval', 'pending'), ('awaiting_approval', 'on_hold'), ('awaiting_approval', 'cancelled'),
  ('approved', 'published'), ('approved', 'awaiting_approval'), ('approved', 'rejected'),
  ('approved', 'on_hold'), ('approved', 'cancelled'),
  ('rejected', 'pending'), ('failed', 'pending'), ('cancelled', 'pending'),
  ('on_hold', 'pending'), ('on_hold', 'awaiting_approval'), ('on_hold', 'cancelled');

CREATE TABLE tasks (
  id TEXT PRIMARY KEY,
  site_id TEXT NOT NULL REFERENCES sites (id),
  brief TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'pending' CHECK (status = 'pending' OR status IN
    ('in_progress', 'awaiting_approval', 'approved', 'published', 'rejected', 'failed', 'on_hold', 'cancelled')),
  error TEXT,
  workflow_version INTEGER,
  fence BIGINT NOT NULL DEFAULT 0,
  owner TEXT,
  lease_until BIGINT,
  lease_boot TEXT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX tasks_by_status ON tasks (status, id);
CREATE TRIGGER tasks_move BEFORE UPDATE OF status ON tasks
WHEN OLD.status <> NEW.status
  AND NOT EXISTS (SELECT 1 FROM status_moves m WHERE m.old = OLD.status AND m.new = NEW.status)
BEGIN
  SELECT RAISE(ABORT, 'illegal transition');
END;
CREATE TRIGGER tasks_begin BEFORE INSERT ON tasks WHEN NEW.status <> 'pending'
BEGIN
  SELECT RAISE(ABORT, 'illegal transition');
END;

CREATE TABLE task_history (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  at BIGINT NOT NULL,
  old TEXT,
  new TEXT NOT NULL,
  reason TEXT NOT NULL
);
CREATE INDEX task_history_by_task ON task_history (task_id, id);

CREATE TABLE runs (
  id TEXT PRIMARY KEY,
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  fence BIGINT NOT NULL,
  owner TEXT NOT NULL,
  started_at BIGINT NOT NULL,
  ended_at BIGINT,
  outcome TEXT,
  UNIQUE (task_id, fence)
);

CREATE TABLE steps (
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  path TEXT NOT NULL,
  position INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('running', 'done', 'degraded', 'skipped', 'failed')),
  attempts INTEGER NOT NULL,
  started_at BIGINT NOT NULL,
  finished_at BIGINT,
  result TEXT,
  reasons TEXT NOT NULL DEFAULT '[]',
  error TEXT,
  PRIMARY KEY (task_id, path)
);

CREATE TABLE journal (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  fence BIGINT NOT NULL,
  at BIGINT NOT NULL,
  event TEXT NOT NULL,
  path TEXT NOT NULL,
  detail TEXT NOT NULL DEFAULT ''
);
CREATE INDEX journal_by_task ON journal (task_id, id);

CREATE TABLE model_calls (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  call_key TEXT NOT NULL,
  task_id TEXT REFERENCES tasks (id) ON DELETE CASCADE,
  step TEXT NOT NULL,
  ordinal INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('started', 'done', 'failed')),
  model TEXT NOT NULL,
  request TEXT NOT NULL,
  answer TEXT,
  error TEXT,
  tokens_in BIGINT NOT NULL DEFAULT 0,
  tokens_cached BIGINT NOT NULL DEFAULT 0,
  tokens_out BIGINT NOT NULL DEFAULT 0,
  cost BIGINT NOT NULL DEFAULT 0,
  ms BIGINT NOT NULL DEFAULT 0,
  started_at BIGINT NOT NULL
);
-- A call of no task, such as a model's probe, is not replayed and has no key of its own.
CREATE UNIQUE INDEX model_calls_done ON model_calls (call_key) WHERE state = 'done' AND task_id IS NOT NULL;
CREATE INDEX model_calls_by_task ON model_calls (task_id, id);

-- What is reserved or spent on a day. A row that a crash left unsettled counts as spent.
CREATE TABLE reservations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  site_id TEXT NOT NULL REFERENCES sites (id),
  day TEXT NOT NULL,
  amount BIGINT NOT NULL CHECK (amount >= 0),
  settled INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX reservations_by_day ON reservations (site_id, day);

CREATE TABLE blobs (sha256 TEXT PRIMARY KEY, data BLOB NOT NULL);

CREATE TABLE sources (
  id TEXT PRIMARY KEY,
  sha256 TEXT NOT NULL UNIQUE REFERENCES blobs (sha256),
  uri TEXT NOT NULL,
  title TEXT NOT NULL,
  bytes BIGINT NOT NULL,
  text TEXT NOT NULL,
  created_at BIGINT NOT NULL
);

CREATE TABLE task_sources (
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  source_id TEXT NOT NULL REFERENCES sources (id),
  position INTEGER NOT NULL,
  uri TEXT NOT NULL,
  title TEXT NOT NULL,
  PRIMARY KEY (task_id, source_id)
);

CREATE TABLE posts (
  id TEXT PRIMARY KEY,
  site_id TEXT NOT NULL REFERENCES sites (id),
  task_id TEXT NOT NULL UNIQUE REFERENCES tasks (id),
  slug TEXT NOT NULL,
  revision INTEGER NOT NULL,
  published_at BIGINT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  UNIQUE (site_id, slug)
);

CREATE TABLE revisions (
  post_id TEXT NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  title TEXT NOT NULL,
  description TEXT NOT NULL,
  tags TEXT NOT NULL,
  markdown TEXT NOT NULL,
  gate TEXT NOT NULL CHECK (gate IN ('open', 'blocked')),
  degraded TEXT NOT NULL,
  report TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (post_id, number)
);

-- A post goes live only together with its task.
CREATE TRIGGER posts_publish BEFORE UPDATE OF published_at ON posts
WHEN NEW.published_at IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.id = NEW.task_id AND t.status = 'published')
BEGIN
  SELECT RAISE(ABORT, 'illegal transition');
END;
