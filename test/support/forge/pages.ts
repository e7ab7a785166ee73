import type { Caller } from './authorization.ts';
import type { Git } from './git-process.ts';
import type { RepositoryStore } from './repository-store.ts';
import { refresh } from './rest-pulls.ts';

type Page = { status: number; text: string; location?: string };

/** The pages that a person opens: a repository and a pull request, as plain text. */
export const showPage = async (
  git: Git,
  store: RepositoryStore,
  path: string,
  caller: Caller,
): Promise<Page> => {
  const [, fullName = '', number] = /^\/([^/]+\/[^/]+?)(?:\/pull\/(\d+))?\/?$/.exec(path) ?? [];
  const found = store.find(fullName);
  if (found === undefined || (found.repository.isPrivate && caller !== 'writer' && caller !== 'reader')) {
    return { status: 404, text: 'Not found.\n' };
  }
  const { repository, moved } = found;
  if (moved) {
    const rest = number === undefined ? '' : `/pull/${number}`;
    return { status: 301, text: 'Moved.\n', location: `/${repository.fullName}${rest}` };
  }
  if (number === undefined) {
    const pulls = repository.pullRequests.map((pull) => `#${pull.number} [${pull.state}] ${pull.title}`);
    return { status: 200, text: `${[repository.fullName, '', ...pulls].join('\n')}\n` };
  }
  const pull = repository.pullRequests[Number(number) - 1];
  if (pull === undefined) return { status: 404, text: 'Not found.\n' };
  await refresh(git, repository, pull);
  const diff = await git.text(repository.directory, ['diff', `${pull.baseSha}...${pull.headSha}`]);
  const title = `${pull.title} #${pull.number} [${pull.draft ? 'draft, ' : ''}${pull.state}]`;
  return {
    status: 200,
    text: `${[title, `${pull.base} ← ${pull.head}`, '', pull.body ?? '', '', diff].join('\n')}\n`,
  };
};
