import path from 'node:path';
import { hintMs, ripgrep } from './ripgrep.ts';

const similarMax = 3;
const filesMax = 50_000;

/** What a wrong path most often meant: the same name elsewhere, another extension, a slip of the pen. */
export const similarFiles = async (filepath: string): Promise<string[]> =>
  mostLike(filepath, await allFiles());

/** Directories with the same name elsewhere, or with one that is nearly the same. */
export const similarDirectories = async (directory: string): Promise<string[]> => {
  const directories = new Set<string>();
  for (const file of await allFiles()) {
    for (
      let parent = path.dirname(file);
      parent !== '.' && !directories.has(parent);
      parent = path.dirname(parent)
    ) {
      directories.add(parent);
    }
  }
  return mostLike(directory.replace(/\/+$/, ''), [...directories].sort());
};

const allFiles = async (): Promise<string[]> => {
  const files: string[] = [];
  const take = (file: string) => files.push(file.replace(/^\.\//, '')) < filesMax;
  await ripgrep(['--files', '--null', '--', '.'], '\0', take, hintMs);
  return files;
};

const mostLike = (wanted: string, paths: readonly string[]): string[] =>
  paths
    .map((candidate) => ({ candidate, difference: differenceOf(wanted, candidate) }))
    .filter(({ difference }) => difference !== undefined)
    .sort((a, b) => (a.difference ?? 0) - (b.difference ?? 0))
    .slice(0, similarMax)
    .map(({ candidate }) => candidate);

/** 0 for the same name; undefined when the names have nothing to do with each other. */
const differenceOf = (wanted: string, candidate: string): number | undefined => {
  const [a, b] = [path.basename(wanted).toLowerCase(), path.basename(candidate).toLowerCase()];
  if (a === b) return 0;
  const stem = a.replace(/\.\w+$/, '');
  if (stem !== '' && b.startsWith(`${stem}.`)) return 1;
  const mistypedMax = a.length < 5 ? 1 : 2;
  if (Math.abs(a.length - b.length) > mistypedMax || a[0] !== b[0]) return undefined;
  const mistyped = editDistance(a, b);
  return mistyped <= mistypedMax ? 1 + mistyped : undefined;
};

/** How many letters were left out, put in, replaced, or swapped with their neighbour. */
const editDistance = (a: string, b: string): number => {
  const rows = [Array.from({ length: b.length + 1 }, (_, index) => index)];
  const at = (i: number, j: number) => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwapped ? at(i - 2, j - 2) + 1 : replaced;
      row.push(Math.min(replaced, swapped, at(i - 1, j) + 1, at(i, j - 1) + 1));
    }
  }
  return at(a.length, b.length);
};
