import type { WorkspaceFile } from '../domain/changeset.ts';
import type { Checkpoint, Checkpoints } from '../domain/checkpoint.ts';
import type { Database } from './database.ts';
import type { Fenced } from './held-job.ts';
import { patient } from './patience.ts';

/** One job's checkpoint. A content that is stored already is not sent again: its id says what it is. */
export const createCheckpoints = (
  jobId: string,
  database: Database,
  fenced: Fenced,
  patienceMs: number,
): Checkpoints => ({
  save: ({ files, deleted, incomplete = null }) =>
    fenced(async (sql) => {
      const stored = await sql.query<{ blob_id: string }>(
        'SELECT blob_id FROM checkpoint_blobs WHERE job_id = $1',
        [jobId],
      );
      const present = new Set(stored.map(({ blob_id }) => blob_id));
      const contents = new Map(files.map(({ blobId, content }) => [blobId, content]));
      for (const [blobId, content] of contents) {
        if (present.has(blobId)) continue;
        await sql.query('INSERT INTO checkpoint_blobs VALUES ($1, $2, $3)', [jobId, blobId, bytes(content)]);
      }
      await sql.query('DELETE FROM checkpoint_blobs WHERE job_id = $1 AND NOT blob_id = ANY($2::text[])', [
        ...[jobId, [...contents.keys()]],
      ]);
      const listed = files.map(({ path, mode, blobId, size }) => ({ path, mode, blobId, size }));
      await sql.query(
        `INSERT INTO checkpoints VALUES ($1, $2, $3, $4)
         ON CONFLICT (job_id) DO UPDATE SET files = $2, deleted = $3, incomplete = $4`,
        [jobId, JSON.stringify(listed), JSON.stringify(deleted), incomplete],
      );
    }),
  load: () => patient(() => loadCheckpoint(jobId, database), patienceMs),
});

const loadCheckpoint = async (jobId: string, database: Database): Promise<Checkpoint | undefined> => {
  const [row] = await database.query<{
    files: WorkspaceFile[];
    deleted: string[];
    incomplete: string | null;
  }>('SELECT files, deleted, incomplete FROM checkpoints WHERE job_id = $1', [jobId]);
  if (row === undefined) return undefined;
  const blobs = await database.query<{ blob_id: string; content: Uint8Array }>(
    'SELECT blob_id, content FROM checkpoint_blobs WHERE job_id = $1',
    [jobId],
  );
  const contents = new Map(blobs.map(({ blob_id, content }) => [blob_id, content]));
  const files = row.files.map((file) => ({
    ...file,
    content: contents.get(file.blobId) ?? new Uint8Array(),
  }));
  const { deleted, incomplete } = row;
  return { files, deleted, ...(incomplete === null ? {} : { incomplete }) };
};

/** What both drivers take for bytes. */
const bytes = (content: Uint8Array): Buffer =>
  Buffer.from(content.buffer, content.byteOffset, content.byteLength);
