import type { TreeFile } from '../../domain/repository.ts';

/** The base commit’s files by their paths, as far as exploring looks at them. */
export type BaseFiles = ReadonlyMap<string, TreeFile>;

/** Whether a file of this path is there: a symlink or a submodule is none, since what it leads to is not the base’s. */
export const isFile = (files: BaseFiles, path: string): boolean => {
  const mode = files.get(path)?.mode;
  return mode === '100644' || mode === '100755';
};
