import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { commandEnvironment } from './environment.ts';
import { workspace } from './workspace.ts';

export type CommandEnd = { exitCode: number | null; signal: string | null; problem?: string };

/** One bash process that runs commands one after the other: shell.sh is its half of the conversation. */
export type Bash = {
  pid: number | undefined;
  hasEnded(): boolean;
  /** `state` is text that makes another bash stand where this one does; undefined when it ended without a word. */
  run(
    request: { callId: string; before: string; command: string },
    onOutput: (bytes: Buffer) => void,
  ): Promise<{ end: CommandEnd; state: string | undefined }>;
};

export const startBash = (): Bash => {
  // By eval, so that errors begin with «bash: line 1», as people and models know them, and not with a path of ours.
  const child = spawn('bash', ['-c', 'eval "$(<"$1")"', 'bash', path.join(import.meta.dirname, 'shell.sh')], {
    cwd: workspace,
    env: commandEnvironment,
    stdio: ['ignore', 'pipe', 'ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const processEnd = endOf(child);
  // Without descriptors or processes left there are no pipes either.
  if (!child.stdio?.[4])
    return { pid: undefined, hasEnded: () => true, run: async () => neverStarted(processEnd) };
  const [, stdout, , commands, reports] = child.stdio as [null, Readable, null, Writable, Readable];
  let ended = false;
  void processEnd.then(() => {
    ended = true;
  });
  // A shell that is gone cannot be written to; its end says all.
  commands.on('error', () => {});
  const listener = createListener(stdout, reports);

  return {
    pid: child.pid,
    hasEnded: () => ended,
    async run({ callId, before, command }, onOutput) {
      const handed = handOver(command, callId);
      if (handed === undefined) return { end: noRoom, state: undefined };
      const { text, remove } = handed;
      const reported = listener.listen(callId, onOutput);
      commands.write(`${callId}\0${before}\0${text}\0`);
      try {
        const first = await Promise.race([reported, processEnd]);
        if ('which' in first && first.which === 'done') {
          return { end: { exitCode: first.exitCode, signal: null }, state: first.state };
        }
        // What is left in the pipes may hold the report; a background process may keep them open for ever.
        const end = await processEnd;
        const report = await Promise.race([reported, drained()]);
        return report
          ? { end: { ...end, exitCode: end.signal ? null : report.exitCode }, state: report.state }
          : { end, state: undefined };
      } finally {
        listener.leave();
        remove();
      }
    },
  };
};

const endOf = (child: ChildProcess): Promise<CommandEnd> =>
  new Promise((resolve) => {
    child.once('error', ({ message }) => resolve({ exitCode: 126, signal: null, problem: message }));
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
  });

const neverStarted = async (processEnd: Promise<CommandEnd>) => ({ end: await processEnd, state: undefined });

const drained = (): Promise<undefined> => new Promise((resolve) => setTimeout(() => resolve(undefined), 200));

/** bash reads from a pipe byte by byte, so a long command comes as a file; undefined when there is no room for it. */
const handOver = (command: string, callId: string): { text: string; remove: () => void } | undefined => {
  const pipedCharactersMax = 2000;
  if (command.length <= pipedCharactersMax) return { text: command, remove: () => {} };
  const file = path.join(os.tmpdir(), `.backspace-command-${callId}`);
  const remove = () => rmSync(file, { force: true });
  try {
    writeFileSync(file, `${command}\n`);
  } catch {
    remove();
    return undefined;
  }
  return { text: `. '${file}'`, remove };
};

const noRoom: CommandEnd = {
  ...{ exitCode: 126, signal: null, problem: 'The command could not be started: there is no room in /tmp' },
};

type Report = { exitCode: number; which: string; state: string };

/**
 * Tells the output of a command from what comes before and behind it. The end of the output is marked by the call's id
 * between NULs, which a command cannot know of one that is not its own. What a background process prints while no
 * command runs waits for the next one, as in a terminal; only the end of it is kept.
 */
const createListener = (stdout: Readable, reports: Readable) => {
  const betweenBytesMax = 16 << 10;
  let between = Buffer.alloc(0);
  let listening:
    | { mark: Buffer; onOutput: (bytes: Buffer) => void; held: Buffer; atMark: () => void }
    | undefined;
  let atReport: (report: Omit<Report, 'state'> & { state: string }) => void = () => {};

  const keep = (bytes: Buffer) => {
    if (bytes.length > 0) between = Buffer.concat([between, bytes]).subarray(-betweenBytesMax);
  };
  stdout.on('data', (chunk: Buffer) => {
    if (listening === undefined) return keep(chunk);
    const { mark, onOutput, held, atMark } = listening;
    const bytes = held.length > 0 ? Buffer.concat([held, chunk]) : chunk;
    const end = bytes.indexOf(mark);
    // A mark may come in two pieces.
    const whole = end >= 0 ? end : bytes.length - beginningOf(mark, bytes);
    if (whole > 0) onOutput(bytes.subarray(0, whole));
    if (end < 0) {
      listening.held = Buffer.from(bytes.subarray(whole));
      return;
    }
    listening = undefined;
    atMark();
    keep(bytes.subarray(end + mark.length));
  });
  readReports(reports, (report) => atReport(report));

  return {
    /** Resolves when both the report and the mark behind the output have come. */
    async listen(callId: string, onOutput: (bytes: Buffer) => void): Promise<Report> {
      const marked = Promise.withResolvers<void>();
      const reported = Promise.withResolvers<Report>();
      atReport = reported.resolve;
      listening = {
        ...{ mark: Buffer.from(`\0${callId}\0`), onOutput, held: Buffer.alloc(0), atMark: marked.resolve },
      };
      if (between.length > 0) onOutput(between);
      between = Buffer.alloc(0);
      const [report] = await Promise.all([reported.promise, marked.promise]);
      return report;
    },
    leave() {
      if (listening && listening.held.length > 0) listening.onOutput(listening.held);
      listening = undefined;
    },
  };
};

/** How many bytes at the end may be the beginning of the mark. */
const beginningOf = (mark: Buffer, bytes: Buffer): number => {
  const from = bytes.lastIndexOf(0);
  const length = bytes.length - from;
  return from >= 0 && length < mark.length && bytes.subarray(from).equals(mark.subarray(0, length))
    ? length
    : 0;
};

const readReports = (reports: Readable, onReport: (report: Report) => void): void => {
  const reportCharactersMax = 4 << 20;
  let text = '';
  reports.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(0, reportCharactersMax);
    for (;;) {
      const [exitCode, which, directory, variables, ...rest] = text.split('\0');
      if (rest.length === 0) return;
      text = rest.join('\0');
      onReport({
        exitCode: Number(exitCode),
        which: which ?? '',
        state: `${variables}\ncd -- ${quoted(directory ?? '')}`,
      });
    }
  });
};

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
