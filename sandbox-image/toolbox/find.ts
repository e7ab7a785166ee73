import { spawn } from 'node:child_process';
import path from 'node:path';
import { type Problem, problem, workspace } from './workspace.ts';

/** Hidden files count (a repository has many), .git does not, and what .gitignore names does not either. */
const common = ['--hidden', '--glob', '!.git', '--no-messages', '--color', 'never'];

export const listFiles = async (request: {
  path?: string;
  glob?: string;
  filesMax: number;
}): Promise<object> => {
  const args = [
    '--files',
    '--sort',
    'path',
    '--null',
    ...common,
    ...globArgs(request.glob),
    '--',
    ...where(request.path),
  ];
  const found = await ripgrep(args, '\0', request.filesMax + 1);
  if (!Array.isArray(found)) return found;
  return {
    ok: true,
    paths: found.slice(0, request.filesMax).map(tidy),
    more: found.length > request.filesMax,
  };
};

export const searchFiles = async (request: {
  pattern: string;
  path?: string;
  glob?: string;
  matchesMax: number;
}): Promise<object> => {
  const shape = ['--line-number', '--no-heading', '--with-filename', '--null', '--max-columns', '400'];
  const args = [...shape, '--max-columns-preview', '--sort', 'path', ...common, ...globArgs(request.glob)];
  const found = await ripgrep(
    [...args, '--regexp', request.pattern, '--', ...where(request.path)],
    '\n',
    request.matchesMax + 1,
  );
  if (!Array.isArray(found)) return found;
  const matches = found.slice(0, request.matchesMax).flatMap((line) => {
    const [, file, number, text] = /^([^\0]*)\0(\d+):(.*)$/s.exec(line) ?? [];
    return file && number ? [{ path: tidy(file), line: Number(number), text: text ?? '' }] : [];
  });
  return { ok: true, matches, more: found.length > request.matchesMax };
};

/** Files with the same name elsewhere: what a wrong path most often meant. */
export const similarFiles = async (filepath: string): Promise<string[]> => {
  const similarMax = 3;
  const name = path.basename(filepath).replaceAll(/[^\w.-]/g, '?');
  const stem = name.replace(/\.\w+$/, '');
  const args = ['--files', '--null', ...common, '--glob', `**/${name}`, '--glob', `**/${stem}.*`, '--', '.'];
  const found = await ripgrep(args, '\0', similarMax);
  return Array.isArray(found) ? found.map(tidy) : [];
};

const globArgs = (glob: string | undefined): string[] => (glob ? ['--glob', glob] : []);
const where = (directory: string | undefined): string[] => [
  directory && path.resolve(workspace, directory) !== workspace
    ? path.relative(workspace, path.resolve(workspace, directory))
    : '.',
];
const tidy = (file: string): string => file.replace(/^\.\//, '');

const wordLettersMax = 30_000;

/** The first `itemsMax` items that ripgrep prints; it is stopped when there are enough. */
const ripgrep = (args: string[], separator: string, itemsMax: number): Promise<string[] | Problem> =>
  new Promise((resolve) => {
    const bytesMax = 4 << 20;
    // Node throws instead of starting a program with a NUL among its words, or with too many.
    if (args.some((word) => word.includes('\0') || word.length > wordLettersMax)) {
      return resolve(problem('There is a NUL in what is looked for, or it is too long.'));
    }
    const child = spawn('rg', args, { cwd: workspace, stdio: ['ignore', 'pipe', 'pipe'] });
    const items: string[] = [];
    let rest = '';
    let bytes = 0;
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      const pieces = (rest + chunk).split(separator);
      rest = pieces.pop() ?? '';
      items.push(...pieces);
      bytes += chunk.length;
      if (items.length >= itemsMax || bytes > bytesMax) child.kill('SIGKILL');
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      errors = (errors + chunk).slice(0, 2000);
    });
    child.once('error', (error) => resolve(problem(`ripgrep could not be started: ${error.message}`)));
    child.once('close', (exitCode) => {
      // 0: found, 1: nothing found, null: stopped by us, 2: an error, though other files may have matched.
      if (exitCode === 2 && items.length === 0) {
        resolve(problem(errors.trim() || 'Nothing could be searched there: does that path exist?'));
      } else resolve(items.slice(0, itemsMax));
    });
  });
