import type { Git } from './git-process.ts';
import type { PullRequest } from './pull-requests.ts';
import { branchTip } from './refs.ts';
import type { Repository } from './repository-store.ts';
import {
  type FieldError,
  failure,
  notFound,
  ok,
  type RepositoryRoute,
  type RestAnswer,
  validationFailed,
} from './rest-answer.ts';
import { pullRequestDetails, pullRequestShape } from './shapes.ts';

const titleCharactersMax = 256;
const bodyCharactersMax = 65_536;
const perPageMax = 100;

export const createPull: RepositoryRoute = async (world, repository, { body }) => {
  const { directory, fullName, pullRequests } = repository;
  if (body.draft === true && repository.takesNoDrafts) {
    return failure(422, 'Draft pull requests are not supported in this repository.');
  }
  const base = String(body.base);
  const head = withoutOwner(String(body.head), fullName);
  if (body.title === undefined) return refuse({ field: 'title', code: 'missing_field' });
  const tooLong = checkLengths(body);
  if (tooLong !== undefined) return refuse(tooLong);
  const baseSha = await branchTip(world.git, directory, base);
  if (baseSha === undefined) return refuse({ field: 'base', code: 'invalid' });
  const headSha = head === undefined ? undefined : await branchTip(world.git, directory, head);
  if (head === undefined || headSha === undefined) return refuse({ field: 'head', code: 'invalid' });
  const unrelated = await compare(world.git, directory, { base, baseSha, head, headSha });
  if (unrelated !== undefined) return refuse({ code: 'custom', message: unrelated });
  // From here to the push nothing waits, so two requests at the same time cannot both pass.
  if (isTaken(pullRequests, head, base)) return refuse(alreadyExists(fullName, head));
  const number = pullRequests.length + 1;
  const now = new Date().toISOString();
  const pull: PullRequest = {
    number,
    title: String(body.title),
    body: typeof body.body === 'string' ? body.body : null,
    head,
    base,
    headSha,
    baseSha,
    state: 'open',
    draft: body.draft === true,
    maintainerCanModify: body.maintainer_can_modify === true,
    htmlUrl: `${world.url}/${fullName}/pull/${number}`,
    createdAt: now,
    updatedAt: now,
    closedAt: null,
  };
  pullRequests.push(pull);
  return { ...(await full(world, repository, pull)), status: 201 };
};

export const listPulls: RepositoryRoute = async (world, repository, { parameters }) => {
  const { state, head, base, sort, direction, per_page: perPage, page } = parameters;
  const owner = repository.fullName.split('/')[0]?.toLowerCase() ?? '';
  await Promise.all(repository.pullRequests.map((pull) => refresh(world.git, repository, pull)));
  const found = repository.pullRequests
    .filter((pull) => state === 'all' || pull.state === state)
    .filter((pull) => base === undefined || pull.base === base)
    // GitHub ignores a head without its owner, and lists everything.
    .filter((pull) => !String(head ?? '').includes(':') || isHead(String(head), owner, pull.head));
  const key = (pull: PullRequest) => (sort === 'updated' ? pull.updatedAt : pull.createdAt);
  found.sort((a, b) => key(a).localeCompare(key(b)) || a.number - b.number);
  if ((direction ?? (sort === 'created' ? 'desc' : 'asc')) === 'desc') found.reverse();
  const size = Math.min(Math.max(Number(perPage), 1), perPageMax);
  const start = (Math.max(Number(page), 1) - 1) * size;
  const shown = found.slice(start, start + size);
  const next = `${world.apiUrl}/repositories/${repository.id}/pulls?${nextPage(parameters)}`;
  const headers: Record<string, string> =
    start + size < found.length ? { link: `<${next}>; rel="next"` } : {};
  return ok(
    shown.map((pull) => pullRequestShape(world, repository, pull)),
    headers,
  );
};

export const getPull: RepositoryRoute = async (world, repository, { parameters }) => {
  const pull = repository.pullRequests[Number(parameters.pull_number) - 1];
  return pull === undefined ? notFound() : full(world, repository, pull);
};

