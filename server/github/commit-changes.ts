import fs from 'node:fs';
import git from 'isomorphic-git';
import type { ChangedFile } from '../domain/changeset.ts';
import { AppError } from '../domain/errors.ts';
import type { CommitIdentity } from '../domain/github.ts';
import type { Base } from '../domain/repository.ts';
import { directoryMode, nameProblem, parseTree, renderTree, type TreeEntry } from './tree.ts';

type CommitStore = { gitdir: string; base: Base; rootTree: string; depthMax: number };

/** Writes blobs, the trees of touched directories and the commit. The same input gives the same id. */
export const commitChanges = async (
  store: CommitStore,
  changes: readonly ChangedFile[],
  message: string,
  { name, email, timestamp }: CommitIdentity,
): Promise<string> => {
  const { gitdir, base } = store;
  const tree = await writeChangedTree(store, changes);
  const author = { name, email, timestamp, timezoneOffset: 0 };
  return git.writeCommit({
    fs,
    gitdir,
    commit: { tree, parent: [base.commit], author, committer: author, message },
  });
};

/** The same without the commit: the id of its root tree. */
export const writeChangedTree = async (
  store: CommitStore,
  changes: readonly ChangedFile[],
): Promise<string> => {
  const root: Directory = { files: new Map(), directories: new Map() };
  for (const change of changes) place(root, change, store.depthMax);
  return (await writeDirectory(store, store.rootTree, root, {})) ?? emptyTree;
};

/** The changes below one directory. */
type Directory = { files: Map<string, ChangedFile>; directories: Map<string, Directory> };

/** Its id is the same everywhere; git knows it without storing it. */
const emptyTree = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

const place = (root: Directory, change: ChangedFile, depthMax: number): void => {
  const names = change.path.split('/');
  if (names.length > depthMax) throw changeRefused(change.path, `is nested more than ${depthMax} deep`);
  for (const name of names) {
    const problem = nameProblem(name);
    if (problem !== undefined) throw changeRefused(change.path, `has a name that ${problem}`);
  }
  const filename = names.pop() ?? '';
  let directory = root;
  for (const name of names) {
    const next = directory.directories.get(name) ?? { files: new Map(), directories: new Map() };
    directory.directories.set(name, next);
    directory = next;
  }
  if (directory.files.has(filename)) throw changeRefused(change.path, 'is there twice');
  directory.files.set(filename, change);
};

/** Answers the id of the directory's new tree; undefined when nothing is left in it, because git has no empty ones. */
const writeDirectory = async (
  store: CommitStore,
  treeId: string | undefined,
  changes: Directory,
  cache: object,
): Promise<string | undefined> => {
  const entries = await readEntries(store, treeId, cache);
  for (const [name, change] of changes.files) {
    const before = entries.get(name);
    if (change.status !== 'deleted') {
      entries.set(name, entry(name, change.mode, await writeBlob(store, change.content), before));
    } else if (before?.mode !== directoryMode) entries.delete(name);
  }
  for (const [name, below] of changes.directories) {
    const before = entries.get(name);
    const isDirectory = before?.mode === directoryMode;
    const id = await writeDirectory(store, isDirectory ? before.id : undefined, below, cache);
    if (id !== undefined) {
      const file = changes.files.get(name);
      if (file !== undefined && file.status !== 'deleted')
        throw changeRefused(file.path, 'is a file and a directory');
      entries.set(name, entry(name, directoryMode, id, before));
    } else if (isDirectory) entries.delete(name);
  }
  if (entries.size === 0) return undefined;
  const object = renderTree(entries.values());
  return git.writeObject({ fs, gitdir: store.gitdir, type: 'tree', object, format: 'content' });
};

const readEntries = async (
  { gitdir }: CommitStore,
  treeId: string | undefined,
  cache: object,
): Promise<Map<string, TreeEntry>> => {
  if (treeId === undefined) return new Map();
  const { object } = await git.readObject({ fs, gitdir, oid: treeId, format: 'content', cache });
  // format «content» gives bytes for every type; its union also has the parsed forms.
  const tree = Buffer.from(object as Uint8Array);
  return new Map([...parseTree(tree)].map((item) => [item.name, item]));
};

/** Keeps the bytes of a name that is there already, which need not be UTF-8. */
const entry = (name: string, mode: string, id: string, before: TreeEntry | undefined): TreeEntry => ({
  mode,
  name,
  bytes: before?.bytes ?? Buffer.from(name),
  id,
});

const writeBlob = ({ gitdir }: CommitStore, content: Uint8Array): Promise<string> =>
  git.writeBlob({ fs, gitdir, blob: content });

const changeRefused = (path: string, why: string): AppError =>
  new AppError('changeset_refused', `The changed path ${JSON.stringify(path)} ${why}.`);
