import { setTimeout as sleep } from 'node:timers/promises';
import { resultFact } from '../../support/jobs.ts';
import { startSource } from '../../support/streams/events-source.ts';
import type { Bench } from '../bench.ts';
import { interleave, timed } from '../measure.ts';
import { openAudience, stamp } from './audience-process.ts';
import { startBareProcess } from './bare-process.ts';
import { useOf } from './process-use.ts';

const jobCount = 20;
const audience = { watchers: 1000, stalled: 100 };
const live = audience.watchers - audience.stalled;
const perSecond = 8;
const seconds = 6;
/** After everybody has come, and before memory is read. */
const settleMs = 3000;
/** About what a short answer of a model or the output of a test has. */
const textBytes = 400;

/** A server of streams with running jobs. */
type Site = {
  url: string;
  pid: number;
  jobIds: readonly string[];
  tell(index: number): Promise<unknown>;
  end(): Promise<unknown>;
};

/** A thousand readers of one server, against a program that does nothing but write the same to as many. */
export const watchers: Bench = async (rounds, signal) => {
  const ours = new Figures();
  const bare = new Figures();
  const lags = await interleave(
    rounds,
    {
      ours: async () => {
        await using source = await startSource(jobCount);
        const { server, jobs, ids: jobIds, end } = source;
        const tell = async (index: number) => jobs[index]?.append(textOf());
        const site = { url: server.url, pid: Number(server.process.pid), jobIds, tell, end };
        return await measure(site, ours, signal);
      },
      bare: async () => {
        await using process = await startBareProcess();
        return await measure(bareSite(process), bare, signal);
      },
    },
    signal,
  );
  const against = (samples: readonly number[]) => ({ name: 'bare, from memory', samples });
  return {
    title: `${audience.watchers} watchers of the event streams`,
    about: `Of ${jobCount} running jobs on one server process with PostgreSQL, ${audience.stalled} of them stalled; each job tells ${perSecond} events of ${textBytes} bytes
a second for ${seconds} s. The lag is from the call that stores an event, storing included, to its arrival at each reader, a
process of its own. Against a bare node:http server that writes the same bytes from memory to as many readers, and
stores nothing. Memory is the server process’s resident set, ${settleMs / 1000} s after all came and at the end, less what it was before:`,
    rows: [
      { name: 'lag', unit: 'ms', ours: lags.ours, baseline: against(lags.bare), target: { p99Max: 100 } },
      {
        ...{ name: 'lag', unit: 'ms', ours: lags.ours },
        baseline: { name: 'storing alone', samples: ours.storingMs },
      },
      {
        ...{ name: 'memory per reader, waiting', unit: 'KB', ours: ours.waitingKilobytes },
        ...{ baseline: against(bare.waitingKilobytes), target: { p50Max: 50 } },
      },
      {
        ...{ name: 'memory per reader, after the events', unit: 'KB', ours: ours.busyKilobytes },
        ...{ baseline: against(bare.busyKilobytes), target: { p50Max: 50 } },
      },
      {
        ...{ name: 'processor per delivered event', unit: 'µs', ours: ours.processorMicroseconds },
        baseline: against(bare.processorMicroseconds),
      },
    ],
    notes: [`${lags.ours.length} events were delivered, ${lags.bare.length} by the bare server.`],
  };
};

/** What is measured once in each round. */
class Figures {
  storingMs: number[] = [];
  waitingKilobytes: number[] = [];
  busyKilobytes: number[] = [];
  processorMicroseconds: number[] = [];
}

const textOf = () => ({ type: 'AI Message', message: stamp().padEnd(textBytes, 'x') }) as const;

const bareSite = ({ url, pid, send, end }: Awaited<ReturnType<typeof startBareProcess>>): Site => {
  const jobIds = Array.from({ length: jobCount }, (_, n) => `job-${n}`);
  const numbers = jobIds.map(() => 0);
  const tellFact = async (index: number, fact: object) => {
    const number = (numbers[index] ?? 0) + 1;
    numbers[index] = number;
    const data = JSON.stringify({ ...fact, at: new Date().toISOString() });
    send(String(jobIds[index]), `id: ${number}\ndata: ${data}\n\n`);
  };
  return {
    ...{ url, pid, jobIds, tell: (index) => tellFact(index, textOf()) },
    async end() {
      for (const [index, jobId] of jobIds.entries()) {
        await tellFact(index, resultFact('succeeded'));
        end(jobId);
      }
    },
  };
};

const measure = async (site: Site, figures: Figures, signal: AbortSignal): Promise<number[]> => {
  await sleep(settleMs, undefined, { signal });
  const before = await useOf(site.pid);
  await using readers = await openAudience({ url: site.url, jobIds: site.jobIds, ...audience });
  await sleep(settleMs, undefined, { signal });
  const waiting = await useOf(site.pid);
  await Promise.all(
    site.jobIds.map((_, index) =>
      tellEvenly(async () => {
        figures.storingMs.push(await timed(() => site.tell(index)));
      }, signal),
    ),
  );
  await sleep(1000, undefined, { signal });
  const { lagsMs, faults } = await readers.take();
  const busy = await useOf(site.pid);
  await site.end();
  const expected = live * perSecond * seconds;
  if (faults.length > 0 || lagsMs.length !== expected) {
    throw new Error(`${lagsMs.length} of ${expected} events came. ${faults.slice(0, 3).join(', ')}`);
  }
  const perReader = (use: { rssKilobytes: number }) =>
    (use.rssKilobytes - before.rssKilobytes) / audience.watchers;
  figures.waitingKilobytes.push(perReader(waiting));
  figures.busyKilobytes.push(perReader(busy));
  figures.processorMicroseconds.push(((busy.processorMs - waiting.processorMs) * 1000) / lagsMs.length);
  return lagsMs;
};

/** At a steady rate, each job beginning at another moment of its first interval. */
const tellEvenly = async (tell: () => Promise<unknown>, signal: AbortSignal): Promise<void> => {
  const everyMs = 1000 / perSecond;
  const started = performance.now() + Math.random() * everyMs;
  for (let n = 0; n < perSecond * seconds; n += 1) {
    await sleep(Math.max(0, started + n * everyMs - performance.now()), undefined, { signal });
    await tell();
  }
};
