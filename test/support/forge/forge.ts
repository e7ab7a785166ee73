import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Authorization, readAuthorization } from './authorization.ts';
import { answerWrongly, type Fault, type Interceptor, type Substitute, substituteOf } from './faults.ts';
import { createGitHttp } from './git-http.ts';
import { createGit, type Git } from './git-process.ts';
import { createGitHubDescription } from './github-description.ts';
import { showPage } from './pages.ts';
import type { PullRequest } from './pull-requests.ts';
import { type FileChanges, importCommit } from './repository-files.ts';
import {
  createRepositoryStore,
  type Repository,
  type RepositoryOptions,
  type RepositorySource,
} from './repository-store.ts';
import { createRest } from './rest.ts';
import { createRestHttp } from './rest-http.ts';

/** `status` is undefined while there is no answer, and for ever when the connection was dropped. */
export type RecordedRequest = {
  method: string;
  path: string;
  query: string;
  authorization: Authorization;
  status: number | undefined;
};

export type ForgeRepository = {
  readonly fullName: string;
  readonly id: number;
  /** The bare repository. */
  readonly directory: string;
  /** Runs git in it; throws when it fails. */
  git(...args: string[]): Promise<string>;
  /** Adds a commit behind everyone's back, to the default branch or the one given, and returns its id. */
  commit(files: FileChanges, message?: string, branch?: string): Promise<string>;
};

/** A stand-in for GitHub: true git over HTTP, and the used part of the REST API. */
export type Forge = {
  /** The root of the REST API, like `https://api.github.com`. */
  readonly apiUrl: string;
  /** The root of git's and people's addresses, like `https://github.com`. */
  readonly url: string;
  /** The token that may write. */
  readonly token: string;
  /** A token that may read everything and write nothing. */
  readonly readOnlyToken: string;
  createRepository(
    fullName: string,
    source: RepositorySource,
    options?: RepositoryOptions,
  ): Promise<ForgeRepository>;
  /** The old name answers with a redirect from now on. */
  renameRepository(from: string, to: string): void;
  /** As the last REST call or page has seen them: an open one follows its branches when it is looked at. */
  pullRequests(fullName: string): PullRequest[];
  readonly requests: readonly RecordedRequest[];
  /** What GitHub's description refuses in the requests so far, as sentences. A test asserts that it is empty. */
  readonly violations: readonly string[];
  /** Asks `interceptor` about each request from now on, instead of the one before; undefined asks nobody. */
  intercept(interceptor: Interceptor | undefined): void;
  [Symbol.asyncDispose](): Promise<void>;
};

type ForgeOptions = {
  token?: string;
  /** By which it is known, and where it listens. Default 127.0.0.1. */
  host?: string;
  port?: number;
};

export const startForge = async ({
  token,
  host = '127.0.0.1',
  port = 0,
}: ForgeOptions = {}): Promise<Forge> => {
  const git = createGit();
  const store = await createRepositoryStore(git);
  const tokens = { writer: token ?? randomToken(), reader: randomToken() };
  const requests: RecordedRequest[] = [];
  const violations: string[] = [];
  const closing = new AbortController();
  let interceptor: Interceptor | undefined;

  const server = createServer((incoming, outgoing) => void serve(incoming, outgoing));
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The forge has no port.');
  const url = `http://${host}:${address.port}`;
  const world = { git, url, apiUrl: `${url}/api` };
  const rest = createRest(world, store, createGitHubDescription(), (text) => violations.push(text));
  const restHttp = createRestHttp(rest);
  const gitHttp = createGitHttp(git, store);

  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const target = new URL(incoming.url ?? '/', url);
    const method = incoming.method ?? '';
    const request = { method, path: target.pathname, query: target.search.slice(1) };
    const authorization = readAuthorization(incoming.headers.authorization, tokens);
    const recorded: RecordedRequest = { ...request, authorization, status: undefined };
    requests.push(recorded);
    const rememberStatus = () => {
      if (outgoing.headersSent) recorded.status = outgoing.statusCode;
    };
    outgoing.once('finish', rememberStatus).once('close', rememberStatus);
    try {
      const fault = await interceptor?.(request);
      if (fault !== undefined && (await strike(fault, incoming, outgoing, closing.signal)) === 'over') return;
      await dispatch(target, authorization, incoming, outgoing, substituteOf(fault));
    } catch (error) {
      if (outgoing.destroyed || closing.signal.aborted) return;
      violations.push(`${method} ${request.path}: The forge itself failed: ${String(error)}`);
      if (outgoing.headersSent) outgoing.destroy();
      else outgoing.writeHead(500, { 'content-type': 'text/plain' }).end(String(error));
    }
  };

  const dispatch = async (
    target: URL,
    { caller }: Authorization,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    substitute: Substitute | undefined,
  ): Promise<void> => {
    if (target.pathname.startsWith('/api/')) {
      const path = target.pathname.slice('/api'.length);
      return restHttp(path, target.searchParams, caller, incoming, outgoing, substitute);
    }
    const gitRequest = gitHttp.parse(incoming.method ?? '', target);
    if (gitRequest !== undefined) return gitHttp.answer(gitRequest, caller, incoming, outgoing, substitute);
    const { status, text, location } = await showPage(git, store, target.pathname, caller);
    const headers = { 'content-type': 'text/plain; charset=utf-8', ...(location && { location }) };
    outgoing.writeHead(status, headers).end(text);
  };

  return {
    apiUrl: world.apiUrl,
    url,
    token: tokens.writer,
    readOnlyToken: tokens.reader,
    requests,
    violations,
    async createRepository(fullName, source, options) {
      return publicRepository(git, await store.create(fullName, source, options));
    },
    renameRepository: store.rename,
    pullRequests: (fullName) =>
      store.find(fullName)?.repository.pullRequests.map((pull) => ({ ...pull })) ?? [],
    intercept(next) {
      interceptor = next;
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      server.close();
      server.closeAllConnections();
      await git[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
};

/** Does what the fault says; `over` when nothing is left to answer. */
async function strike(
  fault: Fault,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  signal: AbortSignal,
): Promise<'over' | 'goes on'> {
  if ('delayMs' in fault) await sleep(fault.delayMs, undefined, { signal });
  if ('instead' in fault) {
    outgoing.destroy();
    return 'over';
  }
  if (!('status' in fault)) return 'goes on';
  incoming.resume();
  answerWrongly(fault, outgoing);
  return 'over';
}

function publicRepository(git: Git, repository: Repository): ForgeRepository {
  const { id, directory, defaultBranch } = repository;
  return {
    id,
    directory,
    get fullName() {
      return repository.fullName;
    },
    git: (...args) => git.text(directory, args),
    commit: (files, message = 'Change', branch = defaultBranch) =>
      importCommit(git, { directory, branch, message, files }),
  };
}

/** In the shape of GitHub's own, so that whatever masks secrets sees it. */
function randomToken(): string {
  return `ghp_${randomBytes(18).toString('hex')}`;
}
