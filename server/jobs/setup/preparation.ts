import type { HeldJob } from '../../domain/job.ts';
import type { Sandbox } from '../../domain/sandbox.ts';
import type { SetUp, SetupOutcome } from '../../domain/setup.ts';
import type { Step } from '../steps.ts';
import { cleanWorkspace } from './setup-result.ts';

/** What is done with every sandbox of the agent's before the agent, or its checkpoint, gets into it. */
export type Preparation = {
  /** Known only once a first sandbox has shown what the base holds: until then nothing is prepared. */
  decide(setUp: SetUp | undefined): void;
  isDecided(): boolean;
  /** Sets it up, unless that was done in it by whichever server. */
  prepare(sandbox: Sandbox): Promise<SetupOutcome>;
  /** For one that an earlier holder of the job has left: its setup may have been under way. */
  goOn(sandbox: Sandbox): Promise<SetupOutcome>;
  /** What the model is told of the setup in a sandbox that took the place of another one. */
  news(): string;
};

export const createPreparation = (
  held: Pick<HeldJob, 'once' | 'known' | 'earlier'>,
  step: Step,
  signal: AbortSignal,
): Preparation => {
  let decided: { setUp: SetUp | undefined } | undefined;
  let last: SetupOutcome = { ok: true };

  const milestoneOf = ({ id }: Sandbox): string => `setup ${id}`;

  const prepare = async (sandbox: Sandbox): Promise<SetupOutcome> => {
    const { setUp } = decided ?? {};
    if (setUp === undefined) return { ok: true };
    last = await held.once(milestoneOf(sandbox), () => step('setup', () => setUp(sandbox, 'agent', signal)));
    return last;
  };

  return {
    prepare,
    decide: (setUp) => {
      decided = { setUp };
    },
    isDecided: () => decided !== undefined,
    async goOn(sandbox) {
      const isDone = held.known(milestoneOf(sandbox)) !== undefined;
      // The agent begins after the setup: where it has said something, its work may not be cleaned away.
      if (decided?.setUp === undefined || (held.earlier.length > 0 && !isDone)) return { ok: true };
      if (!isDone) await cleanWorkspace(sandbox, signal);
      return prepare(sandbox);
    },
    news() {
      if (decided?.setUp === undefined) return '';
      if (last.ok) return ' The setup commands have run in the new one.';
      return ` The setup commands have run in the new one without success: ${last.reason}`;
    },
  };
};
