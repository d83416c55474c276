-- People who sign in, where and how; links that are used once, and sign-ins elsewhere that have begun.

-- An address is stored as it is compared. `version` grows with every change that others can see.
CREATE TABLE people (
  id TEXT COLLATE "C" PRIMARY KEY,
  site_id TEXT COLLATE "C" NOT NULL REFERENCES sites (id),
  email TEXT COLLATE "C" NOT NULL,
  name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('owner', 'editor', 'writer', 'viewer')),
  -- In PHC's form, with its parameters; absent for who signs in elsewhere only.
  password_hash TEXT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  disabled_at BIGINT,
  version BIGINT NOT NULL DEFAULT 1,
  UNIQUE (site_id, email)
);
CREATE INDEX people_by_site ON people (site_id, id);

-- Who a person is at a provider: its issuer's subject, and never its address, which may change hands.
CREATE TABLE identities (
  provider TEXT COLLATE "C" NOT NULL,
  issuer TEXT COLLATE "C" NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  person_id TEXT COLLATE "C" NOT NULL REFERENCES people (id) ON DELETE CASCADE,
  email TEXT COLLATE "C",
  linked_at BIGINT NOT NULL,
  PRIMARY KEY (provider, issuer, subject)
);
CREATE INDEX identities_by_person ON identities (person_id);

-- Of a session's secret only its SHA-256 is known, and each has two ends: the first comes earlier if nobody uses it.
CREATE TABLE sessions (
  id TEXT COLLATE "C" PRIMARY KEY,
  hash TEXT COLLATE "C" NOT NULL UNIQUE,
  person_id TEXT COLLATE "C" NOT NULL REFERENCES people (id) ON DELETE CASCADE,
  created_at BIGINT NOT NULL,
  last_seen_at BIGINT NOT NULL,
  idle_until BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  address TEXT NOT NULL,
  agent TEXT NOT NULL,
  revoked_at BIGINT,
  CHECK (idle_until <= expires_at)
);
CREATE INDEX sessions_by_person ON sessions (person_id, id);
CREATE INDEX sessions_by_end ON sessions (idle_until);

-- Links that a person opens once. Who made one is no reference: the line outlives them.
CREATE TABLE one_time_links (
  hash TEXT COLLATE "C" PRIMARY KEY,
  site_id TEXT COLLATE "C" NOT NULL REFERENCES sites (id),
  purpose TEXT NOT NULL CHECK (purpose IN ('owner', 'invitation', 'password')),
  email TEXT COLLATE "C",
  role TEXT,
  made_by TEXT COLLATE "C",
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT,
  CHECK (purpose = 'owner' OR email IS NOT NULL),
  CHECK (purpose <> 'invitation' OR role IN ('owner', 'editor', 'writer', 'viewer') AND role IS NOT NULL)
);
CREATE INDEX one_time_links_by_end ON one_time_links (expires_at);

-- A sign-in at a provider that has begun in one browser; it is taken out when the browser comes back.
CREATE TABLE sign_in_states (
  hash TEXT COLLATE "C" PRIMARY KEY,
  browser_hash TEXT COLLATE "C" NOT NULL,
  provider TEXT COLLATE "C" NOT NULL,
  nonce TEXT NOT NULL,
  verifier TEXT NOT NULL,
  return_to TEXT NOT NULL,
  -- Who is signed in and links an account; absent for who signs in.
  person_id TEXT COLLATE "C" REFERENCES people (id) ON DELETE CASCADE,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX sign_in_states_by_end ON sign_in_states (expires_at);
