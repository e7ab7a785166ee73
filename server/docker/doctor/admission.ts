import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../domain/errors.ts';
import type { Log } from '../../domain/log.ts';
import type { Sandbox, Sandboxes } from '../../domain/sandbox.ts';
import type { Check } from '../readiness.ts';
import type { Finding } from './finding.ts';

export type AdmissionOptions = {
  examine: (signal: AbortSignal) => Promise<Finding[]>;
  /** An examination that takes longer has failed. */
  examineMs: number;
  /** After one that failed. */
  againMs: number;
  log: Log;
};

/** Whether this host may run jobs. Disposed, it looks no more. */
export type Admission = AsyncDisposable & {
  /** For `/readyz`. */
  check(): Check;
  /** Throws `sandbox_unavailable` with what is wrong, when the last examination has failed. */
  refuseWhenFailed(): void;
  /** Resolves at once, but for a host whose last examination has failed: then when one has passed. */
  untilAdmitted(signal: AbortSignal): Promise<void>;
  /** The same sandboxes, handed out only once an examination has passed. */
  guard(sandboxes: Sandboxes): Sandboxes;
};

/** Examines the host at the start, and again until it has passed once: a host that is not sealed runs no job. */
export const startAdmission = ({ examine, examineMs, againMs, log }: AdmissionOptions): Admission => {
  const stopping = new AbortController();
  /** The first examination has ended, whichever way. */
  const examined = Promise.withResolvers<void>();
  const passed = Promise.withResolvers<void>();
  let state: 'not yet examined' | 'passed' | readonly Finding[] = 'not yet examined';

  const look = async () => {
    const findings = await examine(AbortSignal.any([stopping.signal, AbortSignal.timeout(examineMs)]));
    const failed = findings.filter(({ ok }) => !ok);
    if (stopping.signal.aborted) return;
    if (failed.length === 0) {
      state = 'passed';
      passed.resolve();
      log.info({ findings: findings.length }, 'the host has passed the doctor’s examination');
      return;
    }
    state = failed;
    log.error({ failed }, 'this host runs no job: the doctor’s examination has failed');
  };
  const lookUntilPassed = async () => {
    for (;;) {
      await look();
      examined.resolve();
      if (state === 'passed') return;
      await sleep(againMs, undefined, { signal: stopping.signal });
    }
  };
  // Only the stop ends it otherwise.
  const looking = lookUntilPassed().catch(() => {});

  const refuseWhenFailed = () => {
    if (typeof state === 'string') return;
    const what = state.map(({ name, detail }) => `${name} (${detail})`).join(', ');
    throw new AppError(
      'sandbox_unavailable',
      `This host has not passed the examination of its sandboxes: ${what}.`,
      {
        whatToDo: 'Run «npm run doctor» on the server: it says how to mend each.',
      },
    );
  };

  return {
    check: () => {
      const detail = typeof state === 'string' ? state : state.map(({ name }) => name).join(', ');
      return { name: 'examination', ok: state === 'passed', detail };
    },
    refuseWhenFailed,
    async untilAdmitted(signal) {
      signal.throwIfAborted();
      if (typeof state === 'string') return;
      await Promise.race([passed.promise, once(signal, 'abort')]);
      signal.throwIfAborted();
    },
    guard: (sandboxes) => {
      const admitted = async (sandbox: Sandbox, signal: AbortSignal): Promise<Sandbox> => {
        try {
          await Promise.race([examined.promise, once(signal, 'abort')]);
          signal.throwIfAborted();
          refuseWhenFailed();
          return sandbox;
        } catch (error) {
          await sandbox[Symbol.asyncDispose]();
          throw error;
        }
      };
      return {
        image: sandboxes.image,
        async acquire(jobId, signal, image) {
          refuseWhenFailed();
          return admitted(await sandboxes.acquire(jobId, signal, image), signal);
        },
        async reattach(containerId, signal) {
          refuseWhenFailed();
          const sandbox = await sandboxes.reattach(containerId, signal);
          return sandbox && admitted(sandbox, signal);
        },
      };
    },
    async [Symbol.asyncDispose]() {
      stopping.abort(new Error('The server stops.'));
      await looking;
    },
  };
};
