import { pipeline } from 'node:stream/promises';
import tar from 'tar-stream';
import { z } from 'zod';
import type { WorkspaceFile } from '../domain/changeset.ts';
import { AppError } from '../domain/errors.ts';
import { gatherBytes } from '../domain/gathered-bytes.ts';
import type { EditReply, ExecResult, Reply, Sandbox } from '../domain/sandbox.ts';
import { brokenToolbox, type Calls } from './calls.ts';
import { gitBlobId, readBlobs } from './read-blobs.ts';
import { restore } from './restore.ts';

/** What the toolbox can do, typed: the shapes of its answers stand here, the toolbox in sandbox-image/toolbox. */
export type Toolbox = Pick<
  Sandbox,
  | 'exec'
  | 'read'
  | 'write'
  | 'edit'
  | 'list'
  | 'search'
  | 'files'
  | 'contents'
  | 'basePack'
  | 'blobs'
  | 'unpack'
  | 'now'
  | 'takeSetup'
  | 'giveSetup'
  | 'restore'
>;

/** The toolbox ends a command at its time limit; so much later the server stops to believe that it will. */
const killMs = 30_000;

/** Of what the toolbox lists. More bytes than the workspace can hold are claimed by sparse and by linked files alone. */
type ListingLimits = { filesMax: number; workspaceBytes: number };

export const createToolbox = (calls: Calls, limits: ListingLimits): Toolbox => {
  const toolbox = createOperations(calls, limits);
  return { ...toolbox, restore: (checkpoint, signal) => restore(toolbox, checkpoint, signal) };
};

const createOperations = (calls: Calls, limits: ListingLimits): Omit<Toolbox, 'restore'> => ({
  exec: async ({ stdin, ...request }, signal, onOutput) => {
    let output = '';
    let glimpsesLeft = 20 + request.timeoutMs / 250;
    // There is a byte of output in each, but for what the toolbox itself says at the end.
    let piecesLeft = request.outputBytesMax + 10;
    const timeoutMs = request.timeoutMs + killMs;
    const lineBytesMax = jsonBytes(request.outputBytesMax);
    const options = { timeoutMs, lineBytesMax, body: stdin };
    const asked = { ...request, stdin: stdin !== undefined };
    for await (const line of calls.lines('/exec', asked, execLine, signal, options)) {
      if ('exitCode' in line) return { ...line, output };
      if ('shown' in line) {
        glimpsesLeft -= 1;
        if (glimpsesLeft < 0) throw brokenToolbox('The toolbox showed more output than agreed.');
        onOutput?.(line.shown);
        continue;
      }
      output += line.output;
      piecesLeft -= 1;
      if (piecesLeft < 0 || output.length > 2 * request.outputBytesMax + 1000)
        throw brokenToolbox('The toolbox sent more output than asked for.');
      onOutput?.(line.output);
    }
    throw brokenToolbox('The toolbox did not say how the command ended.');
  },
  read: async (file, signal) => {
    const answer = await calls.ask('/read', file, readReply, signal, jsonBytes(file.bytesMax));
    if (answer.ok) refuseMoreThan(file.bytesMax, answer.content.length);
    return answer;
  },
  write: (file, signal) => calls.ask('/write', file, writeReply, signal),
  edit: async (file, signal) => {
    const answer = await calls.ask('/edit', file, editReply, signal);
    if (answer.ok) refuseMoreThan(file.edits.length, answer.edits.length);
    return answer;
  },
  list: async (where, signal) => {
    const answer = await calls.ask(
      '/list',
      where,
      listReply,
      signal,
      jsonBytes(where.filesMax * pathLettersMeanMax),
    );
    if (answer.ok) refuseMoreThan(where.filesMax, answer.paths.length);
    return answer;
  },
  search: async (what, signal) => {
    const answer = await calls.ask(
      '/search',
      what,
      searchReply,
      signal,
      jsonBytes(what.matchesMax * (pathLettersMeanMax + matchLettersMax)),
    );
    if (answer.ok) refuseMoreThan(what.matchesMax, answer.matches.length);
    return answer;
  },
  files: async (tracked, signal) => {
    const found = new Map<string, WorkspaceFile>();
    let listed = 0;
    let pathLetters = 0;
    const collect = async (paths: { paths?: readonly string[] }) => {
      const request = { ...paths, bytesMax: limits.workspaceBytes };
      for await (const file of calls.lines('/files', request, listedFile, signal)) {
        if ('tooLarge' in file) throw tooLarge(file);
        found.set(file.path, file);
        listed += 1;
        pathLetters += file.path.length;
        // Lines, not names: the same one again and again would go on for ever.
        if (listed > limits.filesMax || pathLetters > limits.filesMax * pathLettersMeanMax)
          throw tooManyFiles();
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
    try {
      return await readArchive(
        capped(calls.bytes('/tar-out', { paths }, signal), archiveBytesMax(files)),
        files,
      );
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof AppError ? error : brokenToolbox(`The archive cannot be read: ${error}`, error);
    }
  },
  blobs: async (ids, bytesMax, signal) =>
    ids.length === 0 ? [] : readBlobs(calls.bytes('/blobs', { ids }, signal), ids, bytesMax),
  basePack: (commit, signal) => calls.bytes('/pack', { commit }, signal),
  unpack: (archive, signal) => calls.send('/tar-in', archive, signal),
  now: async (signal) => (await calls.ask('/now', {}, nowReply, signal)).now,
  takeSetup: (since, tracked, signal) => calls.bytes('/setup-out', { since, tracked: [...tracked] }, signal),
  giveSetup: (archive, signal) => calls.send('/setup-in', archive, signal),
});

const count = z.number().int().nonnegative();
const pathLettersMax = 4096;
/** Real repositories have paths of 50 to 100 characters: far fewer than the longest on average. */
const pathLettersMeanMax = 200;
/** The toolbox cuts at 400. */
const matchLettersMax = 1000;
/** Of so many letters with what stands around them: one takes up to six bytes, as in `\u0000`. */
const jsonBytes = (letters: number): number => 6 * letters + (64 << 10);
const filePath = z.string().min(1).max(pathLettersMax);
const match = z.object({
  path: filePath,
  line: count,
  text: z.string().max(matchLettersMax),
  isContext: z.literal(true).optional(),
});
const hint = z.string().max(3 * pathLettersMax);

const tooManyFiles = (): AppError =>
  new AppError('changeset_refused', 'The workspace has more files than the server looks at.', {
    whatToDo: 'Add what is generated to .gitignore, or ask for less in one job.',
  });

const tooLarge = ({ path, tooLarge: size }: TooLarge): AppError =>
  new AppError('changeset_refused', `With ${path} (${size} bytes) the files are larger than the workspace.`, {
    whatToDo: 'Add sparse and hard-linked files to .gitignore, or ask for less in one job.',
  });

const reply = <T extends z.ZodRawShape>(shape: T) =>
  z.discriminatedUnion('ok', [
    z.object({ ok: z.literal(true), ...shape }),
    z.object({ ok: z.literal(false), message: z.string() }),
  ]) as unknown as z.ZodType<Reply<z.infer<z.ZodObject<T>>>>;

// Made once: zod compiles a schema at its first use, which took a fifth of a call.
const readReply = reply({
  content: z.string(),
  ...{ fromLine: count, toLine: count, totalLines: count },
  notes: z.array(hint).max(5).optional(),
});
const writeReply = reply({ lines: count });
const editReply: z.ZodType<EditReply> = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), edits: z.array(z.object({ line: count, places: count })) }),
  z.object({ ok: z.literal(false), message: z.string(), edit: count.optional() }),
]);
const listReply = reply({ paths: z.array(filePath), more: z.boolean(), hint: hint.optional() });
const nowReply = z.object({ now: z.string().regex(/^\d{1,12}\.\d{3}$/) });
const searchReply = reply({ matches: z.array(match), more: z.boolean(), hint: hint.optional() });

