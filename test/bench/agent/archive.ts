import tar from 'tar-stream';
import type { Files } from '../../support/forge/repository-files.ts';

/** The files as a tar stream; `prefix` is put before each path. */
export const archiveOf = (files: Files, prefix = ''): AsyncIterable<Uint8Array> => {
  const pack = tar.pack();
  for (const [path, file] of Object.entries(files)) {
    const name = `${prefix}${path}`;
    if (typeof file === 'string' || Buffer.isBuffer(file)) pack.entry({ name, mode: 0o644 }, file);
    else if ('symlink' in file) pack.entry({ name, type: 'symlink', linkname: file.symlink });
    else pack.entry({ name, mode: 0o755 }, file.content);
  }
  pack.finalize();
  return pack as AsyncIterable<Uint8Array>;
};
