import type { Exploration } from '../domain/exploration.ts';
import type { JobRequest } from '../domain/job.ts';
import type { JobFact } from '../domain/job-event.ts';
import type { Sandbox } from '../domain/sandbox.ts';
import { defaultImage } from '../domain/sandbox-image.ts';
import { parseBackspaceYml } from './explore/backspace-yml.ts';
import type { BaseFiles } from './explore/base-files.ts';
import { findFiles } from './explore/find-files.ts';
import { instructionsOf } from './explore/instructions.ts';
import { languagesOf } from './explore/languages.ts';
import { planChecks } from './explore/plan-checks.ts';
import { drawTree } from './explore/tree.ts';
import { readFiles } from './read-files.ts';

/**
 * What the base commit says of itself, and what follows for the job from that and from the request. Only the few files
 * worth it are read; their blobs are the base’s own, by their hashes, so that nothing can have been put in their place.
 */
export const explore = async (
  sandbox: Pick<Sandbox, 'blobs'>,
  files: BaseFiles,
  request: Pick<JobRequest, 'checks' | 'setup' | 'image'>,
  signal: AbortSignal,
): Promise<Exploration> => {
  const found = findFiles(files);
  const settingsPaths = found.settings === undefined ? [] : [found.settings];
  const toRead = [...settingsPaths, ...found.instructions, ...found.manifests, ...found.pythonTests];
  const { texts, notes } = await readFiles(sandbox, files, toRead, readLimits, signal);

  const settings = parseBackspaceYml(texts.get(settingsPaths[0] ?? '') ?? '');
  const { instructions, notes: cut } = instructionsOf(texts, found.instructions);
  const of = (paths: readonly string[]) => new Map([...texts].filter(([path]) => paths.includes(path)));
  const plan = planChecks({
    ...{ asked: request.checks, configured: settings.checks, files, pythonTests: found.pythonTests },
    texts: of([...found.manifests, ...found.pythonTests]),
  });
  const image = request.image ?? settings.image;
  return {
    files: files.size,
    tree: drawTree(files.keys()),
    languages: languagesOf(files.keys()),
    manifests: found.manifests,
    instructions,
    checks: plan.checks,
    checksFrom: plan.checksFrom,
    setup: request.setup ?? settings.setup ?? [],
    ...(image !== undefined && { image }),
    notes: [...settings.notes, ...plan.notes, ...found.notes, ...notes, ...cut].slice(0, notesMax),
  };
};

/** Far more than a person writes into one of these files, and into all of them. */
const readLimits = { fileBytesMax: 128 * 1024, bytesMax: 2 * 1024 * 1024 };

/** Far more than an ordinary repository has; the last ones weigh least. */
const notesMax = 30;

/** The event that tells it. */
export const explored = (exploration: Exploration): JobFact => ({
  type: 'Repository: Explored',
  files: exploration.files,
  languages: [...exploration.languages],
  manifests: [...exploration.manifests],
  instructions: exploration.instructions.map(({ path }) => path),
  setup: [...exploration.setup],
  checks: exploration.checks.map(({ command }) => command),
  checksFrom: exploration.checksFrom,
  image: exploration.image ?? defaultImage,
  notes: [...exploration.notes],
});
