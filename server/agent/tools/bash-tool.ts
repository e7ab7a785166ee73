import { stripVTControlCharacters } from 'node:util';
import { z } from 'zod';
import type { ExecResult, Sandbox } from '../../domain/sandbox.ts';
import type { Tool } from '../../domain/tool.ts';
import type { AgentLimits } from '../limits.ts';
import { tellOutput } from './command-output.ts';
import { defineTool } from './define-tool.ts';

type CommandLimits = Pick<AgentLimits, 'commandMs' | 'commandMsMax' | 'outputBytesMax' | 'time'>;

const commandCharactersMax = 100_000;

export const createBashTool = (sandbox: Pick<Sandbox, 'exec'>, limits: CommandLimits): Tool => {
  const secondsMax = Math.floor(limits.commandMsMax / 1000);
  return defineTool({
    name: 'bash',
    description:
      'Runs a command in a bash that is kept: its directory and its exported variables are there in the next call. ' +
      'It begins in the workspace; nothing can be typed into it. You get stdout and stderr together, then the exit ' +
      'code. A process left in the background (& with its output in a file) goes on until the job ends.',
    input: z.strictObject({
      command: z.string().min(1).max(commandCharactersMax),
      timeoutSeconds: z
        .number()
        .positive()
        .max(secondsMax)
        .optional()
        .describe(`the command is stopped after this time; ${inSeconds(limits.commandMs)} without it`),
    }),
    run: async ({ command, timeoutSeconds }, callId, signal, emit) => {
      const wantedMs = timeoutSeconds === undefined ? limits.commandMs : Math.ceil(timeoutSeconds * 1000);
      const timeoutMs = Math.min(wantedMs, msLeft(limits));
      const request = { command, timeoutMs, outputBytesMax: limits.outputBytesMax };
      const live = tellOutput(callId, emit);
      const result = await sandbox.exec(request, signal, live.add).finally(live.end);
      const { output, exitCode, durationMs } = result;
      const failure = failureOf(result, timeoutMs, secondsMax);
      const end = failure ?? `[exit code ${exitCode}, ${inSeconds(durationMs)}]`;
      const content = [...outputFor(output), ...leftOut(result), end].join('\n');
      const fact = { type: 'Tool: Bash', command, output, exitCode, durationMs, callId } as const;
      return failure === undefined
        ? { content, isError: false, fact }
        : { content, isError: true, fact: { ...fact, error: failure } };
    },
  });
};

/**
 * A command that outlasts the agent's time would take from what comes after it, and one that begins before its end is
 * near leaves the model time to come to an end. A short look stays possible.
 */
const msLeft = ({ time }: CommandLimits): number => {
  if (time === undefined) return Number.POSITIVE_INFINITY;
  const half = (time.nearAt + time.endAt) / 2;
  const now = Date.now();
  return Math.max(1000, Math.ceil((now < half ? half : time.endAt) - now));
};

/** An exit code is a result, whatever it is: only a command that did not come to its end has failed. */
const failureOf = (result: ExecResult, timeoutMs: number, secondsMax: number): string | undefined => {
  if (result.timedOut) {
    const advice = `run less at once, give a larger timeoutSeconds (at most ${secondsMax}), or run it in the background with its output in a file`;
    return `[stopped, with everything that it started: it ran longer than ${inSeconds(timeoutMs)}; ${advice}]`;
  }
  if (result.exitCode === null) {
    const advice = 'if it took too much memory, run less at once; look at what it has done before you go on';
    return `[killed by a signal after ${inSeconds(result.durationMs)}; ${advice}]`;
  }
  return undefined;
};

const leftOut = ({ bytesLeftOut, outputFile }: ExecResult): string[] => {
  if (bytesLeftOut === 0) return [];
  const advice = outputFile
    ? `the whole output is in ${outputFile}: read or search parts of it`
    : 'use head, tail or rg, or put the output into a file and read parts of it';
  return [`[${bytesLeftOut} bytes in the middle were left out; ${advice}]`];
};

/** What a terminal would show at the end: no colours, and of a progress line only its last state. */
const outputFor = (output: string): string[] => {
  const lines = stripVTControlCharacters(output).trimEnd().split('\n');
  const shown = lines.map((line) => {
    const ended = line.replace(/\r+$/, '');
    return ended.slice(ended.lastIndexOf('\r') + 1);
  });
  return shown.length === 1 && shown[0] === '' ? [] : shown;
};

const inSeconds = (ms: number): string => `${Number((ms / 1000).toFixed(ms < 100 ? 2 : 1))} s`;
