-- Who may use the API, beside the keys of the setting API_KEYS.
CREATE TABLE api_keys (
  -- The part of a key that is no secret. It is what `jobs.key_id` says.
  id text PRIMARY KEY,
  name text NOT NULL,
  -- SHA-256 of the key. A key has 192 random bits, which nobody finds by trying, however fast the hash is: a slow one,
  -- as passwords need it, would only make every request slow.
  digest bytea NOT NULL,
  -- Null: what the server allows every key.
  running_max int,
  jobs_per_hour_max int,
  -- Null: all. Else an array of `owner/name` and `owner/*`.
  repositories json,
  created_at timestamptz NOT NULL,
  revoked_at timestamptz
);

-- The name of a revoked key may be given again; its jobs stay with the old one.
CREATE UNIQUE INDEX api_keys_by_name ON api_keys (name) WHERE revoked_at IS NULL;

CREATE INDEX jobs_of_key ON jobs (coalesce(key_id, ''), place DESC);
CREATE INDEX jobs_of_hour ON jobs (coalesce(key_id, ''), created_at);
