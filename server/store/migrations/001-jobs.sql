-- What is JSON here is `json`, not `jsonb`: events hold whatever a command printed, and `jsonb` refuses U+0000 and half a
-- surrogate pair. The operators of `json` refuse them as well: such a column is written and read as a whole.

CREATE TABLE jobs (
  id text PRIMARY KEY,
  -- The order of acceptance.
  place bigint GENERATED ALWAYS AS IDENTITY,
  -- The API key that asked for it; null where the server has no keys.
  key_id text,
  state text NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  request json NOT NULL,
  created_at timestamptz NOT NULL,
  started_at timestamptz,
  ended_at timestamptz,
  -- What pg-boss calls it, and which of its attempts is under way.
  queue_id uuid NOT NULL,
  queue_attempt int,
  -- Goes up with every claim. Whoever writes names the fence that its claim had, so one that lost the job writes nothing.
  fence int NOT NULL DEFAULT 0,
  lease_until timestamptz,
  -- The server and the process that hold it.
  server_id text,
  process_id text,
  cancel_requested boolean NOT NULL DEFAULT false,
  last_event int NOT NULL DEFAULT 0,
  -- Its place in the queue as it was told last.
  told_place int,
  -- Servers that died while it was at the same place of its transcript.
  deaths int NOT NULL DEFAULT 0,
  deaths_at int NOT NULL DEFAULT -1,
  -- Its last holder has given it back in order, so the next claim counts as no death.
  handed_over boolean NOT NULL DEFAULT true,
  -- The container with its workspace, once it holds the clone.
  sandbox text,
  idempotency_key text,
  request_hash text
);

CREATE UNIQUE INDEX jobs_by_idempotency_key ON jobs (coalesce(key_id, ''), idempotency_key)
  WHERE idempotency_key IS NOT NULL;
CREATE INDEX jobs_waiting ON jobs (place) WHERE state = 'queued';
CREATE INDEX jobs_running ON jobs (lease_until) WHERE state = 'running';
CREATE INDEX jobs_newest ON jobs (place DESC);

CREATE TABLE events (
  job_id text NOT NULL REFERENCES jobs ON DELETE CASCADE,
  number int NOT NULL,
  at timestamptz NOT NULL,
  -- Beside the fact, since no operator may look into that: it fails on what `jsonb` refuses.
  type text NOT NULL,
  fact json NOT NULL,
  PRIMARY KEY (job_id, number)
);

CREATE TABLE transcript (
  job_id text NOT NULL REFERENCES jobs ON DELETE CASCADE,
  number int NOT NULL,
  kind text NOT NULL,
  entry json NOT NULL,
  -- The last event when it was stored: what was told after it belongs to what was not finished.
  after_event int NOT NULL,
  PRIMARY KEY (job_id, number)
);

-- What a step of the job came to, so that it is never done again.
CREATE TABLE milestones (
  job_id text NOT NULL REFERENCES jobs ON DELETE CASCADE,
  name text NOT NULL,
  value json NOT NULL,
  PRIMARY KEY (job_id, name)
);

CREATE TABLE checkpoints (
  job_id text PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,
  files json NOT NULL,
  deleted json NOT NULL,
  -- The same paths in the base commit.
  base json NOT NULL,
  -- Why later changes are not in it.
  incomplete text
);

CREATE TABLE checkpoint_blobs (
  job_id text NOT NULL REFERENCES jobs ON DELETE CASCADE,
  blob_id text NOT NULL,
  content bytea NOT NULL,
  PRIMARY KEY (job_id, blob_id)
);

-- Every container that a job was given, and by which claim of it.
CREATE TABLE sandboxes (
  container_id text PRIMARY KEY,
  job_id text NOT NULL REFERENCES jobs ON DELETE CASCADE,
  fence int NOT NULL
);
