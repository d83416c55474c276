-- Secrets that open for a while what a program's token opens: who shows one is that token, with no more rights than it.
CREATE TABLE access_tokens (
  hash TEXT COLLATE "C" PRIMARY KEY,
  token_id TEXT COLLATE "C" NOT NULL REFERENCES tokens (id) ON DELETE CASCADE,
  scopes TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX access_tokens_by_token ON access_tokens (token_id, created_at);
CREATE INDEX access_tokens_by_end ON access_tokens (expires_at);
