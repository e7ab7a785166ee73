import { setTimeout as sleep } from 'node:timers/promises';
import { type Guardian, isLoss } from '../agent/guardian.ts';
import type { AgentSandbox } from '../agent/tools/create-tools.ts';
import type { Checkpoint } from '../domain/checkpoint.ts';
import type { Egress } from '../domain/egress.ts';
import { AppError } from '../domain/errors.ts';
import type { BaseRepository } from '../domain/github.ts';
import type { HeldJob } from '../domain/job.ts';
import type { Base } from '../domain/repository.ts';
import type { Sandbox } from '../domain/sandbox.ts';
import { defaultImage } from '../domain/sandbox-image.ts';
import type { SetUp, SetupFile, SetupOutcome } from '../domain/setup.ts';
import type { TranscriptEntry } from '../domain/transcript.ts';
import { acquireSandbox, dispose } from './acquire-sandbox.ts';
import { clone, guarded } from './clone.ts';
import { goesOnElsewhere, type Settings, type Walk } from './ports.ts';
import { keptNews, lossNews, restoredNews } from './sandbox-news.ts';
import { createPreparation } from './setup/preparation.ts';
import { takeCheckpoint } from './take-checkpoint.ts';

/** The sandbox of a job, whichever it is at the moment. */
export type Keeper = AsyncDisposable & {
  /** Does it in the sandbox; when that is lost meanwhile, again in the next one. */
  within<T>(action: (sandbox: Sandbox) => Promise<T>): Promise<T>;
  /** The same for what takes the agent's work: throws `sandbox_lost` when some of it is gone and the agent does not know. */
  withWork<T>(action: (sandbox: Sandbox) => Promise<T>): Promise<T>;
  /** For the agent: each call goes to the sandbox of that moment. */
  sandbox: AgentSandbox;
  guardian(base: BaseRepository): Guardian;
  /** From now on sandboxes are of this image; one of another image is replaced. To be asked before the agent begins. */
  useImage(image: string): Promise<void>;
  /**
   * Sets the sandbox up, and every later one before its checkpoint is restored; one that is kept is not set up twice. To
   * be asked before the agent begins, also where there is no setup: until then no checkpoint is restored.
   */
  prepare(setUp: SetUp | undefined): Promise<SetupOutcome>;
  /** What the setup has made in the sandbox of now, but for what .gitignore hides: no part of the change. */
  madeBySetup(): readonly SetupFile[];
};

/**
 * Takes a sandbox with the base commit in it, and another one whenever it is lost; of a job that is taken up again, the
 * one that it had, if it can be reached. The sandbox goes as soon as the signal aborts, not only when what runs in it has
 * returned; but of a job that goes on elsewhere it stays where it is.
 */
