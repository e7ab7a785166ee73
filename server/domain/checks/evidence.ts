/**
 * What the server found when it ran the repository's checks itself: in fresh sandboxes, at the base commit and at the
 * base with exactly the changeset that is pushed. Nothing here comes from the agent's sandbox or from the model's words.
 */

export const checkMoments = ['before', 'after', 'after_with_base_files'] as const;
export type CheckMoment = (typeof checkMoments)[number];

export const checkStatuses = ['passed', 'failed', 'could_not_run'] as const;

export const checkVerdicts = ['passed', 'fixed', 'broken', 'broken_before', 'could_not_run'] as const;
/**
 * `fixed`: it failed before; `broken`: it passed before, and fails or cannot run now; `broken_before`: it fails, and did
 * not pass before either.
 */
export type CheckVerdict = (typeof checkVerdicts)[number];

export const checksSources = ['request', 'backspace_yml', 'manifests', 'none'] as const;
export type ChecksSource = (typeof checksSources)[number];

/** A command that shows whether the repository is well. */
export type PlannedCheck = {
  command: string;
  /**
   * What must be there for the command to say anything. Each is a shell command whose failure, in the fresh sandbox and
   * after the setup, means that the check could not run, with `otherwise` as the reason: one sentence.
   */
  needs: readonly { probe: string; otherwise: string }[];
};

/** One run of a check. */
export type CheckRun = {
  status: (typeof checkStatuses)[number];
  /** null when a signal or its time limit ended it, or when it was not run. */
  exitCode: number | null;
  durationMs: number;
  /** The end of stdout and stderr together, without control characters. */
  output: string;
  /** Why it could not run, or did not come to its end. */
  reason?: string;
  /** It could not run for want of a sandbox or of time: the repository has no part in that. */
  isServersFault?: true;
  /** Its sandbox was gone before it came to its end. */
  lostSandbox?: true;
};

export type CheckEvidence = {
  command: string;
  before: CheckRun;
  after: CheckRun;
  /** There when the changeset touches what defines the check. */
  afterWithBaseFiles?: CheckRun;
  verdict: CheckVerdict;
};

/** A test that says less than before, or might. */
export type Weakening = { path: string; what: string };

export type Evidence = {
  checks: readonly CheckEvidence[];
  checksFrom: ChecksSource;
  /** Changed files that define checks: manifests, configuration, tests. */
  definitionsChanged: readonly string[];
  weakened: readonly Weakening[];
  /** The git tree that was checked, 40 hexadecimal digits: the one of the commit that is pushed. */
  tree: string;
  /** The sandbox image by its name in SANDBOX_IMAGES. */
  image: string;
  setup: readonly string[];
  /** What the reader must know besides, one sentence each. */
  notes: readonly string[];
};

/**
 * What could not run has shown nothing: it is never taken for a success, and when it passed before, the change is to
 * blame, unless the server is. Whether a check that passes, or fails, could run before, its run before tells.
 */
export const verdictOf = (before: CheckRun, after: CheckRun): CheckVerdict => {
  if (after.status === 'passed') return before.status === 'failed' ? 'fixed' : 'passed';
  if (before.status === 'passed' && !after.isServersFault) return 'broken';
  return after.status === 'could_not_run' ? 'could_not_run' : 'broken_before';
};
