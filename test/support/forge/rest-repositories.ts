import { branchTip, isEmpty, isRefName, lookUp } from './refs.ts';
import { emptyRepository, failure, ok, type RepositoryRoute } from './rest-answer.ts';
import { commitShape, repositoryShape } from './shapes.ts';

export const getRepository: RepositoryRoute = async (world, repository, { caller }) =>
  ok(repositoryShape(world, repository, caller === 'writer'));

export const getBranch: RepositoryRoute = async (world, repository, { parameters }) => {
  const name = String(parameters.branch);
  const sha = await branchTip(world.git, repository.directory, name);
  if (sha === undefined) return failure(404, 'Branch not found');
  const url = `${world.apiUrl}/repos/${repository.fullName}/branches/${encodeURIComponent(name)}`;
  return ok({
    name,
    commit: await commitShape(world, repository, sha),
    protected: false,
    protection: { enabled: false },
    protection_url: `${url}/protection`,
    _links: { self: url, html: `${world.url}/${repository.fullName}/tree/${name}` },
  });
};

/** A commit by its id (also abbreviated), branch, tag, `heads/…`, `tags/…` or `HEAD`. */
export const getCommit: RepositoryRoute = async (world, repository, { parameters }) => {
  const { directory } = repository;
  const ref = String(parameters.ref);
  if (await isEmpty(world.git, directory)) return emptyRepository();
  const names = ['refs/heads/', 'refs/tags/', 'refs/'].map((prefix) => prefix + ref).filter(isRefName);
  if (/^([0-9a-f]{7,40}|HEAD)$/.test(ref)) names.push(ref);
  const found = await lookUp(
    world.git,
    directory,
    names.map((name) => `${name}^{commit}`),
  );
  const commit = found.find((object) => object !== undefined);
  if (commit === undefined) return failure(422, `No commit found for SHA: ${ref}`);
  return ok(await commitShape(world, repository, commit.sha));
};
