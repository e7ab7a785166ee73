import type { Exploration } from '../../server/domain/exploration.ts';

/** A repository of which nothing is known, for what does not depend on it. */
export const unexplored: Exploration = {
  files: 0,
  tree: '',
  languages: [],
  manifests: [],
  instructions: [],
  checks: [],
  checksFrom: 'none',
  setup: [],
  notes: [],
};
