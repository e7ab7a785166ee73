import { endState } from '../domain/job.ts';
import type { JobFact } from '../domain/job-event.ts';
import { claimLock } from './claim-job.ts';
import type { Database } from './database.ts';
import type { Queue } from './queue.ts';
import { tell } from './wakes.ts';

/** A queued job ends with this fact; whoever holds a running one is told. False when it had ended already. */
export const cancelJob = (
  jobId: string,
  end: JobFact,
  { database, queue }: { database: Database; queue: Queue },
): Promise<boolean> =>
  database.transaction(async (sql) => {
    // As whoever claims: a claim that waits for this job while we wait for its place in the queue would never end.
    await sql.query('SELECT pg_advisory_xact_lock($1)', [claimLock]);
    const [job] = await sql.query<{ state: string; queue_id: string; last_event: number }>(
      'SELECT state, queue_id, last_event FROM jobs WHERE id = $1 FOR UPDATE',
      [jobId],
    );
    switch (job?.state) {
      case 'queued':
        await sql.query('UPDATE jobs SET state = $2, ended_at = now(), last_event = $3 WHERE id = $1', [
          ...[jobId, endState(end), job.last_event + 1],
        ]);
        await sql.query('INSERT INTO events VALUES ($1, $2, now(), $3, $4)', [
          ...[jobId, job.last_event + 1, end.type, JSON.stringify(end)],
        ]);
        await queue.drop(sql, job.queue_id);
        await sql.query(tell, [`event ${jobId}`]);
        return true;
      case 'running':
        await sql.query('UPDATE jobs SET cancel_requested = true WHERE id = $1', [jobId]);
        await sql.query(tell, [`cancel ${jobId}`]);
        return true;
      default:
        return false;
    }
  });
