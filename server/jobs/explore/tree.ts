import { isForeign } from './places.ts';
import { shown } from './shown.ts';

const treeBytesMax = 6_000;
const depthMax = 4;
/** Of one directory; a directory with more of them is rarely read by name. */
const entriesMax = 40;

type Directory = { directories: Map<string, Directory>; files: string[]; count: number };
type Line = { text: string; depth: number; inside?: Directory; children?: Line[] };

/**
 * Directories with the number of files in them, and files, indented by depth. It goes as deep everywhere as fits the size:
 * the first level is told before any of the second, and the largest directories of a level come last.
 */
export const drawTree = (paths: Iterable<string>): string => {
  const root = grow(paths);
  const lines = fitting(linesOf(root, 0));
  let bytes = sizeOf(lines);
  for (let level = lines.filter(canOpen); level.length > 0; ) {
    const next: Line[] = [];
    for (const line of level.toSorted((a, b) => entryCount(a) - entryCount(b))) {
      if (!line.inside) continue;
      const children = linesOf(line.inside, line.depth + 1);
      if (bytes + sizeOf(children) > treeBytesMax) continue;
      bytes += sizeOf(children);
      line.children = children;
      next.push(...children.filter(canOpen));
    }
    level = next;
  }
  return draw(lines).join('\n');
};

const grow = (paths: Iterable<string>): Directory => {
  const root = empty();
  for (const path of paths) {
    const names = path.split('/');
    const file = names.pop() ?? '';
    let at = root;
    at.count += 1;
    for (const name of names) {
      const below = at.directories.get(name) ?? empty();
      at.directories.set(name, below);
      at = below;
      at.count += 1;
    }
    at.files.push(file);
  }
  return root;
};

const empty = (): Directory => ({ directories: new Map(), files: [], count: 0 });

/** What one directory holds: first the directories, of which each with nothing but one other is joined with that one. */
const linesOf = (directory: Directory, depth: number): Line[] => {
  const directories = [...directory.directories].sort(byName).map(([name, below]): Line => {
    const [joined, inside] = isForeign(name) ? [name, below] : join(name, below);
    const text = `${shown(joined)}/ (${filesText(inside.count)})`;
    return isForeign(name) ? { text, depth } : { text, depth, inside };
  });
  const files = directory.files.toSorted(byName).map((name): Line => ({ text: shown(name), depth }));
  const all = [...directories, ...files];
  if (all.length <= entriesMax) return all;
  const kept = all.slice(0, entriesMax - 1);
  return [...kept, { text: `… ${all.length - kept.length} more`, depth }];
};

const join = (name: string, directory: Directory): [string, Directory] => {
  const [only, ...others] = directory.directories;
  if (only === undefined || others.length > 0 || directory.files.length > 0 || isForeign(only[0])) {
    return [name, directory];
  }
  // Not by recursion: a repository may have thousands of directories, one in the other.
  let [joined, at] = [`${name}/${only[0]}`, only[1]];
  for (;;) {
    const [next, ...more] = at.directories;
    if (next === undefined || more.length > 0 || at.files.length > 0 || isForeign(next[0]))
      return [joined, at];
    if (joined.length < 2 * treeBytesMax) joined += `/${next[0]}`;
    at = next[1];
  }
};

const byName = <Named extends string | [string, unknown]>(a: Named, b: Named): number => {
  const [left, right] = [typeof a === 'string' ? a : a[0], typeof b === 'string' ? b : b[0]];
  return left < right ? -1 : Number(left > right);
};

/** Names may be long, even of the first level, which is told in any case. */
const fitting = (lines: readonly Line[]): Line[] => {
  let bytes = 0;
  return lines.filter((line) => {
    bytes += sizeOf([line]);
    return bytes <= treeBytesMax;
  });
};

const canOpen = ({ inside, depth }: Line): boolean => inside !== undefined && depth + 1 < depthMax;
const entryCount = ({ inside }: Line): number => (inside ? inside.directories.size + inside.files.length : 0);
const sizeOf = (lines: readonly Line[]): number =>
  lines.reduce((sum, { text, depth }) => sum + Buffer.byteLength(text) + 2 * depth + 1, 0);
const draw = (lines: readonly Line[]): string[] =>
  lines.flatMap(({ text, depth, children = [] }) => [`${'  '.repeat(depth)}${text}`, ...draw(children)]);
const filesText = (count: number): string => (count === 1 ? '1 file' : `${count} files`);
