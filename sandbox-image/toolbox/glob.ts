/**
 * Whether a path is meant by a glob, as people know it from .gitignore: without a slash it is about names in every
 * directory, with one about the whole path; `!` in front turns it around. ripgrep's own globs would bring back what
 * .gitignore names.
 */
export type PathFilter = (path: string) => boolean;

/** Paths are those from the workspace; the glob may mean them, or those from `directory`, '' for the workspace. */
export const createPathFilter = (glob: string | undefined, directory = ''): PathFilter | GlobProblem => {
  if (glob === undefined || glob.trim() === '') return () => true;
  const isNegated = glob.startsWith('!');
  const written = glob.slice(isNegated ? 1 : 0);
  const bare = written.replace(/^(?:\.\/|\/workspace\/|\/)/, '');
  const pattern = bare.endsWith('/') ? `${bare}**` : bare;
  const source = sourceOf(pattern);
  if (typeof source !== 'string') return source;
  const isAnyDirectorys = bare === written && !pattern.includes('/');
  const matches = new RegExp(`^(?:${isAnyDirectorys ? '(?:.*/)?' : ''}${source})$`, 'su');
  // A name without wildcards may be a directory's, and what must not be there is not to be found below it either.
  const isAboutDirectories = isNegated || !/[*?[{]/.test(pattern.slice(pattern.lastIndexOf('/') + 1));
  const fits = (path: string) =>
    (isAboutDirectories ? withParents(path) : [path]).some((one) => matches.test(one));
  const below = directory === '' ? '' : `${directory}/`;
  return (path) => {
    const isMeant = fits(path) || (below !== '' && path.startsWith(below) && fits(path.slice(below.length)));
    return isMeant !== isNegated;
  };
};

/**
 * Options by which ripgrep looks at fewer files, none of which the glob means. File types, which are about names alone,
 * leave .gitignore its word.
 */
export const narrowing = (glob: string | undefined): string[] => {
  const name = glob?.slice(glob.lastIndexOf('/') + 1) ?? '';
  const isTelling = /[*?[{]/.test(name) && /[^*]/.test(name);
  const isWhole = name.split('{').length === name.split('}').length && !name.includes('}{');
  if (glob?.startsWith('!') || !isTelling || !isWhole) return [];
  return ['--type-add', `meant:${name}`, '--type', 'meant'];
};

/** Why a glob is none. */
export type GlobProblem = { globProblem: string };

const withParents = (path: string): string[] => {
  const parts = path.split('/');
  return parts.map((_, index) => parts.slice(0, parts.length - index).join('/'));
};

/** A glob as a regular expression. */
const sourceOf = (glob: string): string | GlobProblem => {
  let source = '';
  let openBraces = 0;
  for (let at = 0; at < glob.length; ) {
    const rest = glob.slice(at);
    const [token = ''] = /^(?:\*\*\/|\/\*\*$|\*+|\[[!^]?\]?[^\]/]*\]|\\.|.)/su.exec(rest) ?? [];
    at += token.length;
    if (token === '**/') source += '(?:.*/)?';
    else if (token === '/**') source += '/.*';
    else if (token.startsWith('*')) source += token.length > 1 ? '.*' : '[^/]*';
    else if (token === '?') source += '[^/]';
    else if (token === '{') {
      openBraces += 1;
      source += '(?:';
    } else if (token === '}' && openBraces > 0) {
      openBraces -= 1;
      source += ')';
    } else if (token === ',' && openBraces > 0) source += '|';
    else if (token === '[') return { globProblem: `«${glob}» has a [ without a ]` };
    else if (token.startsWith('[')) source += classOf(token);
    else source += RegExp.escape(token.replace(/^\\(.)/su, '$1'));
  }
  return openBraces > 0 ? { globProblem: `«${glob}» has a { without a }` } : source;
};

/** `[!a-c]` as `[^a-c]`, never a slash. */
const classOf = (token: string): string => {
  const isNegated = /^\[[!^]/.test(token);
  const members = token.slice(isNegated ? 2 : 1, -1).replaceAll(/[\\\]^[&|~]/g, '\\$&');
  return `(?!/)[${isNegated ? '^' : ''}${members}]`;
};
