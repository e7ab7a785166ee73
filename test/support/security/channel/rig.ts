import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { requireDocker } from '../../docker.ts';
import { containersOf } from '../../sandboxes.ts';
import type { Behaviour, Outcome } from './behaviour.ts';
import type { VictimSettings } from './victim.ts';

/** What is seen of the process from outside. */
export type Watched = {
  /** By how much it has grown at most since the attack began. */
  grownBytes: number;
  /** The longest that /healthz took to answer, the question included that has no answer yet. */
  healthMs: number;
  /** What it wrote to its stderr: warnings, and why it ended. */
  said: string;
};

export type Attack = {
  /** Rejects when the process ends, or the neighbour comes to harm. */
  outcome: Promise<Outcome>;
  /** Since the attack began. */
  watched(): Watched;
};

/** A process with sandboxes, and an eye on it. */
export type Rig = AsyncDisposable & {
  rssBytes(): number;
  attack(behaviour: Behaviour): Attack;
};

export const startRig = async (settings: Omit<VictimSettings, 'serverId'>): Promise<Rig> => {
  const docker = await requireDocker();
  const serverId = `test-${randomUUID()}`;
  const child = fork(
    path.join(import.meta.dirname, 'victim.ts'),
    [JSON.stringify({ ...settings, serverId })],
    {
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    },
  );
  const ended = once(child, 'exit');
  let said = '';
  child.stderr?.on('data', (chunk) => {
    said += chunk;
  });
  const port = await readyPort(child, () => said);
  const attacks = openAttacks(child, () => said);
  const watched = watch(child, `http://127.0.0.1:${port}/healthz`);

  return {
    rssBytes: () => rssOf(child),
    attack(behaviour) {
      const view = watched.open();
      const outcome = attacks.start(behaviour).finally(view.close);
      return { outcome, watched: () => ({ ...view.seen(), said }) };
    },
    async [Symbol.asyncDispose]() {
      watched.stop();
      if (child.connected) child.disconnect();
      child.kill('SIGKILL');
      await ended;
      for (const id of await containersOf(docker, serverId))
        await docker
          .getContainer(id)
          .remove({ force: true })
          .catch(() => {});
    },
  };
};

const readyPort = async (child: ChildProcess, said: () => string): Promise<number> => {
  const ready = once(child, 'message') as Promise<[{ port: number }]>;
  const gone = once(child, 'exit').then(() => {
    throw new Error(`The process did not start: ${said()}`);
  });
  const [{ port }] = await Promise.race([ready, gone]);
  return port;
};

type Answer = { id: number; outcome?: Outcome; failed?: string };

const openAttacks = (child: ChildProcess, said: () => string) => {
  const waiting = new Map<number, PromiseWithResolvers<Outcome>>();
  let last = 0;
  child.on('message', ({ id, outcome, failed }: Answer) => {
    if (outcome) waiting.get(id)?.resolve(outcome);
    else waiting.get(id)?.reject(new Error(failed));
    waiting.delete(id);
  });
  const gone = () => new Error(`The process has ended: ${said()}`);
  child.once('exit', () => {
    for (const { reject } of waiting.values()) reject(gone());
  });
  return {
    start(behaviour: Behaviour): Promise<Outcome> {
      if (child.exitCode !== null || child.signalCode !== null) return Promise.reject(gone());
      last += 1;
      const outcome = Promise.withResolvers<Outcome>();
      waiting.set(last, outcome);
      child.send({ id: last, behaviour });
      return outcome.promise;
    },
  };
};

type View = { rssMax: number; healthMs: number };

/** Looks again and again how large the process is, and how soon it answers, for everybody who has a view open. */
const watch = (child: ChildProcess, healthUrl: string) => {
  const pauseMs = 25;
  const views = new Set<View>();
  let stopped = false;
  let askedAt = performance.now();
  const sizes = setInterval(() => {
    for (const view of views) view.rssMax = Math.max(view.rssMax, rssOf(child));
  }, pauseMs);
  const ask = async () => {
    while (!stopped) {
      askedAt = performance.now();
      // When the process is gone the attack says so.
      const answered = await fetch(healthUrl).then(
        (response) => response.text(),
        () => 'gone',
      );
      if (answered === 'gone') return;
      for (const view of views) view.healthMs = Math.max(view.healthMs, performance.now() - askedAt);
      await sleep(pauseMs);
    }
  };
  void ask();
  return {
    open() {
      const before = rssOf(child);
      const view: View = { rssMax: before, healthMs: 0 };
      views.add(view);
      return {
        // With the question that has no answer yet.
        seen: () => ({
          grownBytes: view.rssMax - before,
          healthMs: Math.max(view.healthMs, performance.now() - askedAt),
        }),
        close: () => void views.delete(view),
      };
    },
    stop() {
      stopped = true;
      clearInterval(sizes);
    },
  };
};

/** 0 when there is no such process any more. */
const rssOf = ({ pid }: ChildProcess): number => {
  try {
    return 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
};
