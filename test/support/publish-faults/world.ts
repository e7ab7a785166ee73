import type { Job } from '../../../server/domain/job.ts';
import type { Base } from '../../../server/domain/repository.ts';
import type { Forge, ForgeRepository } from '../forge/forge.ts';
import { basePack } from '../github.ts';
import { queuedJob } from '../jobs.ts';

/** One repository, one job for it, and what others have done there. */
export type World = {
  forge: Forge;
  repository: ForgeRepository;
  job: Job;
  branch: string;
  base: Base;
  pack: Buffer;
  /** Commits of others on the job’s branch, and on the base branch. */
  foreign: string[];
  moved: string[];
  isClosed: boolean;
};

export const never = new AbortController().signal;

export const createWorld = async (forge: Forge, name: string): Promise<World> => {
  const repository = await forge.createRepository(`acme/${name}`, {
    files: { 'README.md': 'Shop\n', 'src/app.ts': 'export const price = 1;\n' },
  });
  // Where each branch has ever been.
  await repository.git('config', 'core.logAllRefUpdates', 'always');
  // As GitHub where no rule protects a branch: what is forced is done, and shows.
  await repository.git('config', 'receive.denyNonFastForwards', 'false');
  const commit = await repository.git('rev-parse', 'main');
  const job = queuedJob(name);
  return {
    forge,
    repository,
    job,
    branch: `backspace/${job.id}`,
    base: {
      repositoryId: repository.id,
      repository: { owner: 'acme', name },
      private: false,
      branch: 'main',
      commit,
    },
    pack: await basePack(repository.directory, commit),
    foreign: [],
    moved: [],
    isClosed: false,
  };
};

export const squat = async ({ repository, branch, foreign }: World): Promise<void> => {
  foreign.push(await repository.commit({ 'mine.md': 'Mine\n' }, 'Mine', branch));
};

export const moveBase = async ({ repository, moved }: World): Promise<void> => {
  moved.push(await repository.commit({ 'moved.md': 'Moved\n' }, 'Move on'));
};

export const closePullRequest = async (world: World): Promise<void> => {
  const { forge, repository } = world;
  const response = await fetch(`${forge.apiUrl}/repos/${repository.fullName}/pulls/1`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${forge.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ state: 'closed' }),
  });
  if (!response.ok) throw new Error(`The pull request was not closed: ${await response.text()}`);
  world.isClosed = true;
};