export const keepSandbox = async (
  { held, base, egress }: { held: HeldJob; base: Base; egress: Egress },
  way: Walk,
  settings: Pick<Settings, 'checkpoint' | 'lossesMax'>,
  signal: AbortSignal,
): Promise<Keeper> => {
  const { emit, step } = way;
  const { checkpoints } = held;
  const jobId = held.job.id;
  let current: Sandbox | undefined;
  let losses = held.told.filter(({ type }) => type === 'Sandbox: Lost').length;
  let news: string | undefined;
  /** The checkpoint that the job was taken up with lacks something that the model believes to be there. */
  let isIncomplete = false;
  /** The agent may have changed something that no checkpoint holds. */
  let unsaved = false;
  let isAgentAtWork = false;
  let notSaved = '';
  let last: Checkpoint | undefined;
  let guard: Guardian | undefined;
  let image = held.job.request.image ?? held.known<string>('image') ?? defaultImage;
  const preparation = createPreparation(held, step, signal);
  /** What the sandbox is to be brought to when it is prepared. */
  let pending: Checkpoint | undefined;
  let isTakenUp = false;
  let keptId: string | undefined;

  // Whoever disposes the keeper asks again, and hears of it when it failed.
  const end = () => {
    // What is handed over is saved first, when what ran in it has returned.
    if (!goesOnElsewhere(signal)) void dispose(current).catch(() => {});
  };
  signal.addEventListener('abort', end, { once: true });

  const begin = async (checkpoint: Checkpoint | undefined) => {
    const sandbox = await step('sandbox', () => acquireSandbox(held, image, way, signal));
    current = sandbox;
    if (signal.aborted) end();
    await step('clone', () => clone(sandbox, egress, base, way, signal));
    isTakenUp = false;
    pending = checkpoint;
    // A setup runs at the base: not on what the agent made, and nobody must take up half of it.
    if (preparation.isDecided()) await bringToCheckpoint(sandbox);
    else if (checkpoint === undefined) await keep(sandbox);
  };

  const keep = async ({ id }: Sandbox) => {
    if (keptId !== id) await held.keepSandbox(id);
    keptId = id;
  };

  const bringToCheckpoint = async (sandbox: Sandbox): Promise<SetupOutcome> => {
    const outcome = await preparation.prepare(sandbox);
    const checkpoint = pending;
    if (checkpoint) await step('restore', () => sandbox.restore(checkpoint, signal));
    pending = undefined;
    await keep(sandbox);
    return outcome;
  };

  /** An engine that restarts takes its sandboxes with it, and is back in some seconds: no reason to give a job up. */
  const beginPatiently = async (checkpoint: Checkpoint | undefined) => {
    const until = performance.now() + engineAwayMs;
    for (;;) {
      try {
        return await begin(checkpoint);
      } catch (thrown) {
        const isAway = thrown instanceof AppError && thrown.code === 'sandbox_unavailable';
        if (!isAway || signal.aborted || performance.now() > until) throw thrown;
        way.log.warn(
          { jobId, err: thrown },
          'no sandbox could be started in the place of a lost one: once more',
        );
        await sleep(engineAgainMs, undefined, { signal });
      }
    }
  };

  /** false when the job has none, or it is gone or out of reach. */
  const takeUp = async (containerId: string | undefined): Promise<boolean> => {
    if (containerId === undefined) return false;
    const sandbox = await step('reattach', () => way.sandboxes.reattach(containerId, signal));
    if (sandbox === undefined) return false;
    current = sandbox;
    if (signal.aborted) end();
    way.github.admit(guarded(sandbox, egress), base);
    await held.ownSandbox(containerId);
    await emit({ type: 'Sandbox: Kept', sandbox: sandbox.id.slice(0, 12) });
    // Before the agent said that it was done, all that could be was saved.
    unsaved = !isAtRest(held.earlier);
    isTakenUp = true;
    // A model that was not asked yet knows of no other server.
    if (held.earlier.length > 0) news = keptNews;
    return true;
  };

  const takeUpOrBegin = async () => {
    if (await takeUp(held.sandbox)) return;
    const checkpoint = await checkpoints.load();
    await begin(checkpoint);
    tellRestored(checkpoint);
  };

  /** Of a job that was taken up: the model believes in what it did before. */
  const tellRestored = (checkpoint: Checkpoint | undefined) => {
    unsaved = false;
    if (held.earlier.length === 0) return;
    isIncomplete = checkpoint?.incomplete !== undefined;
    news = restoredNews(checkpoint);
  };

  const heal = async (loss: AppError): Promise<Checkpoint | undefined> => {
    for (let reason = loss; ; ) {
      losses += 1;
      const checkpoint = await checkpoints.load();
      const { files = [], deleted = [] } = checkpoint ?? {};
      const kept = { files: files.length, deletions: deleted.length };
      await emit({ type: 'Sandbox: Lost', reason: reason.message, loss: losses, ...kept });
      // It may be there still, with a toolbox that is not ours any more.
      const lost = current;
      const isGone = await dispose(lost).then(
        () => true,
        (err: unknown) => {
          way.log.warn({ jobId, err }, 'a lost sandbox is still there');
          return false;
        },
      );
      if (losses > settings.lossesMax) throw tooMany(losses, reason);
      try {
        await beginPatiently(checkpoint);
        // The engine answers now; what cannot be removed even so ends by itself.
        if (!isGone) await dispose(lost).catch(() => {});
        return checkpoint;
      } catch (thrown) {
        if (!isLoss(thrown, signal)) throw thrown;
        reason = thrown;
      }
    }
  };

  const within = async <T>(action: (sandbox: Sandbox) => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await action(here());
      } catch (thrown) {
        // What the agent has changed and no checkpoint holds must not be missing without a word.
        if (!isLoss(thrown, signal) || (unsaved && isAgentAtWork)) throw thrown;
        const checkpoint = await heal(thrown);
        if (!isAgentAtWork) tellRestored(checkpoint);
        else if (checkpoint?.incomplete !== undefined) isIncomplete = true;
      }
    }
  };

  const withWork = async <T>(action: (sandbox: Sandbox) => Promise<T>): Promise<T> => {
    const result = await within(action);
    if (isIncomplete) throw workLost();
    return result;
  };

  /** Not lost, but of no use. */
  const replace = async () => {
    await dispose(current).catch((err: unknown) => {
      way.log.warn({ jobId, err }, 'a sandbox that was replaced is still there');
    });
    const begun = async () => begin(await checkpoints.load());
    await begun().catch(async (thrown: unknown) => {
      if (!isLoss(thrown, signal)) throw thrown;
      await heal(thrown);
    });
  };

  const here = (): Sandbox => current ?? fail();
  const changing = (): Sandbox => {
    unsaved = true;
    return here();
  };

  const skip = async (why: string) => {
    notSaved = why;
    await checkpoints.save({ ...(last ?? { files: [], deleted: [], base: [] }), incomplete: why });
  };

  const takeNews = () => {
    const once = news && news + (isTakenUp ? '' : preparation.news());
    news = undefined;
    isIncomplete = false;
    return once;
  };

  const healAndTell = async (loss: AppError): Promise<string> => {
    const checkpoint = await heal(loss);
    const told = lossNews(loss, checkpoint, notSaved) + preparation.news();
    unsaved = false;
    notSaved = '';
    takeNews();
    return told;
  };

  const start = async () => {
    try {
      await takeUpOrBegin();
    } catch (thrown) {
      if (!isLoss(thrown, signal)) throw thrown;
      tellRestored(await heal(thrown));
    }
  };

  await start().catch(async (thrown: unknown) => {
    await letGo(current, signal).catch(() => {});
    throw thrown;
  });

  return {
    within,
    withWork,
    sandbox: {
      exec: (...request) => changing().exec(...request),
      write: (...file) => changing().write(...file),
      edit: (...edit) => changing().edit(...edit),
      read: (...file) => here().read(...file),
      list: (...where) => here().list(...where),
      search: (...what) => here().search(...what),
    },
    async useImage(name) {
      image = await held.once('image', async () => name);
      // In one that is kept the agent may be at work already, and one image can have several names.
      const isInUse = isTakenUp && held.earlier.length > 0;
      if (here().image !== image && !isInUse) await replace();
    },
    async prepare(setUp) {
      preparation.decide(setUp);
      if (isTakenUp && preparation.isHalfDone(here())) await replace();
      // In one that is kept the agent is at work, which began after the setup.
      return within((sandbox) => (isTakenUp ? preparation.outcomeIn(sandbox) : bringToCheckpoint(sandbox)));
    },
    madeBySetup: preparation.made,
    guardian: (baseRepository) => {
      isAgentAtWork = true;
      guard = createGuardian(baseRepository);
      return guard;
    },
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', end);
      // Whoever goes on with the job may not reach this sandbox; one that has lost the job may write nothing.
      if (goesOnElsewhere(signal)) await guard?.save(AbortSignal.timeout(handOverMs)).catch(() => {});
      await letGo(current, signal);
    },
  };

  function createGuardian(baseRepository: BaseRepository): Guardian {
    return {
      async save(saveSignal) {
        if (!unsaved) return;
        try {
          last ??= await checkpoints.load();
          const taken = await takeCheckpoint(
            here(),
            baseRepository,
            { last, made: preparation.made() },
            settings.checkpoint,
            saveSignal,
          );
          if ('tooMuch' in taken) return await skip(taken.tooMuch);
          await checkpoints.save(taken);
          last = taken;
          unsaved = false;
          notSaved = '';
        } catch (thrown) {
          // A file that a background process writes while it is read is no reason to give anything up.
          saveSignal.throwIfAborted();
          if (!(thrown instanceof AppError) || thrown.code === 'lease_lost') throw thrown;
          await skip(thrown.message);
        }
      },
      heal: healAndTell,
      healUnsaved: async () => {
        if (isIncomplete) return takeNews();
        const { lost } = here();
        return unsaved && lost.aborted ? healAndTell(lost.reason as AppError) : undefined;
      },
      news: takeNews,
    };
  }
};

