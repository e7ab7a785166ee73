import fs from 'node:fs';
import { similarFiles } from './similar.ts';
import { type Problem, problem, resolvePath } from './workspace.ts';

/**
 * Files are read and written synchronously: inside gVisor each of Node's asynchronous file operations costs a third of
 * a millisecond for its way through the thread pool, and an operation itself a tenth of that.
 */

export const fileBytesMax = 32 << 20;

/** A file's bytes, or why there are none and how to go on. */
export const loadFile = async (filepath: string): Promise<Buffer | Problem> => {
  const file = resolvePath(filepath);
  try {
    const stat = fs.statSync(file);
    if (stat.isDirectory()) return problem(`${filepath} is a directory: use list to see what is in it.`);
    if (!stat.isFile()) return problem(`${filepath} is not a regular file.`);
    if (stat.size > fileBytesMax) {
      return problem(
        `${filepath} has ${stat.size} bytes, more than can be taken at once: use bash (head, sed -n, rg).`,
      );
    }
    return fs.readFileSync(file);
  } catch (error) {
    if (!isMissing(error)) return problem(`${filepath} cannot be read: ${reasonOf(error)}.`);
    const similar = await similarFiles(filepath);
    const hint =
      similar.length > 0 ? ` Did you mean ${similar.join(' or ')}?` : ' Use list to see what is there.';
    return problem(`No file at ${filepath}.${hint}`);
  }
};

/** Why a file could not be written, and how to go on. */
export const notWritten = (filepath: string, error: unknown): Problem => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const advice = writeAdvice[code];
  return problem(
    `${filepath} could not be written: ${reasonOf(error)}.${advice === undefined ? '' : ` ${advice}`}`,
  );
};

const writeAdvice: Record<string, string> = {
  EISDIR: 'That is a directory: name the file in it.',
  ENOTDIR: 'A part of that path is a file: choose another path, or look with list.',
  EROFS: 'Only the workspace, the home directory and /tmp can be written.',
  EACCES: 'Only the workspace, the home directory and /tmp can be written; bash (ls -l) shows who may.',
  ENOSPC: 'The disk is full: remove what is not needed with bash (du, rm), then try again.',
  ENAMETOOLONG: 'Choose a shorter name.',
};

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
