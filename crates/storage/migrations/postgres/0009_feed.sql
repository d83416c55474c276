-- The site's feed: entries of all journals under one number each, which is given after they were committed. So a number
-- that was read has no smaller one that comes later, whatever order transactions end in.
ALTER TABLE journal ADD COLUMN feed BIGINT;
CREATE UNIQUE INDEX journal_by_feed ON journal (feed) WHERE feed IS NOT NULL;
CREATE INDEX journal_unfed ON journal (id) WHERE feed IS NULL;
CREATE TABLE feeds (
  site_id TEXT COLLATE "C" PRIMARY KEY REFERENCES sites (id),
  last BIGINT NOT NULL
);
INSERT INTO feeds (site_id, last) VALUES ('00000000-0000-0000-0000-000000000000', 0);

-- Deliveries of all tasks, the newest first.
CREATE INDEX effects_by_time ON effects (created_at, id);