/** Another server, or this one's next process, goes on with the job in it; what nobody takes up ends by itself. */
const letGo = async (sandbox: Sandbox | undefined, signal: AbortSignal): Promise<void> => {
  if (!goesOnElsewhere(signal)) await dispose(sandbox);
  else if (sandbox !== undefined) sandbox.leave();
};

/** Whether the last word is the agent's, that it is done. */
const isAtRest = (entries: readonly TranscriptEntry[]): boolean => {
  const last = entries.at(-1);
  return last?.kind === 'reply' && !last.reply.content.some(({ type }) => type === 'tool_use');
};

const handOverMs = 10_000;
const engineAwayMs = 60_000;
const engineAgainMs = 2000;

const fail = (): never => {
  throw new AppError('sandbox_lost', 'The sandbox is gone.');
};

const workLost = (): AppError =>
  new AppError(
    'sandbox_lost',
    'A part of what the agent had done was lost with its sandbox after it had said that it was done.',
    { whatToDo: 'Send the job again; what was kept is at GET /jobs/:id/patch.' },
  );

const tooMany = (losses: number, cause: AppError): AppError =>
  new AppError('sandbox_lost', `The job has lost its sandbox ${losses} times. Last: ${cause.message}`, {
    whatToDo: 'Ask for what needs less memory, or raise SANDBOX_MEMORY_MB or SANDBOX_LOSSES_MAX.',
    cause,
  });
