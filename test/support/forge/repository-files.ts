import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Git } from './git-process.ts';
import { lookUp } from './refs.ts';

type File = string | Buffer | { content: string | Buffer; executable?: true } | { symlink: string };
export type Files = Readonly<Record<string, File>>;
/** `null` deletes the path. */
export type FileChanges = Readonly<Record<string, File | null>>;

type Commit = { directory: string; branch: string; message: string; files: FileChanges };

/**
 * Adds one commit to a branch and returns its id. A new branch starts at the default one's tip. One `fast-import` writes
 * thousands of files in a fraction of a second, without a working copy.
 */
export const importCommit = async (git: Git, commit: Commit): Promise<string> => {
  const { directory, branch, message, files } = commit;
  const ref = `refs/heads/${branch}`;
  const [tip, head] = await lookUp(git, directory, [ref, 'HEAD']);
  const parent = (tip ?? head)?.sha;
  const count = parent === undefined ? '0' : await git.text(directory, ['rev-list', '--count', parent]);
  // The time is a function of the history, so that the same files give the same commit id in every run.
  const seconds = Date.UTC(2026, 0, 1) / 1_000 + Number(count) * 60;
  const stream = [
    Buffer.from(`commit ${ref}\ncommitter Forge <forge@example.com> ${seconds} +0000\n`),
    data(Buffer.from(message)),
    Buffer.from(parent === undefined ? '' : `from ${parent}\n`),
    ...Object.entries(files).flatMap(([path, file]) => change(path, file)),
    Buffer.from('done\n'),
  ];
  await git.text(directory, ['fast-import', '--quiet', '--done', '--date-format=raw'], Buffer.concat(stream));
  return git.text(directory, ['rev-parse', ref]);
};

export const readFolder = async (folder: string): Promise<Files> => {
  const files: Record<string, File> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const full = join(entry.parentPath, entry.name);
    const path = relative(folder, full);
    if (path === '.git' || path.startsWith('.git/')) continue;
    if (entry.isSymbolicLink()) files[path] = { symlink: await readlink(full) };
    else if (entry.isFile()) {
      const content = await readFile(full);
      files[path] = ((await stat(full)).mode & 0o100) === 0 ? content : { content, executable: true };
    }
  }
  return files;
};

function change(path: string, file: File | null): Buffer[] {
  if (file === null) return [Buffer.from(`D ${quoted(path)}\n`)];
  const { mode, content } = modeAndContent(file);
  return [Buffer.from(`M ${mode} inline ${quoted(path)}\n`), data(content)];
}

function modeAndContent(file: File): { mode: string; content: Buffer } {
  if (typeof file === 'string' || Buffer.isBuffer(file))
    return { mode: '100644', content: Buffer.from(file) };
  if ('symlink' in file) return { mode: '120000', content: Buffer.from(file.symlink) };
  return { mode: file.executable ? '100755' : '100644', content: Buffer.from(file.content) };
}

function data(content: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`data ${content.length}\n`), content, Buffer.from('\n')]);
}

function quoted(path: string): string {
  return `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}
