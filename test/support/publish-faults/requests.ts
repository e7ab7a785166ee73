/** What a publish asks GitHub, in this order; it gets a ref or a pull request only where it finds one made. */
export const requestPatterns = {
  'create ref': /^POST \/api\/repos\/[^/]+\/[^/]+\/git\/refs$/,
  'get ref': /^GET \/api\/repos\/[^/]+\/[^/]+\/git\/ref\//,
  'list branches': /^GET .*\/info\/refs\?service=git-receive-pack$/,
  push: /^POST .*\/git-receive-pack$/,
  'list pulls': /^GET \/api\/repos\/[^/]+\/[^/]+\/pulls\?/,
  'create pull': /^POST \/api\/repos\/[^/]+\/[^/]+\/pulls$/,
  'get pull': /^GET \/api\/repos\/[^/]+\/[^/]+\/pulls\/\d+$/,
} as const;

export type RequestName = keyof typeof requestPatterns;

export type Request = { method: string; path: string; query: string };

export const nameOf = ({ method, path, query }: Request): RequestName | undefined => {
  const line = `${method} ${path}${query === '' ? '' : `?${query}`}`;
  return (Object.keys(requestPatterns) as RequestName[]).find((name) => requestPatterns[name].test(line));
};

/** `owner/name` of the repository that a request of the API or of git is about. */
export const repositoryOf = ({ path }: Request): string =>
  /^(?:\/api\/repos)?\/([^/]+\/[^/]+?)(?:\.git)?(?:\/|$)/.exec(path)?.[1] ?? '';
