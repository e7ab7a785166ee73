-- When the events, transcript and checkpoint of an ended job were removed, all but its last event.
ALTER TABLE jobs ADD COLUMN trimmed_at timestamptz;
CREATE INDEX jobs_to_trim ON jobs (ended_at) WHERE ended_at IS NOT NULL AND trimmed_at IS NULL;
