import type { Sandbox } from '../../../server/domain/sandbox.ts';
import { summarize, timed } from '../measure.ts';
import { quantity } from '../report.ts';

const traceFile = '/home/backspace/trace';

/** Where a clone’s time goes, by git’s own trace and by how the pack passes. Tracing itself takes a little, too. */
type Phases = {
  /** Resolves with the milliseconds of the clone. */
  trace(sandbox: Sandbox, clone: (sandbox: Sandbox) => Promise<void>, signal: AbortSignal): Promise<number>;
  describe(): string[];
};

type Phase = { name: string; ms: number };

export const createPhases = (): Phases => {
  const found = new Map<string, number[]>();
  return {
    async trace(sandbox, clone, signal) {
      const passed: Phase[] = [];
      const ms = await timed(() => clone(watched(sandbox, passed)));
      const commands = spansOf(await traceOf(sandbox, signal));
      const gitMs = commands.reduce((sum, span) => sum + (span.depth === 0 ? span.ms : 0), 0);
      const whole = { name: 'the step', ms };
      const rest = { name: '  the rest: exec, shell, starts of these programs', ms: ms - gitMs };
      for (const phase of [whole, ...commands, rest, ...passed]) {
        found.set(phase.name, [...(found.get(phase.name) ?? []), phase.ms]);
      }
      return ms;
    },
    describe() {
      const lines = [...found].map(
        ([name, samples]) => `  ${quantity(summarize(samples).p50, 'ms').padStart(8)}  ${name}`,
      );
      return [`Where the time goes, p50 of clones with a trace, which count nowhere else:`, ...lines];
    },
  };
};

/** The same sandbox, whose git writes a trace and whose pack is timed. */
const watched = (sandbox: Sandbox, passed: Phase[]): Sandbox => ({
  ...sandbox,
  exec: ({ stdin, ...request }, ...rest) => {
    const traced = { ...request, env: { ...request.env, GIT_TRACE2_EVENT: traceFile } };
    return sandbox.exec(stdin ? { ...traced, stdin: timedPieces(stdin, passed) } : traced, ...rest);
  },
});

async function* timedPieces(pieces: AsyncIterable<Uint8Array>, passed: Phase[]): AsyncGenerator<Uint8Array> {
  const asked = performance.now();
  let began: number | undefined;
  for await (const piece of pieces) {
    began ??= performance.now();
    yield piece;
  }
  began ??= performance.now();
  passed.push({ name: 'the pack passes the server: until the first byte', ms: began - asked });
  passed.push({
    name: 'the pack passes the server: from there to the last byte',
    ms: performance.now() - began,
  });
}

const traceOf = async (sandbox: Sandbox, signal: AbortSignal): Promise<string> => {
  const request = { command: ['cat', traceFile], timeoutMs: 10_000, outputBytesMax: 1 << 20 };
  return (await sandbox.exec(request, signal)).output;
};

/** What is used of it: git-scm.com/docs/api-trace2, «The Event Format Target». `t_abs` and `t_rel` are in seconds. */
type TraceEvent = {
  event: string;
  /** The ids of the process’s parents, then its own, with slashes between them. */
  sid: string;
  time: string;
  name?: string;
  argv?: string[];
  child_id?: number;
  category?: string;
  label?: string;
  t_abs?: number;
  t_rel?: number;
};

/** Each git command of the step, the programs that it started, and what has a progress bar; in the order they began. */
const spansOf = (trace: string): (Phase & { depth: number })[] => {
  const names = new Map<string, string>();
  const spans: (Phase & { depth: number; began: number })[] = [];
  for (const line of trace.trim().split('\n')) {
    const event = JSON.parse(line) as TraceEvent;
    const { sid, child_id: child, t_abs: sinceStart = 0, t_rel: duration = 0 } = event;
    const isOfStep = !sid.includes('/');
    const add = (depth: number, name: string | undefined, seconds: number) => {
      const ms = seconds * 1000;
      if (ms < briefMs) return;
      spans.push({ name: `${'  '.repeat(depth + 1)}${name}`, depth, ms, began: Date.parse(event.time) - ms });
    };
    if (event.event === 'cmd_name') names.set(sid, event.name ?? '');
    if (event.event === 'child_start') names.set(`${sid} ${child}`, commandOf(event.argv ?? []));
    if (event.event === 'exit' && isOfStep) add(0, `git ${names.get(sid)}`, sinceStart);
    if (event.event === 'child_exit' && isOfStep) add(1, names.get(`${sid} ${child}`), duration);
    if (event.event === 'region_leave' && event.category === 'progress') add(2, event.label, duration);
  }
  return spans.sort((one, other) => one.began - other.began || other.ms - one.ms);
};

const briefMs = 5;

/** `git --shallow-file … index-pack --stdin` is «index-pack». */
const commandOf = (argv: readonly string[]): string =>
  argv.slice(1).find((word) => /^[a-z][a-z-]+$/.test(word)) ?? argv.join(' ');
