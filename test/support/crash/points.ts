/**
 * The moments at which a server can be struck: at each of its durable writes, which then is or is not there, and at each
 * of its calls to somebody else, before or after that one has done what it was asked. `times`: how often one job comes by.
 */
export type Point = { name: string; times: number } & (
  | { at: 'database'; write: string; then: 'lands' | 'is lost' }
  | { at: 'forge'; request: RegExp; when: 'before' | 'after' }
  | { at: 'model'; when: 'before' | 'during' }
  | { at: 'docker'; action: string }
);

/** What the trigger in trap.ts calls each write, and how often a job of scenario.ts makes it. */
const writes: [write: string, times: number][] = [
  ['job accepted', 1],
  ['claim', 1],
  ['lease renewed', 1],
  ['sandbox started', 4],
  ['sandbox kept', 1],
  ['event Job: Started', 1],
  ['event Sandbox: Starting', 1],
  ['event Sandbox: Ready', 1],
  ['event Git: Clone', 2],
  ['event Repository: Explored', 1],
  ['event AI Message', 3],
  ['event Tool: Edit', 2],
  ['event Tool: Bash', 3],
  ['event Tool: Write', 1],
  ['event Check: Started', 3],
  ['event Check: Finished', 3],
  ['event Agent: Nudged', 1],
  ['event Git: Branch', 1],
  ['event Git: Commit', 1],
  ['event Git: Push', 1],
  ['event PR: Created', 1],
  ['event Result', 1],
  ['transcript reply', 7],
  ['transcript note', 1],
  ['milestone base', 1],
  ['milestone exploration', 1],
  ['milestone checks before', 1],
  ['milestone answer', 1],
  ['milestone changeset', 1],
  ['milestone evidence', 1],
  ['milestone answer 2', 1],
  ['milestone changeset 2', 1],
  ['milestone evidence 2', 1],
  ['checkpoint', 4],
];

const requests: [name: string, request: RegExp, times: number][] = [
  ['the repository is asked for', /^GET \/api\/repos\/[^/]+\/[^/]+$/, 1],
  ['the base commit is asked for', /^GET \/api\/repos\/.+\/git\/ref\//, 1],
  ['the pack is asked for', /^POST .+\/git-upload-pack$/, 4],
  ['the branch is made', /^POST \/api\/repos\/.+\/git\/refs$/, 1],
  ['the branches are listed for the push', /^GET .+\/info\/refs$/, 1],
  ['the commit is pushed', /^POST .+\/git-receive-pack$/, 1],
  ['pull requests are looked for', /^GET \/api\/repos\/.+\/pulls$/, 1],
  ['the pull request is made', /^POST \/api\/repos\/.+\/pulls$/, 1],
];

export const points: readonly Point[] = [
  ...writes.flatMap(([write, times]): Point[] =>
    (['lands', 'is lost'] as const).map((then) => ({
      ...{ name: `«${write}», which ${then}`, times, at: 'database', write, then },
    })),
  ),
  ...requests.flatMap(([name, request, times]): Point[] =>
    (['before', 'after'] as const).map((when) => ({
      ...{ name: `${when} ${name}`, times, at: 'forge', request, when },
    })),
  ),
  { name: 'before the model speaks', times: 7, at: 'model', when: 'before' },
  { name: 'while the model speaks', times: 7, at: 'model', when: 'during' },
  ...(['create', 'start', 'exec_create', 'exec_start'] as const).map(
    (action): Point => ({ name: `at the engine’s «${action}»`, times: 1, at: 'docker', action }),
  ),
];
