import { AppError } from '../domain/errors.ts';

/** Keeps what the agent has done when its sandbox is lost. What it gives back is for the model. */
export type Guardian = {
  /** Takes a checkpoint if the turn may have changed something. A loss meanwhile is left for the next call to find. */
  save(signal: AbortSignal): Promise<void>;
  /** Puts another sandbox in the lost one's place; throws `sandbox_lost` when there were too many. */
  heal(loss: AppError, signal: AbortSignal): Promise<string>;
  /** Heals if the sandbox is lost together with changes that no checkpoint holds. */
  healUnsaved(signal: AbortSignal): Promise<string | undefined>;
  /** What the model must know of its sandbox since another server has taken the job up; told once. */
  news(): string | undefined;
};

/** Whether another sandbox would help: a job that was cancelled wants none. */
export const isLoss = (thrown: unknown, signal: AbortSignal): thrown is AppError =>
  !signal.aborted && thrown instanceof AppError && thrown.code === 'sandbox_lost';
