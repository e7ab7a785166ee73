import { spawn } from 'node:child_process';
import { type Problem, problem, workspace } from './workspace.ts';

/** Hidden files count (a repository has many), .git does not, and what .gitignore names does not either. */
const common = ['--hidden', '--glob', '!.git', '--no-messages', '--color', 'never', '--sort', 'path'];

const wordLettersMax = 30_000;
const bytesMax = 64 << 20;
/** The server waits a minute for an answer. */
const patienceMs = 30_000;
/** For what only helps to tell why nothing was found. */
export const hintMs = 3000;

/** `isCut`: it was stopped before it was done; `isLate`: since it took too long. */
export type Found = { isCut: boolean; isLate: boolean };

export const tooLate = problem(
  `Nothing was found within ${patienceMs / 1000} s, and not all was looked at: narrow it with path.`,
);

/**
 * Gives every item that ripgrep prints, in the order of the paths, to `take`, until that says false. It runs in the
 * workspace, and is stopped when it takes too long.
 */
export const ripgrep = (
  args: readonly string[],
  separator: string,
  take: (item: string) => boolean,
  timeoutMs = patienceMs,
): Promise<Found | Problem> =>
  new Promise((resolve) => {
    // Node throws instead of starting a program with a NUL among its words, or with too many.
    if (args.some((word) => word.includes('\0') || word.length > wordLettersMax)) {
      return resolve(problem('There is a NUL in what is looked for, or it is too long: leave it out.'));
    }
    const child = spawn('rg', [...common, ...args], { cwd: workspace, stdio: ['ignore', 'pipe', 'pipe'] });
    let rest = '';
    let bytes = 0;
    let errors = '';
    let taken = 0;
    let isCut = false;
    let isLate = false;
    const stop = () => {
      isCut = true;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(() => {
      isLate = true;
      stop();
    }, timeoutMs);
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      if (isCut) return;
      const pieces = (rest + chunk).split(separator);
      rest = pieces.pop() ?? '';
      taken += pieces.length;
      bytes += chunk.length;
      if (!pieces.every(take) || bytes > bytesMax) stop();
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      errors = (errors + chunk).slice(0, 2000);
    });
    child.once('error', (error) => {
      clearTimeout(timer);
      resolve(problem(`ripgrep could not be started: ${error.message}. Use bash (find, grep).`));
    });
    child.once('close', (exitCode) => {
      clearTimeout(timer);
      // 0: found, 1: nothing found, null: stopped by us, 2: an error, though other files may have matched.
      if (exitCode === 2 && taken === 0) return resolve(problem(errors.trim()));
      resolve({ isCut, isLate });
    });
  });
