import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { requireDocker } from '../support/docker.ts';
import { agent } from './agent/agent.ts';
import { liveSettings, needsKey } from './agent/settings.ts';
import { readTasks } from './agent/tasks.ts';
import { describeMachine, machineLine } from './machine.ts';
import { judge, present, type Section } from './report.ts';
import { acquire } from './sandbox/acquire.ts';
import { clone } from './sandbox/clone.ts';
import { fifty } from './sandbox/fifty.ts';
import { memory } from './sandbox/memory.ts';
import { toolCalls } from './sandbox/tool-calls.ts';
import { transfer } from './sandbox/transfer.ts';
import { watchers } from './streams/watchers.ts';

/**
 * `npm run bench -- [NAME…] [--rounds N] [--json FILE]`: what the design promises, measured beside its baselines in
 * the same rounds, and what a live model makes of the tasks for an agent, each of which is a bench by its name, too.
 * A missed target or an unsolved task is a result and no failure: only a bench that could not be run ends with 1.
 */

/** `rounds` says how often everything is measured; more on a machine with noise. */
export type Bench = (rounds: number, signal: AbortSignal) => Promise<Section>;

/** A name picks one of them, the word before the slash all that begin with it. */
const benches: Readonly<Record<string, Bench>> = {
  'sandbox/tool-calls': toolCalls,
  'sandbox/acquire': acquire,
  'sandbox/transfer': transfer,
  'sandbox/clone': clone,
  'sandbox/memory': memory,
  'sandbox/fifty': fifty,
  'streams/watchers': watchers,
};

const main = async (): Promise<boolean> => {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { rounds: { type: 'string', default: '3' }, json: { type: 'string' } },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) return refuse('--rounds must be a whole number from 1 on.');
  const tasks = await readTasks();
  const names = [...Object.keys(benches), ...tasks.map(({ name }) => `agent/${name}`)];
  const named = (name: string) => names.filter((full) => full === name || full.startsWith(`${name}/`));
  const unknown = positionals.filter((name) => named(name).length === 0);
  if (unknown.length > 0) return refuse(`There is no bench ${unknown.join(', ')}.\n${listOf(names)}`);
  const chosen = new Set(positionals.length > 0 ? positionals.flatMap(named) : names);
  const chosenTasks = tasks.filter(({ name }) => chosen.has(`agent/${name}`));
  const live = liveSettings();
  const isAskedFor = positionals.length > 0 && chosenTasks.length > 0;
  if (isAskedFor && !live) return refuse(needsKey);
  const { finished, failed, machine } = await run(chosen, rounds);
  const attempted =
    live && chosenTasks.length > 0
      ? await attempt('agent', failed, () => agent(chosenTasks, live, stopping.signal, say))
      : undefined;
  if (attempted) {
    failed.push(...attempted.failed);
    say(attempted.text);
  } else if (!live && chosenTasks.length > 0) say(`agent was left out. ${needsKey}\n`);
  if (values.json !== undefined) {
    const sections = finished.map(({ name, section }) => ({
      ...{ name, title: section.title, about: section.about.replaceAll('\n', ' ') },
      ...{ rows: section.rows.map(judge), notes: section.notes },
    }));
    const found = { machine, rounds, sections, ...(attempted && { agent: attempted.json }), failed };
    await writeFile(values.json, `${JSON.stringify(found, null, 2)}\n`);
  }
  return failed.length === 0;
};

const run = async (chosen: ReadonlySet<string>, rounds: number) => {
  const machine = await describeMachine(await requireDocker());
  say(`${machineLine(machine)}\n${rounds} rounds; p99 of fewer than 100 samples is the slowest of them\n`);
  const finished: { name: string; section: Section }[] = [];
  const failed: Failed[] = [];
  for (const name of chosen) {
    const section = await attempt(name, failed, async () => benches[name]?.(rounds, stopping.signal));
    if (section === undefined) continue;
    finished.push({ name, section });
    say(present(section));
  }
  return { machine, finished, failed };
};

type Failed = { name: string; message: string };

/** What could not be run is told and remembered, and the next one begins. */
const attempt = async <T>(
  name: string,
  failed: Failed[],
  bench: () => Promise<T>,
): Promise<T | undefined> => {
  try {
    return await bench();
  } catch (error) {
    stopping.signal.throwIfAborted();
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    failed.push({ name, message });
    say(`${name} could not be run: ${message}\n`);
    return undefined;
  }
};

const listOf = (names: readonly string[]): string => {
  const groups = new Set(names.map((name) => name.split('/')[0]));
  return `There are ${[...groups, ...names].join(', ')}.`;
};

const refuse = (why: string): false => {
  process.stderr.write(`${why}\n`);
  return false;
};

const say = (text: string) => process.stdout.write(`${text}\n`);

/** So that the containers go, too, when somebody has seen enough. */
const stopping = new AbortController();
process.once('SIGINT', () => stopping.abort(new Error('The bench was stopped.')));

const isDone = await main().catch((error: unknown) => {
  if (error !== stopping.signal.reason) throw error;
  return refuse('The bench was stopped.');
});
process.exitCode = isDone ? 0 : 1;
