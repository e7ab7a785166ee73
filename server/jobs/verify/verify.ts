import type { ChangedFile, Changeset } from '../../domain/changeset.ts';
import { definesChecks } from '../../domain/checks/check-definitions.ts';
import { type CheckEvidence, type CheckRun, type Evidence, verdictOf } from '../../domain/checks/evidence.ts';
import { type ChangedText, findWeakened } from '../../domain/checks/weakened-tests.ts';
import type { Exploration } from '../../domain/exploration.ts';
import type { TreeFile } from '../../domain/repository.ts';
import { defaultImage } from '../../domain/sandbox-image.ts';
import type { Walk } from '../ports.ts';
import type { ReadFiles } from '../read-files.ts';
import { isDecisive } from '../setup/setup-key.ts';
import type { CheckGround } from './check-sandbox.ts';
import type { CheckLimits } from './run-check.ts';
import { runChecks } from './run-checks.ts';

/** The texts of files of the base commit, hashed by the server, but for what is too large; undefined when none can be had. */
export type ReadBase = (paths: readonly string[]) => Promise<Pick<ReadFiles, 'texts'> | undefined>;

/**
 * Runs the repository's checks at the base with exactly this changeset, and compares with what they said `before`. If the
 * changeset touches what defines them they run a second time with the base's versions of those files.
 */
export const verify = async (
  ground: CheckGround,
  work: {
    exploration: Exploration;
    changeset: Changeset;
    tree: string;
    before: Promise<readonly CheckRun[]>;
  },
  way: Pick<Walk, 'sandboxes' | 'github' | 'emit' | 'log'> & { readBase: ReadBase },
  limits: CheckLimits,
  signal: AbortSignal,
): Promise<Evidence> => {
  const { exploration, tree } = work;
  const { checks, checksFrom, setup, image = defaultImage } = exploration;
  const { files } = work.changeset;
  const definitions = files.filter(({ path }) => definesChecks(path));
  const others = files.filter((file) => !definitions.includes(file));

  // One sandbox for checks at a time: a job has the agent's besides.
  const before = await work.before;
  const after = await runChecks(ground, { checks, changes: files, when: 'after' }, way, limits, signal);
  const withBaseFiles = await withBaseDefinitions();
  const looked = await lookForWeakening(ground, files, way.readBase);

  return {
    checks: checks.map(({ command }, index): CheckEvidence => {
      const runs = { before: before[index] ?? never(), after: after[index] ?? never() };
      const again = withBaseFiles?.[index];
      return {
        ...{ command, ...runs, verdict: verdictOf(runs.before, runs.after) },
        ...(again && { afterWithBaseFiles: again }),
      };
    }),
    ...{ checksFrom, tree, image, setup },
    definitionsChanged: definitions.map(({ path }) => path),
    weakened: looked.weakened,
    notes: [...exploration.notes, ...looked.notes, ...staleDependencies(files, setup)],
  };

  /** Without any other change that is the base itself, which was checked already. */
  async function withBaseDefinitions(): Promise<readonly CheckRun[] | undefined> {
    if (definitions.length === 0) return undefined;
    if (others.length === 0) return before;
    const again = { checks, changes: others, when: 'after_with_base_files' } as const;
    return runChecks(ground, again, way, limits, signal);
  }
};

/** A setup has a way out, so it never runs on what the agent has written. */
const staleDependencies = (files: readonly ChangedFile[], setup: readonly string[]): string[] => {
  const changed = files.map(({ path }) => path).filter(isDecisive);
  if (setup.length === 0 || changed.length === 0) return [];
  return [
    `The setup ran at the base: dependencies that ${changed.join(', ')} names since this change were not there for the checks.`,
  ];
};

const never = (): never => {
  throw new Error('A check has no run.');
};

const lookForWeakening = async (
  { baseRepository }: Pick<CheckGround, 'baseRepository'>,
  files: readonly ChangedFile[],
  readBase: ReadBase,
): Promise<Pick<Evidence, 'weakened' | 'notes'>> => {
  const known = files.map(({ path }) => path).filter((path) => isFile(baseRepository.files.get(path)));
  // What matters most comes first, in case that not all of it can be read.
  const inOrder = [...known.filter(definesChecks), ...known.filter((path) => !definesChecks(path))];
  const read = await readBase(inOrder);
  if (read === undefined) {
    const note =
      'Whether tests were weakened could not be looked for: what the files were before could not be read.';
    return { weakened: [], notes: [note] };
  }
  const isKnown = new Set(known);
  const texts = files.map((file): ChangedText => {
    const { path } = file;
    const content = file.status === 'deleted' ? undefined : file.content;
    const wasTooLarge = isKnown.has(path) && !read.texts.has(path);
    const isTooLarge = wasTooLarge || (content !== undefined && content.length > textBytesMax);
    return {
      path,
      ...(isKnown.has(path) && { before: read.texts.get(path) ?? '' }),
      ...(content !== undefined && { after: textOf(content) }),
      ...(isTooLarge && { isTooLarge }),
    };
  });
  return { weakened: findWeakened(texts), notes: [] };
};

const isFile = (file: TreeFile | undefined): boolean => file !== undefined && file.mode !== '160000';

/** What can be read through in no time; a larger file counts as empty on both sides. */
const textBytesMax = 1 << 20;

const textOf = (content: Uint8Array | undefined): string =>
  content === undefined || content.length > textBytesMax ? '' : Buffer.from(content).toString('utf8');
