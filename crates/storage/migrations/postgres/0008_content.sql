-- What people do with content: notes on drafts, scheduled posts, edits, categories, tags.

-- What a person said of a draft when they sent it back to be reworked.
CREATE TABLE task_notes (
  task_id TEXT COLLATE "C" NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  number BIGINT NOT NULL,
  at BIGINT NOT NULL,
  author TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (task_id, number)
);
-- A task whose draft a person wrote: no workflow runs it.
ALTER TABLE tasks ADD COLUMN by_hand BIGINT NOT NULL DEFAULT 0;
