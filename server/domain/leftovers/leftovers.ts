import { baseName, directoryOf } from '../paths.ts';
import { productOf, waysTo } from './directories.ts';
import { lockFileReason } from './lock-files.ts';

/** Why a new path is not committed; `path` is what a person is told, one directory instead of all that is in it. */
export type Leftover = { path: string; reason: string };

/** Where a job's new files stand: all that is in the workspace, all that the base has, and what was asked for. */
export type Surroundings = {
  base: { has(path: string): boolean; keys(): Iterable<string> };
  workspace: readonly string[];
  prompt: string;
};

/**
 * What an agent makes on its way and nobody has asked for: installed packages, caches, build output, logs, scratch. Only
 * paths are known here, so a rule holds where the path leaves no doubt, and never where the base has such files itself.
 */
export const createLeftoverRule = (around: Surroundings): ((path: string) => Leftover | undefined) => {
  const isNamed = namedIn(around.prompt);
  const product = productOf(around);
  const isUsual = createUsual(around.base);
  const lockFile = lockFileReason(around);
  return (path) => {
    const name = baseName(path);
    if (isNamed(path)) return undefined;
    const within = product(path);
    if (within !== undefined) return within;
    if (isNamed(name)) return undefined;
    const isAtRoot = name === path;
    const kind = kinds.find((each) => each.name.test(name) && (isAtRoot || !each.onlyAtRoot));
    if (kind !== undefined && !isUsual(path, kind.name) && !kind.unlessBelow?.test(path)) {
      return { path, reason: kind.reason };
    }
    const reason = lockFile(path);
    return reason === undefined ? undefined : { path, reason };
  };
};

type Kind = { name: RegExp; reason: string; onlyAtRoot?: true; unlessBelow?: RegExp };

const kinds: readonly Kind[] = [
  {
    name: /\.(?:o|obj|a|so|so\.\d[\d.]*|dylib|class|rlib|rmeta|beam|pyd)$|^a\.out$/i,
    reason: 'compiled code',
  },
  { name: /\.py[co]$/i, reason: 'a cache' },
  {
    name: /^(?:\.eslintcache|\.stylelintcache|\.prettiercache|\.coverage(?:\..+)?|coverage\.out|lcov\.info)$|\.tsbuildinfo$|\.(?:gcda|gcno|profraw|profdata)$/i,
    reason: 'what a tool keeps for itself',
  },
  { name: /\.log(?:\.\d+)?$|^(?:nohup\.out)$/i, reason: 'a log' },
  {
    name: /\.(?:heapsnapshot|cpuprofile|pprof|pid)$|^(?:core|vgcore)\.\d+$/i,
    reason: 'the trace of a process',
  },
  { name: /^core$/, reason: 'the trace of a process', onlyAtRoot: true },
  { name: /\.(?:patch|diff)$/i, reason: 'a patch', unlessBelow: /(?:^|\/)patch(?:es)?\//i },
  { name: /\.(?:orig|rej|bak)$/i, reason: 'left by a patch or an editor' },
  {
    name: /^\.DS_Store$|^Thumbs\.db$|^desktop\.ini$|\.sw[op]$|.~$|^\.#|^#.*#$/i,
    reason: 'left by an editor or the system',
  },
  { name: /^\.(?:python|bash|node_repl|irb|psql|sqlite)_history$/, reason: 'left by a shell' },
  { name: /^(?:scratch|(?:scratch|tmp|temp)[._-].*)$/i, reason: 'scratch', onlyAtRoot: true },
  { name: /.\.te?mp$/i, reason: 'scratch' },
];

/** Whether the base has files of this kind in the directory or in one above it, up to the root: there they belong. */
const createUsual = (base: Surroundings['base']) => {
  const directoriesByKind = new Map<RegExp, Set<string>>();
  const directoriesWith = (name: RegExp): Set<string> => {
    const known = directoriesByKind.get(name);
    if (known !== undefined) return known;
    const directories = new Set<string>();
    for (const path of base.keys()) {
      if (name.test(baseName(path))) directories.add(directoryOf(path));
    }
    directoriesByKind.set(name, directories);
    return directories;
  };
  return (path: string, name: RegExp): boolean => {
    const directories = directoriesWith(name);
    return directories.size > 0 && ['', ...waysTo(path)].some((directory) => directories.has(directory));
  };
};

/** Whether the text speaks of exactly this file: what the request asks for is no leftover. */
export const namedIn = (spoken: string) => {
  const text = spoken.toLowerCase();
  return (name: string): boolean => {
    const wanted = name.toLowerCase();
    for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
      const before = text[at - 1] ?? ' ';
      const after = text.slice(at + wanted.length);
      if (!/[\w.-]/.test(before) && !/^(?:[\w-]|\.\w)/.test(after)) return true;
    }
    return false;
  };
};
