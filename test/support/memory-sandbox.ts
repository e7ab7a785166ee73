import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { AgentSandbox } from '../../server/agent/tools/create-tools.ts';
import type { ExecRequest, ExecResult, MadeEdit } from '../../server/domain/sandbox.ts';

/** A command's end; what is not said is the ordinary: no output, exit code 0, 40 ms. */
type CommandEnd = Partial<ExecResult>;

export type MemorySandbox = AgentSandbox & {
  workspace: Map<string, string>;
  /** Every command that was asked for, with its limits. */
  asked: ExecRequest[];
};

/**
 * A workspace in a map, for tests of what stands above the sandbox. `sleep 600` runs until it is aborted; any other
 * command must be among `commands`. Answers and messages have the toolbox's shape.
 */
export const createMemorySandbox = (
  contents: Record<string, string> = {},
  commands: Record<string, CommandEnd | (() => CommandEnd)> = {},
): MemorySandbox => {
  const workspace = new Map(Object.entries(contents));
  const asked: ExecRequest[] = [];
  const missing = (filepath: string) =>
    ({ ok: false, message: `No file at ${filepath}. Use list to see what is there.` }) as const;
  const below = (directory = '.', glob = '**') =>
    [...workspace.keys()]
      .filter((file) => directory === '.' || file.startsWith(`${directory}/`))
      .filter((file) => path.matchesGlob(file, glob))
      .sort();

  return {
    workspace,
    asked,
    exec: async (request, signal) => {
      signal.throwIfAborted();
      asked.push(request);
      if (request.command === 'sleep 600') await abortOf(signal);
      const end = typeof request.command === 'string' ? commands[request.command] : undefined;
      const unknown = { output: `bash: ${request.command}: command not found\n`, exitCode: 127 };
      const ordinary = {
        output: '',
        exitCode: 0,
        durationMs: 40,
        timedOut: false,
        bytesLeftOut: 0,
        outputFile: null,
      };
      return { ...ordinary, ...(typeof end === 'function' ? end() : (end ?? unknown)) };
    },
    read: async ({ filepath, offset = 1, limit, bytesMax }) => {
      const content = workspace.get(filepath);
      if (content === undefined) return missing(filepath);
      const lines = linesOf(content);
      const wanted = lines.slice(offset - 1, limit === undefined ? undefined : offset - 1 + limit);
      const chosen = wanted.filter(
        (_, index) => Buffer.byteLength(wanted.slice(0, index + 1).join('\n')) < bytesMax,
      );
      if (chosen.length === 0 && wanted[0] !== undefined) chosen.push(wanted[0].slice(0, bytesMax));
      const toLine = offset - 1 + chosen.length;
      return { ok: true, content: chosen.join('\n'), fromLine: offset, toLine, totalLines: lines.length };
    },
    write: async ({ filepath, content }) => {
      if (workspace.has(path.dirname(filepath))) {
        return { ok: false, message: `${filepath} could not be written: not a directory.` };
      }
      workspace.set(filepath, content);
      return { ok: true, lines: linesOf(content).length };
    },
    edit: async ({ filepath, edits }) => {
      const before = workspace.get(filepath);
      if (before === undefined) return missing(filepath);
      let content = before;
      const made: MadeEdit[] = [];
      for (const [edit, { old_str, new_str, replace_all }] of edits.entries()) {
        const parts: string[] = content.split(old_str);
        if (parts.length === 1) return { ok: false, message: `old_str is not in ${filepath}.`, edit };
        if (parts.length > 2 && !replace_all) {
          return { ok: false, message: `old_str is in ${filepath} more than once.`, edit };
        }
        content = parts.join(new_str);
        made.push({ line: parts[0]?.split('\n').length ?? 0, places: parts.length - 1 });
      }
      workspace.set(filepath, content);
      return { ok: true, edits: made };
    },
    list: async ({ path: directory, glob, filesMax }) => {
      const paths = below(directory, glob);
      if (paths.length === 0 && directory !== undefined && glob === undefined) {
        return { ok: false, message: `There is no directory ${directory}.` };
      }
      return { ok: true, paths: paths.slice(0, filesMax), more: paths.length > filesMax };
    },
    search: async ({ pattern, path: directory, glob, matchesMax }) => {
      if (pattern === '(') return { ok: false, message: 'regex parse error: unclosed group' };
      const matches = below(directory, glob).flatMap((file) =>
        linesOf(workspace.get(file) ?? '').flatMap((text, index) =>
          new RegExp(pattern).test(text) ? [{ path: file, line: index + 1, text }] : [],
        ),
      );
      return { ok: true, matches: matches.slice(0, matchesMax), more: matches.length > matchesMax };
    },
  };
};

const linesOf = (content: string): string[] => {
  const lines = content.split('\n');
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
};

/** A rejection with the signal's reason, as every port does it. */
const abortOf = async (signal: AbortSignal): Promise<void> => {
  await delay(600_000, undefined, { signal, ref: false }).catch(() => {});
  signal.throwIfAborted();
};
