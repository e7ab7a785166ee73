import { AppError } from '../domain/errors.ts';
import type { Base } from '../domain/repository.ts';
import type { WayOut, WayOutRequest, WayOutResponse } from '../domain/sandbox.ts';
import { limitBytes, readAll } from './bytes.ts';
import { basicAuthorization, repositoryUrl } from './git-url.ts';
import type { GitHubOptions } from './options.ts';

/**
 * The way from a sandbox to its repository: the two requests of `git fetch` and nothing else, in the one spelling that
 * git uses for the address in the clone's configuration. The rest of a request is hostile; the token is added out here.
 */
export const createGateway = (
  options: GitHubOptions,
  base: Base,
  onBytes: (bytes: number) => void,
  /** Is told what git in the sandbox cannot know: why a request failed. */
  onFailure: (error: AppError) => void = () => {},
): WayOut => {
  const { owner, name } = base.repository;
  const { limits } = options;
  const enter = createDoor(limits);
  let bytesLeft = limits.gatewayBytesMax;

  const count = async function* (pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      bytesLeft -= piece.byteLength;
      if (bytesLeft < 0) throw tooLarge(limits.gatewayBytesMax);
      onBytes(piece.byteLength);
      yield piece;
    }
  };

  const failed = (request: WayOutRequest, thrown: unknown): AppError => {
    const error = transferError(thrown);
    if (!request.signal.aborted) onFailure(error);
    return error;
  };

  const pass = async function* (
    request: WayOutRequest,
    pieces: AsyncIterable<Uint8Array>,
    leave: () => void,
  ): AsyncGenerator<Uint8Array> {
    try {
      yield* count(pieces);
    } catch (thrown) {
      throw failed(request, thrown);
    } finally {
      leave();
    }
  };

  return async (request) => {
    const service = services.find(
      ({ method, path }) => method === request.method && `/${owner}/${name}.git${path}` === request.path,
    );
    if (service === undefined) return say(403, `Only git fetch of ${owner}/${name} may pass here.`);
    const leave = enter(request.signal);
    if (leave === undefined) {
      const { gatewayRequestsAtOnceMax: atOnce, gatewayRequestsMax: inAll } = limits;
      return say(429, `At most ${atOnce} requests at once and ${inAll} in all may pass here.`);
    }
    const signal = AbortSignal.any([request.signal, AbortSignal.timeout(limits.gatewayMs)]);
    try {
      const response = await fetch(`${repositoryUrl(options, base)}${service.path}`, {
        method: service.method,
        headers: { ...passedOn(request), authorization: basicAuthorization(options) },
        body: service.method === 'POST' ? await readRequest(count(request.body), signal) : null,
        redirect: 'manual',
        signal,
      });
      if (response.status !== 200 || response.headers.get('content-type') !== service.answer) {
        await response.body?.cancel();
        throw answerError(base, response.status);
      }
      const headers = { 'content-type': service.answer, 'cache-control': 'no-cache' };
      return { status: 200, headers, body: pass(request, response.body ?? nothing(), leave) };
    } catch (thrown) {
      leave();
      return say(502, failed(request, thrown).message);
    }
  };
};

/** Lets so many requests in; undefined when it must not. A request has left when it says so, or is given up. */
const createDoor = (limits: GitHubOptions['limits']) => {
  const inside = new Set<symbol>();
  let entered = 0;
  return (signal: AbortSignal): (() => void) | undefined => {
    if (inside.size >= limits.gatewayRequestsAtOnceMax || entered >= limits.gatewayRequestsMax)
      return undefined;
    entered += 1;
    const request = Symbol();
    inside.add(request);
    const leave = (): void => {
      inside.delete(request);
    };
    signal.addEventListener('abort', leave, { once: true });
    return leave;
  };
};

const services = [
  {
    method: 'GET',
    path: '/info/refs?service=git-upload-pack',
    answer: 'application/x-git-upload-pack-advertisement',
  },
  { method: 'POST', path: '/git-upload-pack', answer: 'application/x-git-upload-pack-result' },
] as const;

/** What a shallow fetch wants and has is a few hundred bytes; git itself buffers up to this size. */
const requestBytesMax = 1 << 20;

const readRequest = (body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Buffer<ArrayBuffer>> =>
  Promise.race([readAll(limitBytes(body, requestBytesMax, 'The fetch request')), endOf(signal)]);

const endOf = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });

const passedHeaders = ['accept', 'content-type', 'content-encoding', 'git-protocol', 'user-agent'];

const passedOn = ({ headers }: WayOutRequest): Record<string, string> => {
  const kept = passedHeaders
    .map((header) => [header, headers[header]] as const)
    .filter(
      (pair): pair is [string, string] => pair[1] !== undefined && /^[\x20-\x7e]{1,200}$/.test(pair[1]),
    );
  // Packs do not shrink further, and fetch would inflate what it asked to have deflated.
  return { ...Object.fromEntries(kept), 'accept-encoding': 'identity' };
};

const say = (status: number, line: string): WayOutResponse => ({
  status,
  // git shows the body of a refusal to its user when it is plain text.
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body: nothing(Buffer.from(`${line}\n`)),
});

const nothing = async function* (...pieces: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
};

const answerError = ({ repository: { owner, name } }: Base, status: number): AppError => {
  const isRefusal = status === 401 || status === 403 || status === 404;
  const message = `GitHub answered the fetch of ${owner}/${name} with status ${status}.`;
  return new AppError(isRefusal ? 'github_credentials' : 'clone_failed', message);
};

const transferError = (error: unknown): AppError =>
  error instanceof AppError
    ? error
    : new AppError('clone_failed', 'The connection to GitHub broke off or took too long.', { cause: error });

const tooLarge = (bytesMax: number): AppError =>
  new AppError('repository_too_large', `The repository needs more than ${bytesMax} bytes to fetch.`, {
    whatToDo: 'Raise CLONE_MB_MAX, or use a smaller repository.',
  });
