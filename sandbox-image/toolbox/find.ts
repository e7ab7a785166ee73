import fs from 'node:fs';
import path from 'node:path';
import { createPathFilter, narrowing, type PathFilter } from './glob.ts';
import { hintMs, ripgrep, tooLate } from './ripgrep.ts';
import { similarDirectories } from './similar.ts';
import { type Problem, problem, resolvePath, workspace } from './workspace.ts';

/**
 * Where to look: a path from the workspace ('' for all of it), which files there are meant, and ripgrep's options that
 * leave out some of the others.
 */
export type Where = { directory: string; isMeant: PathFilter; narrowing: readonly string[] };

type ListRequest = { path?: string; glob?: string; depth?: number; filesMax: number };

export const listFiles = async (request: ListRequest): Promise<object> => {
  const where = await whereOf(request);
  if ('ok' in where) return where;
  const entries = new Map<string, number>();
  const found = await eachFile(where, [], (file) => {
    const entry = atDepth(file, where.directory, request.depth);
    entries.set(entry, (entries.get(entry) ?? 0) + 1);
    return entries.size <= request.filesMax;
  });
  if ('ok' in found) return found;
  if (entries.size === 0 && found.isLate) return tooLate;
  if (entries.size === 0)
    return { ok: true, paths: [], more: found.isCut, hint: await whyNoFiles(request, where) };
  const paths = [...entries].map(([entry, files]) =>
    entry.endsWith('/') ? `${entry} (${inFiles(files)})` : entry,
  );
  return { ok: true, paths: paths.slice(0, request.filesMax), more: found.isCut };
};

const inFiles = (files: number): string => (files === 1 ? '1 file' : `${files} files`);

/** The file, or the directory that stands for it when it is deeper than asked for. */
const atDepth = (file: string, directory: string, depth: number | undefined): string => {
  if (depth === undefined) return file;
  const above = directory === '' || !file.startsWith(`${directory}/`) ? 0 : directory.split('/').length;
  const parts = file.split('/');
  return parts.length - above <= depth ? file : `${parts.slice(0, above + depth).join('/')}/`;
};

/** Which place and files a request means; a problem when there is no such place, or the glob is none. */
export const whereOf = async ({
  path: at,
  glob,
}: {
  path?: string;
  glob?: string;
}): Promise<Where | Problem> => {
  if (at?.includes('\0')) return problem('There is a NUL in the path: leave it out.');
  const directory = at === undefined ? '' : path.relative(workspace, resolvePath(at));
  if (at !== undefined && !fs.existsSync(resolvePath(at))) {
    const similar = await similarDirectories(at);
    const advice =
      similar.length > 0
        ? `Did you mean ${similar.join(' or ')}?`
        : 'Use list without path to see what is there.';
    return problem(`No such file or directory: ${at}. ${advice}`);
  }
  const isMeant = createPathFilter(glob, directory);
  if (typeof isMeant !== 'function') return problem(`The glob ${isMeant.globProblem}: mend it.`);
  return { directory, isMeant, narrowing: narrowing(glob) };
};

const eachFile = (
  where: Where,
  options: readonly string[],
  take: (file: string) => boolean,
  timeoutMs?: number,
) => {
  const takeMeant = (item: string): boolean => {
    const file = tidy(item);
    return where.isMeant(file) ? take(file) : true;
  };
  const args = ['--files', '--null', ...where.narrowing, ...options, '--', where.directory || '.'];
  return ripgrep(args, '\0', takeMeant, timeoutMs);
};

export const tidy = (file: string): string => file.replace(/^\.\//, '');

const anyFile = async (where: Where, options: readonly string[] = []): Promise<string | undefined> => {
  let any: string | undefined;
  const takeOne = (file: string) => {
    any = file;
    return false;
  };
  await eachFile(where, options, takeOne, hintMs);
  return any;
};

/** In words for the model; undefined when there are files. */
export const whyNoFiles = async (
  { path: at, glob }: { path?: string; glob?: string },
  where: Where,
): Promise<string | undefined> => {
  if ((await anyFile(where)) !== undefined) return undefined;
  const ignored = await anyFile(where, ['--no-ignore']);
  if (ignored !== undefined)
    return `only files that .gitignore names, such as ${ignored}: see them with bash (ls, find)`;
  const place = at === undefined ? 'the workspace' : at;
  const inPlace = await anyFile({ ...where, isMeant: () => true, narrowing: [] });
  if (inPlace === undefined) return `there are no files in ${place}`;
  const elsewhere = await whereOf({ ...(glob !== undefined && { glob }) });
  const other = 'ok' in elsewhere ? undefined : await anyFile(elsewhere);
  const hint = other === undefined ? `the first file there is ${inPlace}` : `elsewhere there is ${other}`;
  return `no file in ${place} fits ${glob}; ${hint}`;
};
