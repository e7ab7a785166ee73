import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Caller } from './authorization.ts';
import type { Substitute } from './faults.ts';
import { type Git, stopGroup } from './git-process.ts';
import type { Repository, RepositoryStore } from './repository-store.ts';

/** A request to `/owner/name.git/…`, as git's smart HTTP protocol has it. */
type GitRequest = { fullName: string; service: string; action: string; query: string };

type GitHttp = {
  /** Undefined when the path is none of git's. */
  parse(method: string, url: URL): GitRequest | undefined;
  /** With a `substitute` all the work is done, and the answer is left to it. */
  answer(
    request: GitRequest,
    caller: Caller,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    substitute: Substitute | undefined,
  ): Promise<void>;
};

const pathGrammar = /^\/([^/]+\/[^/]+?)(?:\.git)?\/(info\/refs|git-upload-pack|git-receive-pack)$/;
const cgiHeaderBytesMax = 16_384;

export const createGitHttp = (git: Git, store: RepositoryStore): GitHttp => ({
  parse(method, url) {
    const [, fullName, action] = pathGrammar.exec(url.pathname) ?? [];
    if (fullName === undefined || action === undefined) return undefined;
    if (method !== (action === 'info/refs' ? 'GET' : 'POST')) return undefined;
    const service = action === 'info/refs' ? (url.searchParams.get('service') ?? '') : action;
    return { fullName, service, action, query: url.search.slice(1) };
  },

  async answer(request, caller, incoming, outgoing, substitute) {
    const found = store.find(request.fullName);
    const refusal = refuse(request, caller, found?.repository);
    if (refusal !== undefined) return refusal(outgoing);
    if (found === undefined) return sayNotFound(outgoing);
    if (found.moved) {
      const target = `/${found.repository.fullName}.git/${request.action}${request.query && `?${request.query}`}`;
      outgoing.writeHead(301, { location: target }).end();
      return;
    }
    await runBackend(git, found.repository, request, incoming, outgoing, substitute);
  },
});

type Refusal = (outgoing: ServerResponse) => void;

/** Who may do what, in GitHub's words and with its statuses. */
function refuse(request: GitRequest, caller: Caller, repository?: Repository): Refusal | undefined {
  const writes = request.service === 'git-receive-pack';
  if (!writes && request.service !== 'git-upload-pack') return say(403, 'Please upgrade your git client.');
  if (caller === 'unknown') return say(401, 'Invalid username or token.');
  const open = repository !== undefined && !repository.isPrivate && !writes;
  if (caller === 'anonymous' && !open) return say(401, 'No anonymous write access or no such repository.');
  if (repository === undefined) return sayNotFound;
  if (caller === 'reader' && writes) return say(403, `Permission to ${repository.fullName}.git denied.`);
  return undefined;
}

function sayNotFound(outgoing: ServerResponse): void {
  say(404, 'Repository not found.')(outgoing);
}

function say(status: 401 | 403 | 404, text: string): Refusal {
  const challenge = status === 401 ? { 'www-authenticate': 'Basic realm="GitHub"' } : {};
  return (outgoing) => {
    outgoing
      .writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...challenge })
      .end(`${text}\n`);
  };
}

async function runBackend(
  git: Git,
  repository: Repository,
  request: GitRequest,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  substitute: Substitute | undefined,
): Promise<void> {
  const child = git.start(['http-backend'], { env: cgiEnvironment(repository, request, incoming) });
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error('git has no pipes.');
  const ended = once(child, 'close');
  // A client that goes away takes its git processes with it, or they would wait for ever for somebody to read.
  const stop = () => {
    if (!outgoing.writableFinished) stopGroup(child, 'SIGTERM');
  };
  outgoing.once('close', stop);
  stderr.resume();
  try {
    // git may answer and end before it has read the whole request; that alone is no failure.
    const sent = pipeline(incoming, stdin).catch(() => {});
    if (substitute !== undefined) stdout.resume();
    else await sendCgiAnswer(stdout, outgoing);
    await Promise.all([sent, ended]);
  } catch {
    // Half an answer cannot be taken back: the client learns of the failure by the cut.
    stop();
    outgoing.destroy();
  } finally {
    outgoing.off('close', stop);
    substitute?.(outgoing);
  }
}

function cgiEnvironment(
  repository: Repository,
  request: GitRequest,
  { method, headers }: IncomingMessage,
): Record<string, string> {
  return {
    GIT_PROJECT_ROOT: repository.directory,
    GIT_HTTP_EXPORT_ALL: '1',
    PATH_INFO: `/${request.action}`,
    REQUEST_METHOD: method ?? '',
    QUERY_STRING: request.query,
    CONTENT_TYPE: headers['content-type'] ?? '',
    // http-backend unpacks gzip by itself.
    HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '',
    GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
    REMOTE_ADDR: '127.0.0.1',
    // Somebody must be named for receive-pack; anonymous callers have been refused before.
    REMOTE_USER: 'writer',
    ...(headers['content-length'] === undefined ? {} : { CONTENT_LENGTH: headers['content-length'] }),
  };
}

/** A CGI answer begins with header lines and an empty line; `Status` stands for the status line. */
async function sendCgiAnswer(stdout: Readable, outgoing: ServerResponse): Promise<void> {
  await pipeline(stdout, (chunks: AsyncIterable<Buffer>) => withoutCgiHeader(chunks, outgoing), outgoing);
}

async function* withoutCgiHeader(chunks: AsyncIterable<Buffer>, outgoing: ServerResponse) {
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of chunks) {
    if (head === undefined) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0 && head.length > cgiHeaderBytesMax) break;
    if (end < 0) continue;
    applyCgiHeader(head.subarray(0, end).toString('latin1'), outgoing);
    if (head.length > end + 4) yield head.subarray(end + 4);
    head = undefined;
  }
  if (head !== undefined) throw new Error('git http-backend gave no header.');
}

function applyCgiHeader(header: string, outgoing: ServerResponse): void {
  for (const line of header.split('\r\n')) {
    const [name = '', value = ''] = line.split(/:\s*(.*)/s);
    if (name.toLowerCase() === 'status') outgoing.statusCode = Number.parseInt(value, 10);
    else outgoing.appendHeader(name, value);
  }
}
