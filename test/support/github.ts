import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { GitHubLimits } from '../../server/github/options.ts';

export const limits: GitHubLimits = {
  gatewayBytesMax: 64 << 20,
  gatewayMs: 20_000,
  gatewayRequestsMax: 200,
  gatewayRequestsAtOnceMax: 4,
  cloneMs: 20_000,
  packBytesMax: 8 << 20,
  packObjectsMax: 10_000,
  objectBytesMax: 1 << 20,
  treeDepthMax: 50,
  basePathsMax: 10_000,
  apiTimeoutMs: 5_000,
};

/** The toolbox’s own command. */
export const basePack = async (directory: string, commit: string): Promise<Buffer> => {
  const script =
    'git rev-list --objects --filter=blob:none -1 "$1" | git pack-objects --stdout -q --window=0 --no-reuse-delta';
  const { stdout } = await run('sh', ['-c', script, 'sh', commit], {
    cwd: directory,
    encoding: 'buffer',
    maxBuffer,
  });
  return stdout;
};

/** Pieces as a stream brings them, of a size that divides nothing evenly. */
export const pieces = async function* (bytes: Uint8Array, size = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
};

const run = promisify(execFile);
const maxBuffer = 64 << 20;
