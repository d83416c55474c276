-- Who made a token: it ends with their rights. Absent if it was made on the machine itself, by a program, or before this.
ALTER TABLE tokens ADD COLUMN made_by TEXT;
CREATE INDEX tokens_by_maker ON tokens (made_by) WHERE made_by IS NOT NULL;
