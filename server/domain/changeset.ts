import { isTakenFor, visibleName } from './file-name.ts';
import type { LeftOut } from './job-event.ts';
import { createLeftoverRule } from './leftovers/leftovers.ts';
import { parentsOf } from './paths.ts';
import type { TreeFile } from './repository.ts';

/** A file of the workspace as the toolbox lists it. */
export type WorkspaceFile = TreeFile & { path: string /** content length in bytes */; size: number };

export type ChangedFile =
  | { status: 'added' | 'modified'; path: string; mode: '100644' | '100755' | '120000'; content: Uint8Array }
  | { status: 'deleted'; path: string };

/** The validated list of changed paths, modes and contents that becomes the commit. */
export type Changeset = { files: readonly ChangedFile[]; leftOut: readonly LeftOut[] };

/** What differs from the base, before any content was fetched. */
export type Difference = {
  changed: readonly (WorkspaceFile & { status: 'added' | 'modified' })[];
  deleted: readonly string[];
  leftOut: readonly LeftOut[];
};

/**
 * Compares what is in the workspace with the base commit's files. Only paths, modes and blob ids count: whatever the
 * agent did to the sandbox's git index, branches or configuration is of no consequence. What the agent only made for
 * itself is left out, unless the prompt names it.
 */
export const compareWithBase = (
  base: ReadonlyMap<string, TreeFile>,
  listed: readonly WorkspaceFile[],
  prompt: string,
): Difference => {
  const workspace = listed.filter(({ path }) => !isDeep(path));
  const { changed: all, deleted } = differencesFromBase(base, workspace);
  const leftovers = leftoversOf(all, { base, workspace, prompt });
  const changed = all.filter(({ path }) => !leftovers.has(path));
  const refused = [...changed.map(({ path }) => path), ...deleted].flatMap((path) => {
    const reason = reasonToLeaveOut(path, base);
    return reason ? [{ path, reason }] : [];
  });
  const isRefused = new Set(refused.map(({ path }) => path));
  const kept = keptDirectories(base, isRefused);
  const inTheWay = changed.flatMap(({ path }) =>
    kept.has(path) && !isRefused.has(path)
      ? [{ path, reason: 'files below it are not changed by the agent' }]
      : [],
  );
  for (const { path } of inTheWay) isRefused.add(path);
  return {
    changed: changed.filter(({ path }) => !isRefused.has(path)),
    deleted: deleted.filter((path) => !isRefused.has(path)),
    leftOut: firstOf([...refused, ...inTheWay, ...deep(listed), ...told(leftovers)]),
  };
};

/** Of new files only: what the base has, the agent may change and delete. */
const leftoversOf = (
  changed: Difference['changed'],
  { base, workspace, prompt }: { base: Base; workspace: readonly WorkspaceFile[]; prompt: string },
): ReadonlyMap<string, LeftOut> => {
  const leftover = createLeftoverRule({ base, workspace: workspace.map(({ path }) => path), prompt });
  return new Map(
    changed.flatMap(({ path, status }) => {
      const why =
        status === 'added' && reasonToLeaveOut(path, base) === undefined ? leftover(path) : undefined;
      return why ? [[path, why]] : [];
    }),
  );
};

/** A directory once, however much is in it. */
const told = (leftovers: ReadonlyMap<string, LeftOut>): readonly LeftOut[] => [
  ...new Map([...leftovers.values()].map((leftOut) => [leftOut.path, leftOut])).values(),
];

type Base = ReadonlyMap<string, TreeFile>;

/** The same without the rules of a commit: all that a checkpoint can put into another workspace. */
export const restorableDifferences = (
  base: ReadonlyMap<string, TreeFile>,
  listed: readonly WorkspaceFile[],
): Omit<Difference, 'leftOut'> => {
  const workspace = listed.filter(({ path }) => !isDeep(path));
  const { changed, deleted } = differencesFromBase(base, workspace);
  return { changed: changed.filter(({ path }) => pathProblem(path) === undefined), deleted };
};

/** As deep as a base may be. A path of two thousand directories takes a second to be looked at from each of them. */
const directoriesMax = 64;

const isDeep = (path: string): boolean => path.split('/', directoriesMax + 2).length > directoriesMax + 1;

const deep = (listed: readonly WorkspaceFile[]): readonly LeftOut[] =>
  listed
    .filter(({ path }) => isDeep(path))
    .map(({ path }) => ({ path, reason: `it lies more than ${directoriesMax} directories deep` }));

/**
 * Nothing lies below a file or a link. A listing that says so comes from no workspace: what it tells of the lower place is
 * not there, or it would be written through the link, and what the base has there would go without being told.
 */
const differencesFromBase = (
  base: ReadonlyMap<string, TreeFile>,
  workspace: readonly WorkspaceFile[],
): Omit<Difference, 'leftOut'> => {
  const present = new Set(workspace.map(({ path }) => path));
  const isBelow = (files: ReadonlySet<string>, path: string) =>
    files.size > 0 && parentsOf(path).some((parent) => files.has(parent));
  const changed = workspace.flatMap((file) => {
    const before = base.get(file.path);
    if (before?.blobId === file.blobId && before.mode === file.mode) return [];
    if (isBelow(present, file.path)) return [];
    return [{ ...file, status: before ? ('modified' as const) : ('added' as const) }];
  });
  const added = new Set(changed.flatMap(({ status, path }) => (status === 'added' ? [path] : [])));
  // A submodule's directory is empty in the workspace, since submodules are not fetched: that is no deletion.
  const deleted = [...base].flatMap(([path, { mode }]) =>
    mode === submodule || (present.has(path) && !isBelow(added, path)) ? [] : [path],
  );
  return { changed, deleted };
};

/** What was left out is told in events and in the pull request, where nobody reads thousands of paths. */
const leftOutMax = 50;

const firstOf = (leftOut: readonly LeftOut[]): readonly LeftOut[] => {
  const more = leftOut.length - leftOutMax;
  if (more <= 0) return leftOut;
  return [...leftOut.slice(0, leftOutMax), { path: '…', reason: `and ${more} more` }];
};

/** A file in the place of one of these directories would delete what must stay. */
const keptDirectories = (
  base: ReadonlyMap<string, TreeFile>,
  isRefused: ReadonlySet<string>,
): ReadonlySet<string> => {
  const kept = [...base].filter(([path, { mode }]) => mode === submodule || isRefused.has(path));
  return new Set(kept.flatMap(([path]) => parentsOf(path)));
};

const submodule = '160000';

/** Workflows run with the repository's secrets: an agent's text must not get there unseen. */
const isWorkflow = (path: string): boolean => {
  const [top = '', below = ''] = path.split('/');
  return isTakenFor('.github', top) && (isTakenFor('workflows', below) || isTakenFor('actions', below));
};

const reasonToLeaveOut = (path: string, base: ReadonlyMap<string, TreeFile>): string | undefined => {
  if (isWorkflow(path)) return 'workflows and actions are not changed by the agent';
  const problem = pathProblem(path);
  if (problem) return problem;
  if ([...parentsOf(path), path].some((place) => base.get(place)?.mode === submodule)) {
    return 'it lies in a submodule';
  }
  return undefined;
};

const pathProblem = (path: string): string | undefined => {
  const parts = path.split('/');
  if (parts.some((part) => ['', '.', '..'].includes(visibleName(part)) || isTakenFor('.git', part))) {
    return 'not a path that a commit may hold';
  }
  // U+FFFD stands for the bytes that are not UTF-8, and they cannot be known from it.
  return path.includes('\ufffd') ? 'its name is not UTF-8' : undefined;
};
