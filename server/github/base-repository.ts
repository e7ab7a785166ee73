import fs from 'node:fs';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import git from 'isomorphic-git';
import type { BaseRepository } from '../domain/github.ts';
import type { Base, TreeFile } from '../domain/repository.ts';
import { commitChanges, writeChangedTree } from './commit-changes.ts';
import { listFiles } from './list-files.ts';
import type { GitHubLimits, GitHubOptions } from './options.ts';
import { pushCommit } from './push-commit.ts';
import { beyondLimit, scanPack } from './scan-pack.ts';

/** Takes the pack in, finds it harmless, and only then lets isomorphic-git index it. */
export const receiveBase = async (
  options: GitHubOptions,
  base: Base,
  pack: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<BaseRepository> => {
  const { limits } = options;
  const gitdir = await mkdtemp(join(options.temporaryDirectory, 'base-'));
  const dispose = (): Promise<void> => rm(gitdir, { recursive: true, force: true });
  try {
    await git.init({ fs, dir: gitdir, gitdir, bare: true });
    // Ends the history at the base: a push looks for a merge base and must not ask for the parents.
    await writeFile(join(gitdir, 'shallow'), `${base.commit}\n`);
    const file = join(gitdir, packPath);
    await save(pack, file, limits.packBytesMax, signal);
    const { rootTree, files } = await readBase(file, base, limits, signal);
    await git.indexPack({ fs, dir: gitdir, gitdir, filepath: packPath });
    const store = { gitdir, base, rootTree, depthMax: limits.treeDepthMax };
    return {
      base,
      files,
      blobId: async (content) => (await git.hashBlob({ object: content })).oid,
      tree: (changes) => writeChangedTree(store, changes),
      commit: (changes, message, identity) => commitChanges(store, changes, message, identity),
      push: (commit, branch, pushSignal) => pushCommit(options, gitdir, base, commit, branch, pushSignal),
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
};

/** Apart, so that nothing keeps the pack in memory afterwards. */
const readBase = async (
  file: string,
  base: Base,
  limits: GitHubLimits,
  signal: AbortSignal,
): Promise<{ rootTree: string; files: Map<string, TreeFile> }> => {
  const scanned = await scanPack(await readFile(file), base.commit, limits, signal);
  return { rootTree: scanned.rootTree, files: await listFiles(scanned, limits, signal) };
};

const packPath = 'objects/pack/pack-base.pack';

const save = async (
  pieces: AsyncIterable<Uint8Array>,
  path: string,
  bytesMax: number,
  signal: AbortSignal,
): Promise<void> => {
  await using file = await open(path, 'wx');
  let bytes = 0;
  for await (const piece of pieces) {
    signal.throwIfAborted();
    bytes += piece.byteLength;
    if (bytes > bytesMax) throw beyondLimit(`its pack has more than ${bytesMax} bytes`);
    await file.write(piece);
  }
};
