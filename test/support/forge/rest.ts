import type { Caller } from './authorization.ts';
import type { GitHubDescription, Operation } from './github-description.ts';
import type { Repository, RepositoryStore } from './repository-store.ts';
import { getRateLimit, getUser } from './rest-account.ts';
import {
  failure,
  notFound,
  type RepositoryRoute,
  type RestAnswer,
  type RestWorld,
  type Route,
} from './rest-answer.ts';
import { createPull, getPull, listPulls, updatePull } from './rest-pulls.ts';
import { createRef, deleteRef, getRef, updateRef } from './rest-refs.ts';
import { getBranch, getCommit, getRepository } from './rest-repositories.ts';

/** `path` is as it was sent, percent-encoded, without the API's own root; `body` is undefined when none was sent. */
type RestCall = {
  method: string;
  path: string;
  query: URLSearchParams;
  body: unknown;
  caller: Caller;
};

export type Rest = (call: RestCall) => Promise<RestAnswer>;

/** The names are those of GitHub's description. */
const accountRoutes: Readonly<Record<string, Route>> = {
  'users/get-authenticated': getUser,
  'rate-limit/get': getRateLimit,
};

const repositoryRoutes: Readonly<Record<string, RepositoryRoute>> = {
  'repos/get': getRepository,
  'repos/get-branch': getBranch,
  'repos/get-commit': getCommit,
  'git/get-ref': getRef,
  'git/create-ref': createRef,
  'git/update-ref': updateRef,
  'git/delete-ref': deleteRef,
  'pulls/list': listPulls,
  'pulls/create': createPull,
  'pulls/get': getPull,
  'pulls/update': updatePull,
};

/** `violate` is told each thing that GitHub's description refuses, as a sentence. */
export const createRest =
  (
    world: RestWorld,
    store: RepositoryStore,
    description: GitHubDescription,
    violate: (sentence: string) => void,
  ): Rest =>
  async (call) => {
    const path = byName(store, call.path);
    if (path === undefined) return notFound();
    const operation = description.match(call.method, path);
    if (operation === undefined) {
      violate(`${call.method} ${call.path}: It is no operation of GitHub's that the forge knows.`);
      return notFound();
    }
    const { refusals, parameters } = description.refusals(operation, call.query, call.body);
    for (const sentence of refusals) violate(`${call.method} ${call.path}: ${sentence}`);
    const request = { caller: call.caller, parameters, body: asRecord(call.body) };

    const answer = async (): Promise<RestAnswer> => {
      if (call.caller === 'unknown') return failure(401, 'Bad credentials');
      const accountRoute = accountRoutes[operation.id];
      if (accountRoute !== undefined) return accountRoute(world, request);
      const gate = enter(world, store, call, operation);
      if ('status' in gate) return gate;
      if (refusals.length > 0) return failure(422, `Invalid request.\n\n${refusals.join('\n')}`);
      const route = repositoryRoutes[operation.id];
      if (route === undefined) throw new Error(`The forge has no route for ${operation.id}.`);
      return route(world, gate, request);
    };

    const given = await answer();
    return { ...given, body: description.complete(operation.id, given.status, given.body) };
  };

/** The repository that the call is about, or the answer of whoever may not come to it. */
function enter(
  world: RestWorld,
  store: RepositoryStore,
  { method, path, query, caller }: RestCall,
  { parameters: { owner, repo } }: Operation,
): Repository | RestAnswer {
  const found = store.find(`${owner}/${repo}`);
  // What a caller may not see does not exist.
  if (found === undefined || (found.repository.isPrivate && caller === 'anonymous')) return notFound();
  if (found.moved) {
    const rest = path.split('/').slice(4).join('/');
    const search = query.size === 0 ? '' : `?${query}`;
    const location = `${world.apiUrl}/repositories/${found.repository.id}${rest && `/${rest}`}${search}`;
    const moved =
      method === 'GET'
        ? failure(301, 'Moved Permanently', { url: location })
        : failure(307, 'Temporary Redirect', { url: location });
    return { ...moved, headers: { location } };
  }
  if (method !== 'GET' && caller === 'anonymous') return failure(401, 'Requires authentication');
  if (method !== 'GET' && caller !== 'writer') {
    return failure(403, 'Resource not accessible by personal access token');
  }
  return found.repository;
}

/** GitHub answers `/repositories/:id/…` as `/repos/:owner/:name/…`; its redirects of renamed ones lead there. */
function byName(store: RepositoryStore, path: string): string | undefined {
  const [, id, rest = ''] = /^\/repositories\/(\d+)(\/.*)?$/.exec(path) ?? [];
  if (id === undefined) return path;
  const repository = store.byId(Number(id));
  return repository && `/repos/${repository.fullName}${rest}`;
}

function asRecord(body: unknown): Readonly<Record<string, unknown>> {
  return typeof body === 'object' && body !== null ? { ...body } : {};
}
