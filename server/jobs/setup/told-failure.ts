import type { Exploration } from '../../domain/exploration.ts';

/** What the model and the reviewer are told of the base, with why its setup has failed, if it has. */
export const withFailure = (exploration: Exploration, why: string | null): Exploration =>
  why === null ? exploration : { ...exploration, notes: [...exploration.notes, why] };