export const updatePull: RepositoryRoute = async (world, repository, { parameters, body }) => {
  const { git } = world;
  const { directory, fullName, pullRequests } = repository;
  const pull = pullRequests[Number(parameters.pull_number) - 1];
  if (pull === undefined) return notFound();
  const tooLong = checkLengths(body);
  if (tooLong !== undefined) return refuse(tooLong);
  await refresh(git, repository, pull);
  const base = typeof body.base === 'string' ? body.base : pull.base;
  if ((await branchTip(git, directory, base)) === undefined)
    return refuse({ field: 'base', code: 'invalid' });
  const headSha = await branchTip(git, directory, pull.head);
  const reopens = pull.state === 'closed' && body.state === 'open';
  if (reopens && headSha === undefined) {
    return refuse({ field: 'state', code: 'custom', message: 'state cannot be changed.' });
  }
  const others = pullRequests.filter((other) => other !== pull);
  const open = reopens || (pull.state === 'open' && body.state !== 'closed');
  if (open && isTaken(others, pull.head, base)) return refuse(alreadyExists(fullName, pull.head));
  if (reopens) Object.assign(pull, { state: 'open', closedAt: null });
  if (typeof body.title === 'string') pull.title = body.title;
  if (typeof body.body === 'string') pull.body = body.body;
  Object.assign(pull, { base, updatedAt: new Date().toISOString() });
  if (body.state === 'closed') close(pull);
  return full(world, repository, pull);
};

/** An open pull request follows its branches; GitHub closes it when its head goes. */
export const refresh = async (
  git: Git,
  { directory }: Repository,
  pull: PullRequest,
): Promise<PullRequest> => {
  if (pull.state === 'closed') return pull;
  const headSha = await branchTip(git, directory, pull.head);
  const baseSha = await branchTip(git, directory, pull.base);
  if (headSha === undefined || baseSha === undefined) close(pull);
  else Object.assign(pull, { headSha, baseSha });
  return pull;
};

async function full(...[world, repository, pull]: Parameters<typeof pullRequestShape>): Promise<RestAnswer> {
  await refresh(world.git, repository, pull);
  const details = await pullRequestDetails(world.git, repository, pull);
  return ok({ ...pullRequestShape(world, repository, pull), ...details });
}

type Sides = { base: string; baseSha: string; head: string; headSha: string };

/** GitHub's reason why the two cannot make a pull request; undefined when they can. */
async function compare(git: Git, directory: string, sides: Sides): Promise<string | undefined> {
  const { base, baseSha, head, headSha } = sides;
  const common = await git.run(directory, ['merge-base', baseSha, headSha]);
  if (common.exitCode !== 0) return `The ${head} branch has no history in common with ${base}`;
  const ahead = await git.text(directory, ['rev-list', '--count', `${baseSha}..${headSha}`]);
  return ahead === '0' ? `No commits between ${base} and ${head}` : undefined;
}

function isTaken(pulls: readonly PullRequest[], head: string, base: string): boolean {
  return pulls.some((pull) => pull.state === 'open' && pull.head === head && pull.base === base);
}

function alreadyExists(fullName: string, head: string): FieldError {
  const message = `A pull request already exists for ${fullName.split('/')[0]}:${head}.`;
  return { code: 'custom', message };
}

function checkLengths({ title, body }: RestRequestBody): FieldError | undefined {
  if (typeof title === 'string' && title.length > titleCharactersMax) {
    const message = `title is too long (maximum is ${titleCharactersMax} characters)`;
    return { field: 'title', code: 'custom', message };
  }
  if (typeof body === 'string' && body.length > bodyCharactersMax) {
    const message = `body is too long (maximum is ${bodyCharactersMax} characters)`;
    return { field: 'body', code: 'custom', message };
  }
  return undefined;
}

type RestRequestBody = Readonly<Record<string, unknown>>;

/** `owner:branch` as a branch of this repository; undefined for another owner, since the forge has no forks. */
function withoutOwner(head: string, fullName: string): string | undefined {
  const colon = head.indexOf(':');
  if (colon < 0) return head;
  const owner = fullName.split('/')[0] ?? '';
  return head.slice(0, colon).toLowerCase() === owner.toLowerCase() ? head.slice(colon + 1) : undefined;
}

function isHead(filter: string, owner: string, branch: string): boolean {
  const colon = filter.indexOf(':');
  return filter.slice(0, colon).toLowerCase() === owner && filter.slice(colon + 1) === branch;
}

function nextPage(parameters: Readonly<Record<string, unknown>>): URLSearchParams {
  const { owner: _owner, repo: _repo, page, ...query } = parameters;
  const entries = Object.entries({ ...query, page: Number(page) + 1 });
  return new URLSearchParams(entries.map(([name, value]): [string, string] => [name, String(value)]));
}

function close(pull: PullRequest): void {
  Object.assign(pull, { state: 'closed', closedAt: pull.closedAt ?? new Date().toISOString() });
}

function refuse(error: FieldError): RestAnswer {
  return validationFailed('PullRequest', error);
}
