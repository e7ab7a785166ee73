import { execFileSync } from 'node:child_process';
import type { ForgeRepository } from './forge/forge.ts';

/** A commit on the default branch of what `git update-index` makes of the last one. */
export const commitIndex = async (repository: ForgeRepository, args: string[], input = ''): Promise<void> => {
  await repository.git('read-tree', 'HEAD');
  execFileSync('git', ['-C', repository.directory, 'update-index', ...args], { input });
  const tree = await repository.git('write-tree');
  const identity = ['-c', 'user.name=Forge', '-c', 'user.email=forge@example.com'];
  const commit = await repository.git(...identity, 'commit-tree', '-p', 'HEAD', '-m', 'More', tree);
  await repository.git('update-ref', 'HEAD', commit);
};
