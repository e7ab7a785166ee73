import type { Caller } from './authorization.ts';
import type { Git } from './git-process.ts';
import type { Repository } from './repository-store.ts';

/** What a route is given: a request that GitHub's description accepts, from a caller who may make it. */
type RestRequest = {
  caller: Caller;
  parameters: Readonly<Record<string, unknown>>;
  body: Readonly<Record<string, unknown>>;
};

export type RestAnswer = { status: number; body?: unknown; headers?: Record<string, string> };

/** The addresses are those of the forge: `apiUrl` for REST, `url` for git and pages. */
export type RestWorld = { git: Git; apiUrl: string; url: string };

export type Route = (world: RestWorld, request: RestRequest) => Promise<RestAnswer>;
export type RepositoryRoute = (
  world: RestWorld,
  repository: Repository,
  request: RestRequest,
) => Promise<RestAnswer>;

export const ok = (body: unknown, headers: Record<string, string> = {}): RestAnswer => ({
  status: 200,
  body,
  headers,
});

/** GitHub repeats the status as text in the body. */
export const failure = (status: number, message: string, details: object = {}): RestAnswer => ({
  status,
  body: { message, ...details, documentation_url: 'https://docs.github.com/rest', status: String(status) },
});

export const notFound = (): RestAnswer => failure(404, 'Not Found');
export const emptyRepository = (): RestAnswer => failure(409, 'Git Repository is empty.');

export type FieldError = { field?: string; code: string; message?: string };

export const validationFailed = (resource: string, ...errors: FieldError[]): RestAnswer =>
  failure(422, 'Validation Failed', { errors: errors.map((error) => ({ resource, ...error })) });
