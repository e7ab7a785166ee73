import type { RepositoryName } from './repository.ts';

/**
 * Reads `<githubUrl>/<owner>/<name>`, with an optional `.git` and one optional slash behind it, and nothing else.
 * The raw text is matched against a grammar: `new URL` would forgive tabs, backslashes, encodings, dots and the
 * many spellings of an address, and what it forgives could lead the server's token to another host. Only owner and
 * name go on from here; every URL is built anew from the configuration.
 *
 * `githubUrl` is the configured one, `https://github.com` or an Enterprise Server's. A problem never repeats the
 * text, which may hold a token.
 */
export const parseRepositoryUrl = (text: string, githubUrl: string): RepositoryName | { problem: string } => {
  const prefix = githubUrl.endsWith('/') ? githubUrl : `${githubUrl}/`;
  const expected = `must be ${prefix}<owner>/<name>`;

  if (text === '') return { problem: `${expected}, but is empty` };
  if (text.length > prefix.length + pathCharactersMax) return { problem: `${expected}, but is too long` };
  // Only then is toLowerCase safe: it turns the Kelvin sign into an ordinary k.
  if (!/^[\x21-\x7e]+$/.test(text)) {
    return { problem: `${expected}, without spaces, control characters or letters beyond ASCII` };
  }
  if (text.slice(0, prefix.length).toLowerCase() !== prefix.toLowerCase()) return { problem: expected };

  const path = pathGrammar.exec(text.slice(prefix.length));
  const [, owner, nameWithSuffix] = path ?? [];
  if (owner === undefined || nameWithSuffix === undefined) {
    return { problem: `${expected}, without query, fragment, encoding or a longer path` };
  }
  if (!isOwner(owner)) return { problem: `${expected}, but its owner is not a GitHub account name` };

  const name = nameWithSuffix.replace(/\.git$/, '');
  if (!isName(name)) return { problem: `${expected}, but its name is not a GitHub repository name` };
  return { owner, name };
};

const ownerCharactersMax = 39;
const nameCharactersMax = 100;
const pathCharactersMax = ownerCharactersMax + '/'.length + nameCharactersMax + '.git/'.length;

const pathGrammar = /^([A-Za-z0-9_-]+)\/([A-Za-z0-9._-]+)\/?$/;

/** Alphanumeric with single hyphens between; accounts that an enterprise manages end in `_` and a short code. */
const isOwner = (owner: string): boolean =>
  owner.length <= ownerCharactersMax && /^[A-Za-z0-9]+(-[A-Za-z0-9]+)*(_[A-Za-z0-9]+)?$/.test(owner);

const isName = (name: string): boolean =>
  name.length >= 1 &&
  name.length <= nameCharactersMax &&
  name !== '.' &&
  name !== '..' &&
  !name.toLowerCase().endsWith('.git');
