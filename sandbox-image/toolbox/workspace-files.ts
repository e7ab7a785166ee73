import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import fs, { type Stats } from 'node:fs';
import type { ServerHttp2Stream } from 'node:http2';
import path from 'node:path';
import { ended } from './ended.ts';
import { resolvePath, workspace } from './workspace.ts';

/**
 * Lists the workspace as lines of JSON: path, mode, blob id and size of every file that .gitignore does not hide
 * (or of `paths`, as far as they exist). The repository's own index and configuration have no say, since the agent
 * may have bent them: an empty repository that comes with the image lends git's ignore rules, everything counts as
 * new to it, and the server compares the ids with the base trees. From the file on with which the sizes come to more
 * than `bytesMax`, a file has `{"path", "tooLarge"}` instead.
 */
export const sendWorkspaceFiles = async (
  request: { paths?: string[]; bytesMax: number },
  stream: ServerHttp2Stream,
): Promise<void> => {
  const describe = createDescriber(request.bytesMax);
  const paths = request.paths?.map((name) => Buffer.from(name).toString('latin1')) ?? notIgnored();
  for await (const file of paths) {
    if (stream.closed) return;
    const entry = describe(file);
    if (entry && !stream.write(`${JSON.stringify(entry)}\n`))
      await Promise.race([once(stream, 'drain'), once(stream, 'close')]);
  }
};

const emptyRepository = process.env.BACKSPACE_EMPTY_REPOSITORY ?? '/opt/backspace/empty.git';

/**
 * Names as git prints them, a character for each byte: git's names need not be UTF-8, and a file must be found again
 * by exactly its bytes.
 */
async function* notIgnored(): AsyncGenerator<string> {
  const args = ['ls-files', '--others', '--exclude-per-directory=.gitignore', '-z'];
  const child = spawn('git', [`--git-dir=${emptyRepository}`, `--work-tree=${workspace}`, ...args], {
    cwd: workspace,
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const done = ended(child, 'git ls-files');
  // Looked at only after the output.
  done.catch(() => {});
  let rest = '';
  for await (const chunk of child.stdout.setEncoding('latin1')) {
    const names = (rest + chunk).split('\0');
    rest = names.pop() ?? '';
    // A name that ends with a slash is a repository inside the repository: not ours to commit.
    yield* names.filter((name) => !name.endsWith('/'));
  }
  await done;
}

/** What the server is told of a file; undefined when it is not there, or none that git knows. */
const createDescriber = (bytesMax: number) => {
  const isBehindLink = createLinkLook();
  let bytesLeft = bytesMax;

  const describe = (name: string) => {
    const absolute = resolvePath(name);
    const stat = lstat(absolute);
    if (!stat || isBehindLink(path.dirname(absolute))) return undefined;
    const file = bytes(name).toString('utf8');
    if (stat.isSymbolicLink()) {
      const target = fs.readlinkSync(bytes(absolute), { encoding: 'buffer' });
      return { path: file, mode: '120000', blobId: blobId(target.length, [target]), size: target.length };
    }
    if (!stat.isFile()) return undefined;
    bytesLeft -= stat.size;
    // A sparse file claims what no workspace holds, and to hash it could take hours.
    if (bytesLeft < 0) return { path: file, tooLarge: stat.size };
    // Tests leave unreadable files behind, which are ours all the same.
    if (!(stat.mode & 0o400)) fs.chmodSync(bytes(absolute), stat.mode | 0o400);
    const mode = stat.mode & 0o100 ? '100755' : '100644';
    return { path: file, mode, blobId: blobId(stat.size, contentOf(bytes(absolute), stat)), size: stat.size };
  };

  return (name: string) => {
    try {
      return describe(name);
    } catch (error) {
      // Somebody removed it since it was found.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  };
};

/**
 * A tracked path whose directory became a link to elsewhere is not there any more. What is known of a directory is
 * kept: to look at every one above every file takes minutes where many files lie deep.
 */
const createLinkLook = () => {
  const known = new Map<string, boolean>();
  const isBehindLink = (directory: string): boolean => {
    if (directory.length <= workspace.length) return false;
    const answer = known.get(directory) ?? (isNone(directory) || isBehindLink(path.dirname(directory)));
    known.set(directory, answer);
    return answer;
  };
  const isNone = (directory: string) => lstat(directory)?.isSymbolicLink() ?? true;
  return isBehindLink;
};

/**
 * undefined also when a parent has become a file or a link to itself, which `throwIfNoEntry: false` does not cover, and
 * when the path is longer than any that the kernel takes: git finds such a file, but nobody can open it.
 */
const lstat = (absolute: string): Stats | undefined => {
  try {
    return fs.lstatSync(bytes(absolute));
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'].includes(code)) return undefined;
    throw error;
  }
};

const bytes = (name: string): Buffer => Buffer.from(name, 'latin1');

/** Git's id of a blob: SHA-1 over a header with the length, then the bytes. */
const blobId = (size: number, pieces: Iterable<Buffer>): string => {
  const hash = createHash('sha1').update(`blob ${size}\0`);
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
};

const buffer = Buffer.allocUnsafe(1 << 20);

function* contentOf(file: Buffer, { size }: Stats): Generator<Buffer> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
  // Non-blocking, since a FIFO may have taken the file's place meanwhile, and would hold all calls up.
  const descriptor = fs.openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    for (let position = 0; position < size; ) {
      const count = fs.readSync(descriptor, buffer, 0, buffer.length, position);
      if (count === 0) return;
      yield buffer.subarray(0, count);
      position += count;
    }
  } finally {
    fs.closeSync(descriptor);
  }
}
