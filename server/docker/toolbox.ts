import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import tar from 'tar-stream';
import { z } from 'zod';
import type { WorkspaceFile } from '../domain/changeset.ts';
import type { ExecResult, Reply, Sandbox } from '../domain/sandbox.ts';
import type { Calls } from './calls.ts';

/** What the toolbox can do, typed: the shapes of its answers stand here, the toolbox in sandbox-image/toolbox. */
export type Toolbox = Pick<
  Sandbox,
  'exec' | 'read' | 'write' | 'edit' | 'list' | 'search' | 'files' | 'contents' | 'basePack' | 'unpack'
>;

export const createToolbox = (calls: Calls, limits: { filesMax: number }): Toolbox => ({
  exec: async (request, signal, onOutput) => {
    let output = '';
    for await (const line of calls.lines('/exec', request, execLine, signal)) {
      if (!('output' in line)) return { ...line, output };
      output += line.output;
      if (output.length > 2 * request.outputBytesMax + 1000)
        throw new Error('The toolbox sent more output than asked for.');
      onOutput?.(line.output);
    }
    throw new Error('The toolbox did not say how the command ended.');
  },
  read: (file, signal) =>
    calls.ask(
      '/read',
      file,
      reply({ content: z.string(), fromLine: count, toLine: count, totalLines: count }),
      signal,
    ),
  write: (file, signal) => calls.ask('/write', file, reply({ lines: count }), signal),
  edit: (edit, signal) => calls.ask('/edit', edit, reply({ line: count }), signal),
  list: (where, signal) =>
    calls.ask('/list', where, reply({ paths: z.array(z.string()), more: z.boolean() }), signal),
  search: (what, signal) =>
    calls.ask('/search', what, reply({ matches: z.array(match), more: z.boolean() }), signal),
  files: async (tracked, signal) => {
    const found = new Map<string, WorkspaceFile>();
    const collect = async (request: object) => {
      for await (const file of calls.lines('/files', request, workspaceFile, signal)) {
        found.set(file.path, file);
        if (found.size > limits.filesMax)
          throw new Error(`The workspace has more than ${limits.filesMax} files.`);
      }
    };
    await collect({});
    const missing = [...tracked].filter((path) => !found.has(path));
    if (missing.length > 0) await collect({ paths: missing });
    return [...found.values()];
  },
  contents: async (files, signal) => {
    if (files.length === 0) return [];
    const paths = files.map(({ path }) => path);
    return readArchive(calls.bytes('/tar-out', { paths }, signal), files);
  },
  basePack: (commit, signal) => calls.bytes('/pack', { commit }, signal),
  unpack: (archive, signal) => calls.send('/tar-in', archive, signal),
});

const count = z.number().int().nonnegative();
const match = z.object({ path: z.string(), line: count, text: z.string() });

const reply = <T extends z.ZodRawShape>(shape: T) =>
  z.discriminatedUnion('ok', [
    z.object({ ok: z.literal(true), ...shape }),
    z.object({ ok: z.literal(false), message: z.string() }),
  ]) as unknown as z.ZodType<Reply<z.infer<z.ZodObject<T>>>>;

const execLine: z.ZodType<{ output: string } | Omit<ExecResult, 'output'>> = z.union([
  z.object({ output: z.string() }),
  z.object({
    exitCode: z.number().int().nullable(),
    durationMs: count,
    timedOut: z.boolean(),
    bytesLeftOut: count,
  }),
]);

const workspaceFile: z.ZodType<WorkspaceFile> = z.object({
  path: z.string().min(1).max(4096),
  mode: z.enum(['100644', '100755', '120000']),
  blobId: z.string().regex(/^[0-9a-f]{40}$/),
  size: count,
});

/**
 * The bytes of exactly the listed files, in their order. The archive is hostile: an entry that was not asked for, is
 * of another kind or size, or whose bytes do not hash to the listed id ends the reading.
 */
const readArchive = async (
  archive: AsyncIterable<Uint8Array>,
  files: readonly WorkspaceFile[],
): Promise<Uint8Array[]> => {
  const wanted = new Map(files.map((file) => [file.path, file]));
  const contents = new Map<string, Uint8Array>();
  const extract = tar.extract();
  // A failure on the way ends the loop below with the same error.
  const fed = pipeline(archive, extract);
  fed.catch(() => {});
  for await (const entry of extract) {
    const { name, type, linkname } = entry.header;
    const file = wanted.get(name);
    if (!file || contents.has(name))
      throw new Error(`The archive holds ${JSON.stringify(name)}, which was not asked for.`);
    const bytes = type === 'symlink' ? Buffer.from(linkname ?? '') : await collect(entry, file.size);
    entry.resume();
    if ((type === 'symlink') !== (file.mode === '120000') || !['file', 'symlink'].includes(type ?? '')) {
      throw new Error(`${name} is not the kind of file that was listed.`);
    }
    if (gitBlobId(bytes) !== file.blobId) throw new Error(`${name} changed while it was read.`);
    contents.set(name, bytes);
  }
  await fed;
  return files.map(({ path }) => {
    const bytes = contents.get(path);
    if (!bytes) throw new Error(`The archive does not hold ${path}.`);
    return bytes;
  });
};

const collect = async (entry: AsyncIterable<unknown>, size: number): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of entry) {
    length += (chunk as Buffer).length;
    if (length > size) throw new Error('A file in the archive is longer than it was listed.');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
};

const gitBlobId = (bytes: Uint8Array): string =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
