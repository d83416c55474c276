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

-- A post's version grows with every change that others can see. Where its task stands is kept beside it, so that one
-- index serves a list of either.
ALTER TABLE posts ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE posts ADD COLUMN status TEXT NOT NULL DEFAULT 'pending';
UPDATE posts SET status = (SELECT t.status FROM tasks t WHERE t.id = posts.task_id);
-- When an approved post goes live.
ALTER TABLE posts ADD COLUMN publish_at BIGINT;
-- When a post that was live was taken off the site.
ALTER TABLE posts ADD COLUMN unpublished_at BIGINT;
CREATE INDEX posts_by_status ON posts (status, id);
CREATE INDEX posts_live ON posts (id) WHERE published_at IS NOT NULL;
CREATE INDEX posts_due ON posts (publish_at) WHERE publish_at IS NOT NULL;
CREATE FUNCTION lead_posts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE posts SET status = NEW.status, version = version + 1 WHERE task_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER tasks_lead AFTER UPDATE OF status ON tasks
FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION lead_posts();

-- Who wrote a revision; absent if the program did.
ALTER TABLE revisions ADD COLUMN edited_by TEXT;
-- The revision that its report is about, if it is another one; and whether this is the text that was measured.
ALTER TABLE revisions ADD COLUMN report_of BIGINT;
ALTER TABLE revisions ADD COLUMN checked BIGINT NOT NULL DEFAULT 1;

-- The tags that a post has now; a revision keeps those that it had.
CREATE TABLE post_tags (
  post_id TEXT COLLATE "C" NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
  position BIGINT NOT NULL,
  tag TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (post_id, tag)
);
CREATE INDEX post_tags_by_tag ON post_tags (tag, post_id);
-- How many posts have a tag.
CREATE TABLE tags (
  site_id TEXT COLLATE "C" NOT NULL REFERENCES sites (id),
  tag TEXT COLLATE "C" NOT NULL,
  posts BIGINT NOT NULL,
  PRIMARY KEY (site_id, tag)
);
INSERT INTO post_tags (post_id, position, tag)
  SELECT p.id, min(j.place) - 1, j.value FROM posts p JOIN revisions r ON r.post_id = p.id AND r.number = p.revision,
    json_array_elements_text(r.tags::json) WITH ORDINALITY AS j (value, place)
  GROUP BY p.id, j.value;
INSERT INTO tags (site_id, tag, posts)
  SELECT p.site_id, t.tag, count(*) FROM post_tags t JOIN posts p ON p.id = t.post_id GROUP BY p.site_id, t.tag;

CREATE TABLE categories (
  id TEXT COLLATE "C" PRIMARY KEY,
  site_id TEXT COLLATE "C" NOT NULL REFERENCES sites (id),
  slug TEXT COLLATE "C" NOT NULL,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  posts BIGINT NOT NULL DEFAULT 0,
  version BIGINT NOT NULL DEFAULT 1,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  UNIQUE (site_id, slug)
);
CREATE TABLE post_categories (
  post_id TEXT COLLATE "C" NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
  category_id TEXT COLLATE "C" NOT NULL REFERENCES categories (id) ON DELETE CASCADE,
  PRIMARY KEY (post_id, category_id)
);
CREATE INDEX post_categories_by_category ON post_categories (category_id, post_id);

-- It grows with every change, also when a rule's time comes.
ALTER TABLE schedules ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
