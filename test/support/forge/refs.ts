import type { Git } from './git-process.ts';

type GitObject = { sha: string; type: string };

/** What each of the names stands for in the repository, undefined where it stands for nothing. */
export const lookUp = async (
  git: Git,
  directory: string,
  names: readonly string[],
): Promise<(GitObject | undefined)[]> => {
  const format = '--batch-check=%(objectname) %(objecttype)';
  const lines = (await git.text(directory, ['cat-file', format], Buffer.from(`${names.join('\n')}\n`))).split(
    '\n',
  );
  return lines.map((line) => {
    const [, sha, type] = /^([0-9a-f]{40}) (commit|tree|blob|tag)$/.exec(line) ?? [];
    return sha === undefined || type === undefined ? undefined : { sha, type };
  });
};

export const branchTip = async (git: Git, directory: string, branch: string): Promise<string | undefined> => {
  if (!isRefName(`refs/heads/${branch}`)) return undefined;
  const [found] = await lookUp(git, directory, [`refs/heads/${branch}`]);
  return found?.sha;
};

export const isEmpty = async (git: Git, directory: string): Promise<boolean> =>
  (await git.text(directory, ['for-each-ref', '--count=1', 'refs/heads', 'refs/tags'])) === '';

/** The rules of `git check-ref-format`, so that no revision syntax (`main~1`, `a:b`) passes as a name. */
export const isRefName = (name: string): boolean =>
  name.split('/').every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock')) &&
  !/[\s~^:?*[\\\p{Cc}]|\.\.|@\{|\.$/u.test(name);
