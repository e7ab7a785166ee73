import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** One piece of a server's code, and what takes its place. */
export type Weakness = { file: string; code: string; instead: string };

const root = path.resolve(import.meta.dirname, '../../..');

/** A copy of the server with this weakness, to see that a suite catches it. */
export const weakenServer = async ({ file, code, instead }: Weakness) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'weakened-'));
  await cp(path.join(root, 'server'), path.join(directory, 'server'), { recursive: true });
  await cp(path.join(root, 'package.json'), path.join(directory, 'package.json'));
  await symlink(path.join(root, 'node_modules'), path.join(directory, 'node_modules'));
  const target = path.join(directory, file);
  const source = await readFile(target, 'utf8');
  assert.equal(source.split(code).length, 2, `${file} does not hold «${code}» once`);
  await writeFile(target, source.replace(code, instead));
  return {
    program: path.join(directory, 'server/main.ts'),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
};