const refuseMoreThan = (askedFor: number, given: number): void => {
  if (given > askedFor) throw brokenToolbox('The toolbox gave more than it was asked for.');
};

const execLine: z.ZodType<{ output: string } | { shown: string } | Omit<ExecResult, 'output'>> = z.union([
  z.object({ output: z.string() }),
  z.object({ shown: z.string().max(8192) }),
  z.object({
    exitCode: z.number().int().nullable(),
    durationMs: count,
    timedOut: z.boolean(),
    bytesLeftOut: count,
    outputFile: z.string().max(200).nullable(),
  }),
]);

type TooLarge = { path: string; tooLarge: number };

const listedFile: z.ZodType<WorkspaceFile | TooLarge> = z.union([
  z.object({
    path: filePath,
    mode: z.enum(['100644', '100755', '120000']),
    blobId: z.string().regex(/^[0-9a-f]{40}$/),
    size: count,
  }),
  z.object({ path: filePath, tooLarge: count }),
]);

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
      throw brokenToolbox(`The archive holds ${JSON.stringify(name)}, which was not asked for.`);
    const bytes = type === 'symlink' ? Buffer.from(linkname ?? '') : await collect(entry, file.size);
    entry.resume();
    if ((type === 'symlink') !== (file.mode === '120000') || !['file', 'symlink'].includes(type ?? '')) {
      throw brokenToolbox(`${name} is not the kind of file that was listed.`);
    }
    if (gitBlobId(bytes) !== file.blobId) throw brokenToolbox(`${name} changed while it was read.`);
    contents.set(name, bytes);
  }
  await fed;
  return files.map(({ path }) => {
    const bytes = contents.get(path);
    if (!bytes) throw brokenToolbox(`The archive does not hold ${path}.`);
    return bytes;
  });
};

/** Headers with long names take some kilobytes a file. Without a limit a header alone could claim gigabytes. */
const archiveBytesMax = (files: readonly WorkspaceFile[]): number => {
  const headerBytesMax = 16 << 10;
  return files.reduce((sum, { size }) => sum + size + headerBytesMax, headerBytesMax);
};

async function* capped(chunks: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw brokenToolbox('The archive is larger than what it was to hold.');
    yield chunk;
  }
}

const collect = async (entry: AsyncIterable<unknown>, size: number): Promise<Buffer> => {
  const content = gatherBytes();
  for await (const chunk of entry) {
    content.add(chunk as Buffer);
    if (content.length > size) throw brokenToolbox('A file in the archive is longer than it was listed.');
  }
  // A copy: what is kept for the job must not keep the archive's chunks with it.
  return Buffer.from(content.take());
};
