import path from 'node:path';
import tar from 'tar-stream';
import type { Checkpoint } from '../domain/checkpoint.ts';
import { AppError } from '../domain/errors.ts';
import type { Sandbox } from '../domain/sandbox.ts';

/** Deletions come first, since a file may stand where a directory was, and the other way round. */
export const restore = async (
  sandbox: Pick<Sandbox, 'exec' | 'unpack'>,
  { files, deleted }: Checkpoint,
  signal: AbortSignal,
): Promise<void> => {
  // Git keeps no empty directories. They are made anew where a file needs them.
  const directories = [...new Set(deleted.map((file) => path.posix.dirname(file)))].filter(
    (name) => name !== '.',
  );
  await eachSome(deleted, async (paths) => {
    const { exitCode, output } = await run(sandbox, ['rm', '-f', '--', ...paths], signal);
    if (exitCode !== 0) throw new AppError('sandbox_lost', `The checkpoint could not be restored: ${output}`);
  });
  // Fails where a directory went with the one before it, which is as good.
  await eachSome(directories, (names) =>
    run(sandbox, ['rmdir', '--parents', '--ignore-fail-on-non-empty', '--', ...names], signal),
  );
  if (files.length > 0) await sandbox.unpack(archiveOf(files), signal);
};

/** The words of one command, together far below what Linux takes. */
const pathsMax = 200;

const eachSome = async (
  paths: readonly string[],
  action: (some: readonly string[]) => Promise<unknown>,
): Promise<void> => {
  for (let from = 0; from < paths.length; from += pathsMax) await action(paths.slice(from, from + pathsMax));
};

const run = (sandbox: Pick<Sandbox, 'exec'>, command: readonly string[], signal: AbortSignal) =>
  sandbox.exec({ command, timeoutMs: 60_000, outputBytesMax: 2000 }, signal);

const archiveOf = (files: Checkpoint['files']): AsyncIterable<Uint8Array> => {
  const pack = tar.pack();
  for (const { path: name, mode, content } of files) {
    if (mode === '120000')
      pack.entry({ name, type: 'symlink', linkname: Buffer.from(content).toString('utf8') });
    else pack.entry({ name, mode: mode === '100755' ? 0o755 : 0o644 }, Buffer.from(content));
  }
  pack.finalize();
  return pack as AsyncIterable<Uint8Array>;
};
