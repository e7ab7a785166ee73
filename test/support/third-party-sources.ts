import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Files, readFolder } from './forge/repository-files.ts';

/**
 * The files of a published npm package as somebody else wrote them. Fetched with npm as it is configured here, and
 * kept in the system's temporary directory for the next time.
 */
export const thirdPartySources = async (specification: string): Promise<Files> => {
  const kept = join(tmpdir(), `tiny-backspace-sources-${specification.replaceAll(/[^\w.-]/g, '-')}`);
  if (!existsSync(kept)) await fetchTo(kept, specification);
  return readFolder(join(kept, 'package'));
};

const fetchTo = async (kept: string, specification: string): Promise<void> => {
  const directory = await mkdtemp(join(tmpdir(), 'npm-pack-'));
  try {
    const { stdout } = await run('npm', ['pack', specification, '--silent', '--pack-destination', directory]);
    await run('tar', ['-xzf', join(directory, stdout.trim()), '-C', directory]);
    // Whoever comes second at the same time finds the first one's, whole.
    await rename(directory, kept).catch((error: unknown) => {
      if (!existsSync(kept)) throw error;
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};

const run = promisify(execFile);
