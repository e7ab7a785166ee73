import type { Base } from '../domain/repository.ts';
import type { GitHubOptions } from './options.ts';

/** The one spelling of a repository's address that is used everywhere. */
export const repositoryUrl = ({ url }: GitHubOptions, { repository }: Base): string =>
  `${url}/${repository.owner}/${repository.name}.git`;

/** GitHub takes any token as the password of this user: docs.github.com, «HTTP-based Git access». */
export const basicAuthorization = ({ token }: GitHubOptions): string =>
  `Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;
