import type { ErrorCode } from '../../../server/domain/errors.ts';
import type { Fault } from '../forge/faults.ts';
import type { Fault as ModelFault } from '../model/scenario.ts';
import type { RequestName } from './requests.ts';

/** What becomes of one request of a life, the first of its name unless `nth` says another. */
export type Strike = { at: RequestName; nth?: number } & (
  | { fault: Fault }
  /** Somebody does this before the request is performed. */
  | { meanwhile: Happening }
  /** The server dies before the request is performed, or after that, before it hears of the answer. */
  | { dies: 'before' | 'after' }
);

export type Happening =
  /** Somebody commits to the job's branch, or makes it. */
  | 'squatted'
  /** Somebody closes the job's pull request. */
  | 'closed'
  /** Another server, which has taken the job over, publishes it as a whole. */
  | 'published by a twin'
  /** Somebody commits to the base branch. */
  | 'base moved on';

/** One whole publish by a server that knows of none before, and how it ends. */
export type Life = { strikes: readonly Strike[]; ends: End };

export type End = 'published' | 'dead' | ErrorCode;

export type Combination = {
  name: string;
  /** One after the other; `atOnce`: at the same time, and their strikes are for whichever request comes first. */
  lives: readonly Life[];
  atOnce?: boolean;
  /** With it an agent asks the model first. */
  model?: { faults: AgentFaults; ends: 'done' | 'model_failed' };
};

/** What goes wrong with the two turns that the agent takes. */
export type AgentFaults = { first: readonly ModelFault[]; second: readonly ModelFault[] };
