import type { WorkspaceFile } from '../domain/changeset.ts';
import type { Checkpoint, Checkpoints } from '../domain/checkpoint.ts';
import type { TreeFile } from '../domain/repository.ts';
import type { Sql } from './database.ts';
import type { Fenced } from './held-job.ts';
import { patient } from './patience.ts';

/** One job's checkpoint. A content that is stored already is not sent again: its id says what it is. */
export const createCheckpoints = (
  jobId: string,
  database: Sql,
  fenced: Fenced,
  patienceMs: number,
): Checkpoints => ({
  save: ({ files, deleted, base, incomplete = null }) =>
    fenced(async (sql) => {
      const stored = await sql.query<{ blob_id: string }>(
        'SELECT blob_id FROM checkpoint_blobs WHERE job_id = $1',
        [jobId],
      );
      const present = new Set(stored.map(({ blob_id }) => blob_id));
      const kept = [...files, ...base].filter(({ content }) => content !== undefined);
      const contents = new Map(kept.map(({ blobId, content = nothing }) => [blobId, content]));
      for (const [blobId, content] of contents) {
        if (present.has(blobId)) continue;
        await sql.query('INSERT INTO checkpoint_blobs VALUES ($1, $2, $3)', [jobId, blobId, bytes(content)]);
      }
      await sql.query('DELETE FROM checkpoint_blobs WHERE job_id = $1 AND NOT blob_id = ANY($2::text[])', [
        ...[jobId, [...contents.keys()]],
      ]);
      const listed = files.map(({ path, mode, blobId, size }) => ({ path, mode, blobId, size }));
      const before = base.map(({ path, mode, blobId }) => ({ path, mode, blobId }));
      await sql.query(
        `INSERT INTO checkpoints VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (job_id) DO UPDATE SET files = $2, deleted = $3, base = $4, incomplete = $5`,
        [jobId, ...[listed, deleted, before].map((part) => JSON.stringify(part)), incomplete],
      );
    }),
  load: () => patient(() => loadCheckpoint(jobId, database), patienceMs),
});

type CheckpointRow = {
  files: WorkspaceFile[];
  deleted: string[];
  base: (TreeFile & { path: string })[];
  incomplete: string | null;
};

export const loadCheckpoint = async (jobId: string, sql: Sql): Promise<Checkpoint | undefined> => {
  const [row] = await sql.query<CheckpointRow>(
    'SELECT files, deleted, base, incomplete FROM checkpoints WHERE job_id = $1',
    [jobId],
  );
  if (row === undefined) return undefined;
  const blobs = await sql.query<{ blob_id: string; content: Uint8Array }>(
    'SELECT blob_id, content FROM checkpoint_blobs WHERE job_id = $1',
    [jobId],
  );
  const contents = new Map(blobs.map(({ blob_id, content }) => [blob_id, content]));
  const { deleted, incomplete } = row;
  return {
    files: row.files.map((file) => ({ ...file, content: contents.get(file.blobId) ?? nothing })),
    deleted,
    base: row.base.map((file) => {
      const content = contents.get(file.blobId);
      return { ...file, ...(content && { content }) };
    }),
    ...(incomplete === null ? {} : { incomplete }),
  };
};

const nothing = new Uint8Array();

/** What both drivers take for bytes. */
const bytes = (content: Uint8Array): Buffer =>
  Buffer.from(content.buffer, content.byteOffset, content.byteLength);
