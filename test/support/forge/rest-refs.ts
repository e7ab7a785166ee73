import { isEmpty, isRefName, lookUp } from './refs.ts';
import { emptyRepository, failure, notFound, ok, type RepositoryRoute } from './rest-answer.ts';
import { objectShape, refShape } from './shapes.ts';

export const getRef: RepositoryRoute = async (world, repository, { parameters }) => {
  const ref = `refs/${String(parameters.ref)}`;
  if (await isEmpty(world.git, repository.directory)) return emptyRepository();
  if (!isRefName(ref)) return notFound();
  const [object] = await lookUp(world.git, repository.directory, [ref]);
  if (object === undefined) return notFound();
  return ok(refShape(world, repository, ref, objectShape(world, repository, object.sha, object.type)));
};

export const createRef: RepositoryRoute = async (world, repository, { body }) => {
  const { directory } = repository;
  const [ref, sha] = [String(body.ref), String(body.sha)];
  if (await isEmpty(world.git, directory)) return emptyRepository();
  if (!ref.startsWith('refs/') || ref.split('/').length < 3) {
    return failure(422, 'Reference name must contain at least three slash-separated components.');
  }
  if (!isRefName(ref)) return failure(422, `${ref} is not a valid ref name.`);
  if (!/^[0-9a-f]{40}$/.test(sha)) return malformedSha();
  const [object, existing] = await lookUp(world.git, directory, [sha, ref]);
  if (existing !== undefined) return failure(422, 'Reference already exists');
  if (object === undefined) return failure(422, 'Object does not exist');
  // git itself refuses a branch `a/b` beside `a`, and the second of two creations at the same time.
  const created = await world.git.run(directory, ['update-ref', ref, sha, '0'.repeat(40)]);
  if (created.exitCode !== 0) {
    const [now] = await lookUp(world.git, directory, [ref]);
    return failure(422, now === undefined ? 'Reference update failed' : 'Reference already exists');
  }
  const shape = refShape(world, repository, ref, objectShape(world, repository, sha, object.type));
  return { status: 201, body: shape, headers: { location: shape.url } };
};

export const updateRef: RepositoryRoute = async (world, repository, { parameters, body }) => {
  const { directory } = repository;
  const [ref, sha] = [`refs/${String(parameters.ref)}`, String(body.sha)];
  if (!/^[0-9a-f]{40}$/.test(sha)) return malformedSha();
  if (!isRefName(ref)) return failure(422, 'Reference does not exist');
  const [object, existing] = await lookUp(world.git, directory, [sha, ref]);
  if (existing === undefined) return failure(422, 'Reference does not exist');
  if (object === undefined) return failure(422, 'Object does not exist');
  const { exitCode } = await world.git.run(directory, ['merge-base', '--is-ancestor', existing.sha, sha]);
  if (exitCode !== 0 && body.force !== true) return failure(422, 'Update is not a fast forward');
  const updated = await world.git.run(directory, ['update-ref', ref, sha, existing.sha]);
  if (updated.exitCode !== 0) return failure(422, 'Reference update failed');
  return ok(refShape(world, repository, ref, objectShape(world, repository, sha, object.type)));
};

export const deleteRef: RepositoryRoute = async (world, repository, { parameters }) => {
  const ref = `refs/${String(parameters.ref)}`;
  const [existing] = isRefName(ref) ? await lookUp(world.git, repository.directory, [ref]) : [];
  if (existing === undefined) return failure(422, 'Reference does not exist');
  await world.git.text(repository.directory, ['update-ref', '-d', ref]);
  return { status: 204 };
};

function malformedSha() {
  return failure(422, 'The sha parameter must be exactly 40 characters and contain only [0-9a-f].');
}
