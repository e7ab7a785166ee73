export type PullRequest = {
  number: number;
  title: string;
  body: string | null;
  /** Branch names; the forge has no forks. */
  head: string;
  base: string;
  headSha: string;
  baseSha: string;
  state: 'open' | 'closed';
  draft: boolean;
  maintainerCanModify: boolean;
  htmlUrl: string;
  createdAt: string;
  updatedAt: string;
  closedAt: string | null;
};
