import type { Base } from '../../server/domain/repository.ts';

/** The base of a job that never comes to a repository. */
export const base: Base = {
  repositoryId: 1,
  repository: { owner: 'octo', name: 'books' },
  private: false,
  branch: 'main',
  commit: '0123456789abcdef0123456789abcdef01234567',
};
