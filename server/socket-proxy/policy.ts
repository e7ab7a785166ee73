import type { BodyCheck } from './check-shape.ts';
import { containerFieldNames, createContainerCheck, type SandboxBounds } from './container-check.ts';
import { checkExec, checkExecStart } from './exec-check.ts';
import { ignored, listQuery, noQuery, type QueryCheck, removeQuery } from './query-checks.ts';
import { Refusal, shorten } from './refusal.ts';

export type Kind = 'container' | 'exec';

/** A request that may go on to the engine, once its body is checked and what it names proves to be ours. */
export type Permitted = {
  method: string;
  /** Path and query, put together anew from the parts that were checked. */
  path: string;
  /** Must be a container, or an exec, of the server's. */
  names?: { kind: Kind; id: string };
  /** Without it the request must come without a body. */
  checkBody?: BodyCheck;
  /** Whose id the engine's answer tells. */
  creates?: Kind;
  /** The connection becomes the stdio of an exec. */
  hijack?: true;
  /** The engine answers when something happens, and the server may wait for it as long as it likes. */
  waits?: true;
};

/** Decides by method and request target, as they came; throws Refusal. */
export type Policy = (method: string, target: string) => Permitted;

/**
 * All that the server needs of Docker, and nothing else. Paths are compared whole against these few forms, so that no
 * spelling of another path (encodings, dots, double slashes, host names) is ever taken for one of them.
 */
export const createPolicy = (bounds: SandboxBounds): Policy => {
  const rules: readonly Rule[] = [
    rule('GET', '/_ping'),
    rule('HEAD', '/_ping'),
    rule('GET', '/version'),
    rule('GET', '/info'),
    ...bounds.images.map((image) => rule('GET', `/images/${RegExp.escape(image)}/json`)),
    rule('POST', '/containers/create', {
      query: ignored(containerFieldNames(bounds)),
      checkBody: createContainerCheck(bounds),
      creates: 'container',
    }),
    rule('GET', '/containers/json', { query: listQuery }),
    rule('GET', '/containers/ID/json', { names: 'container' }),
    rule('POST', '/containers/ID/start', { names: 'container' }),
    rule('POST', '/containers/ID/wait', { names: 'container', waits: true }),
    rule('POST', '/containers/ID/kill', { names: 'container' }),
    rule('DELETE', '/containers/ID', { names: 'container', query: removeQuery }),
    rule('POST', '/containers/ID/exec', { names: 'container', checkBody: checkExec, creates: 'exec' }),
    rule('GET', '/exec/ID/json', { names: 'exec' }),
    rule('POST', '/exec/ID/start', { names: 'exec', checkBody: checkExecStart, hijack: true }),
  ];

  return (method, target) => {
    const { version, path, query } = targetForm.exec(target)?.groups ?? {};
    for (const candidate of rules) {
      const match = candidate.method === method ? candidate.path.exec(path ?? '') : null;
      if (match) return permit(candidate, match, version ?? '', query);
    }
    throw new Refusal(403, `The server has no need of ${shorten(`${method} ${target}`)}.`);
  };
};

/** Older versions of the API than 1.40 (Docker 19.03) give the same bodies another meaning. */
const targetForm = /^(?<version>\/v1\.[4-9]\d)?(?<path>\/[^?#]*)(?:\?(?<query>[^#]*))?$/;

type Rule = Omit<Permitted, 'path' | 'names'> & { path: RegExp; names?: Kind; query: QueryCheck };

/** Containers and execs go by their full id only: a name or a prefix may be another one's tomorrow. */
const rule = (method: string, path: string, more: Partial<Omit<Rule, 'method' | 'path'>> = {}): Rule => ({
  query: noQuery,
  ...more,
  method,
  path: new RegExp(`^${path.replace('ID', '(?<id>[0-9a-f]{64})')}$`),
});

const permit = (
  { path: _, names, query: checkQuery, ...rest }: Rule,
  match: RegExpExecArray,
  version: string,
  query: string | undefined,
): Permitted => {
  const checked = checkQuery(query ?? '');
  const id = match.groups?.id;
  return {
    ...rest,
    path: `${version}${match[0]}${checked === '' ? '' : `?${checked}`}`,
    ...(names && id ? { names: { kind: names, id } } : {}),
  };
};
