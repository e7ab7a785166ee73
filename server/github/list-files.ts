import type { FileMode, TreeFile } from '../domain/repository.ts';
import type { GitHubLimits } from './options.ts';
import { beyondLimit, createBreather, refused, type ScannedPack } from './scan-pack.ts';
import { directoryMode, nameProblem, parseTree, type TreeEntry } from './tree.ts';

type TreeLimits = Pick<GitHubLimits, 'treeDepthMax' | 'basePathsMax'>;

/**
 * Every file of the base commit. Trees that share subtrees can name billions of files with a few kilobytes, so every
 * entry on the way counts, files and directories alike.
 */
export const listFiles = async (
  pack: ScannedPack,
  limits: TreeLimits,
  signal: AbortSignal,
): Promise<Map<string, TreeFile>> => {
  const files = new Map<string, TreeFile>();
  const breathe = createBreather(signal);
  const waiting: Directory[] = [{ id: pack.rootTree, prefix: '', depth: 1 }];
  let entries = 0;
  let pathLengths = 0;
  for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
    const { prefix, depth } = directory;
    if (depth > limits.treeDepthMax)
      throw beyondLimit(`it is nested more than ${limits.treeDepthMax} directories deep`);
    const names = new Set<string>();
    for (const { mode, name, id } of readTree(pack, directory)) {
      const path = prefix + checkedName(name, prefix, names);
      entries += 1;
      pathLengths += path.length;
      if (entries > limits.basePathsMax) throw beyondLimit(`it has more than ${limits.basePathsMax} paths`);
      if (pathLengths > limits.basePathsMax * averagePathLengthMax)
        throw beyondLimit('its paths are too long');
      if (mode === directoryMode) waiting.push({ id, prefix: `${path}/`, depth: depth + 1 });
      else files.set(path, { mode: checkedMode(mode, path), blobId: id });
    }
    await breathe();
  }
  return files;
};

type Directory = { id: string; prefix: string; depth: number };

/** Long names on a deep path would fill the memory with few entries. Large repositories are between 60 and 100. */
const averagePathLengthMax = 200;

const readTree = (pack: ScannedPack, { id, prefix }: Directory): Iterable<TreeEntry> => {
  const tree = pack.tree(id);
  if (tree === undefined) throw refused(`the tree of «/${prefix}» is missing`);
  try {
    return [...parseTree(tree)];
  } catch (error) {
    throw refused(`the tree of «/${prefix}» is malformed`, error);
  }
};

const checkedName = (name: string, prefix: string, names: Set<string>): string => {
  const problem = nameProblem(name);
  if (problem !== undefined) throw refused(`the name ${JSON.stringify(name)} in «/${prefix}» ${problem}`);
  if (names.has(name)) throw refused(`two entries of «/${prefix}» have the name ${JSON.stringify(name)}`);
  names.add(name);
  return name;
};

const checkedMode = (mode: string, path: string): FileMode => {
  switch (mode) {
    case '100644':
    case '100755':
    case '120000':
    case '160000':
      return mode;
  }
  throw refused(`the mode ${mode} of ${JSON.stringify(path)} is none of git’s`);
};
