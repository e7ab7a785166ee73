import { AppError } from '../domain/errors.ts';
import { limitBytes, readAll } from './bytes.ts';

/**
 * `fetch` for Octokit that knows one origin only. Plain `fetch` would carry a redirected request to any host; GitHub
 * answers a renamed repository with a redirect on its own host, so that is all that is followed here.
 */
export const createApiFetch =
  (apiUrl: string): typeof fetch =>
  async (input, init) => {
    const { origin } = new URL(apiUrl);
    let url = new URL(String(input));
    for (let hops = 0; hops <= hopsMax; hops += 1) {
      if (url.origin !== origin) {
        throw new AppError('github_failed', `GitHub’s API redirected to another host, ${url.host}: refused.`);
      }
      const response = await fetch(url, { ...init, redirect: 'manual' });
      const location = redirect(response, init?.method ?? 'GET');
      if (location === undefined) return withLimit(response);
      await response.body?.cancel();
      url = new URL(location, url);
    }
    throw new AppError('github_failed', 'GitHub’s API redirected again and again.');
  };

const hopsMax = 3;

/** No answer that is read here comes near it: a pull request has about 20 KB. */
const answerBytesMax = 4 << 20;

/** 307 and 308 mean «the same request again»; 301 and 302 promise that for GET only. */
const redirect = (response: Response, method: string): string | undefined => {
  const followed = method === 'GET' ? [301, 302, 307, 308] : [307, 308];
  return followed.includes(response.status) ? (response.headers.get('location') ?? undefined) : undefined;
};

const withLimit = async (response: Response): Promise<Response> => {
  if (response.body === null) return response;
  const body = await readAll(limitBytes(response.body, answerBytesMax, 'An answer of GitHub’s API'));
  const hasNoBody = response.status === 204 || response.status === 205 || response.status === 304;
  return new Response(hasNoBody ? null : body, { status: response.status, headers: response.headers });
};
