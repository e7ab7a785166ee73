import type { AgentAnswer } from '../agent/answer.ts';
import { runAgent } from '../agent/run-agent.ts';
import type { Changeset } from '../domain/changeset.ts';
import type { Evidence } from '../domain/checks/evidence.ts';
import type { Exploration } from '../domain/exploration.ts';
import { collectChangeset } from './collect-changeset.ts';
import { growingTranscripts } from './growing-transcripts.ts';
import type { Keeper } from './keep-sandbox.ts';
import type { Settings, Walk } from './ports.ts';
import { readFiles } from './read-files.ts';
import { changesetOf, storedChangeset } from './stored-changeset.ts';
import type { Before } from './verify/check-before.ts';
import type { CheckGround } from './verify/check-sandbox.ts';
import { feedbackOn, isBroken } from './verify/feedback.ts';
import type { CheckLimits } from './verify/run-check.ts';
import { verify } from './verify/verify.ts';

/** What the agent has made of the job, and what the repository's checks say of it; nothing where nothing was changed. */
export type Work = { answer: AgentAnswer; changeset: Changeset; evidence: Evidence | undefined };

/**
 * Lets the agent work, takes what it has changed and checks that. If something is broken that was well before, the agent
 * hears of it and works on, a few times at most. Each step of each round is stored, so that none is done twice.
 */
export const doWork = async (
  ground: CheckGround,
  { exploration, before, keeper }: { exploration: Exploration; before: Before; keeper: Keeper },
  way: Walk,
  settings: Settings & { checks: CheckLimits },
  signal: AbortSignal,
): Promise<Work> => {
  const { held, baseRepository } = ground;
  const { prompt } = held.job.request;
  const { once } = held;
  const { step } = way;
  const transcripts = growingTranscripts(held);
  const guardian = keeper.guardian(baseRepository);
  const feedback: string[] = [];

  const askAgent = () =>
    step('agent', (span) =>
      runAgent(
        {
          ...{ prompt, base: baseRepository.base, exploration },
          ...{ told: transcripts.told, feedback: [...feedback] },
        },
        { ...way, sandbox: keeper.sandbox, guardian, transcripts, span },
        settings.agent,
        way.progress,
        signal,
      ),
    );
  const collect = () =>
    step('changeset', () =>
      keeper.withWork(async (sandbox) =>
        storedChangeset(
          await collectChangeset(
            sandbox,
            { base: baseRepository, prompt, made: keeper.madeBySetup() },
            settings.changeset,
            signal,
          ),
        ),
      ),
    );
  const readBase = (paths: readonly string[]) =>
    keeper
      .within((sandbox) => readFiles(sandbox, baseRepository.files, paths, baseLimits, signal))
      .catch(() => {
        signal.throwIfAborted();
        // The agent may have broken its clone: then the reader is told that nothing can be said.
        return undefined;
      });
  const check = (changeset: Changeset, last: Evidence | undefined) =>
    step('verify', async () => {
      const tree = await baseRepository.tree(changeset.files);
      // The agent has left it as it was: the checks would say the same.
      if (last?.tree === tree) return last;
      const work = { exploration, changeset, tree, before: before.runs };
      return verify(ground, work, { ...way, readBase }, settings.checks, signal);
    });

  let done: Work | undefined;
  for (let round = 1; ; round += 1) {
    const named = (name: string) => (round === 1 ? name : `${name} ${round}`);
    const answer = await once(named('answer'), askAgent);
    // What was said to be done is worth more than the beginning of its mending.
    if (done && answer.incomplete) return done;
    const changeset = changesetOf(await once(named('changeset'), collect));
    if (changeset.files.length === 0) return { answer, changeset, evidence: undefined };
    const last = done?.evidence;
    const evidence = await once(named('evidence'), () => check(changeset, last));
    done = { answer, changeset, evidence };
    const isLastRound = answer.incomplete !== undefined || round > settings.checks.roundsMax;
    if (isLastRound || !isBroken(evidence)) return done;
    feedback.push(feedbackOn(evidence));
  }
};

/** What can be read through in no time. */
const baseLimits = { fileBytesMax: 1 << 20, bytesMax: 8 << 20 };
