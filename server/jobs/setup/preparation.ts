import type { HeldJob } from '../../domain/job.ts';
import type { Sandbox } from '../../domain/sandbox.ts';
import type { SetUp, SetupFile, SetupOutcome } from '../../domain/setup.ts';
import type { Step } from '../steps.ts';

/** What is done with every sandbox of the agent's before the agent, or its checkpoint, gets into it. */
export type Preparation = {
  /** Known only once a first sandbox has shown what the base holds: until then nothing is prepared. */
  decide(setUp: SetUp | undefined): void;
  isDecided(): boolean;
  /** Sets it up, unless that was done in it by whichever server. */
  prepare(sandbox: Sandbox): Promise<SetupOutcome>;
  /** Whether an earlier holder of the job may have left its setup under way in it, which goes on without a server. */
  isHalfDone(sandbox: Sandbox): boolean;
  /** What the setup came to in a sandbox that an earlier holder has left. */
  outcomeIn(sandbox: Sandbox): Promise<SetupOutcome>;
  /** What the setup has made in the sandbox of now, but for what .gitignore hides. */
  made(): readonly SetupFile[];
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

  const isDone = (sandbox: Sandbox): boolean => held.known(milestoneOf(sandbox)) !== undefined;

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
    async outcomeIn(sandbox) {
      last = held.known<SetupOutcome>(milestoneOf(sandbox)) ?? { ok: true };
      return last;
    },
    made: () => last.made ?? [],
    isHalfDone: (sandbox) => decided?.setUp !== undefined && !isDone(sandbox) && held.earlier.length === 0,
    news() {
      if (decided?.setUp === undefined) return '';
      if (last.ok) return ' The setup commands have run in the new one.';
      return ` The setup commands have run in the new one without success: ${last.reason}`;
    },
  };
};
