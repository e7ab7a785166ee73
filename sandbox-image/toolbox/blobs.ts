import { spawn } from 'node:child_process';
import type { ServerHttp2Stream } from 'node:http2';
import { ended } from './ended.ts';
import { workspace } from './workspace.ts';

/** Sends blobs of the clone as `git cat-file --batch` does: a line with id, type and size, then the bytes and a newline. */
export const sendBlobs = async (request: { ids: string[] }, stream: ServerHttp2Stream): Promise<void> => {
  const child = spawn('git', ['cat-file', '--batch'], { cwd: workspace, stdio: ['pipe', 'pipe', 'ignore'] });
  stream.once('close', () => child.kill('SIGKILL'));
  const done = ended(child, 'git cat-file');
  // It may end before it has read everything.
  child.stdin.on('error', () => {});
  child.stdin.end(`${request.ids.join('\n')}\n`);
  child.stdout.pipe(stream, { end: false });
  await done;
};
