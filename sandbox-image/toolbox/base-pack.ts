import { spawn } from 'node:child_process';
import type { ServerHttp2Stream } from 'node:http2';
import { ended } from './ended.ts';
import { workspace } from './workspace.ts';

/**
 * Sends a git pack with one commit and its trees, no blobs. No deltas either (`--window=0` makes none and
 * `--no-reuse-delta` keeps none): the server reads the pack object by object and refuses any other.
 */
export const sendBasePack = async (request: { commit: string }, stream: ServerHttp2Stream): Promise<void> => {
  const script =
    'set -o pipefail; git rev-list --objects --filter=blob:none -1 "$1" | git pack-objects --stdout -q --window=0 --no-reuse-delta';
  const child = spawn('bash', ['-c', script, 'bash', request.commit], {
    cwd: workspace,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  stream.once('close', () => child.kill('SIGKILL'));
  const done = ended(child, 'git pack-objects');
  child.stdout.pipe(stream, { end: false });
  await done;
};
