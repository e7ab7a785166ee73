import { once } from 'node:events';
import { createServer } from 'node:http';
import path from 'node:path';
import { startForge } from '../forge/forge.ts';
import type { PullRequest } from '../forge/pull-requests.ts';
import { startModel } from '../model/server.ts';
import { interrupted } from '../scenarios/interrupted.ts';
import { host, ports, repositoryName } from './far-ends-address.ts';

/** What came of the jobs so far: the answer at the port `outcome`. */
export type Outcome = {
  pullRequests: PullRequest[];
  /** Of jobs, each with the commits that it has and the base has not. */
  branches: { name: string; commits: number }[];
  /** Of the latest pull request. */
  files: string[];
  violations: readonly string[];
};

/** The program of the container `far-ends` in override.yml: GitHub and the model for servers in other containers. */
const serve = async (token = '', apiKey = ''): Promise<void> => {
  await using forge = await startForge({ token, host, port: ports.forge });
  await using _model = await startModel({ scenarios: [interrupted], apiKey, host, port: ports.model });
  const directory = path.resolve(import.meta.dirname, '../demo-repository');
  const repository = await forge.createRepository(repositoryName, { directory });
  const lines = async (...args: string[]) => (await repository.git(...args)).split('\n').filter(Boolean);

  const outcome = async (): Promise<Outcome> => {
    const pullRequests = forge.pullRequests(repositoryName);
    const latest = pullRequests.at(-1);
    const names = await lines('for-each-ref', '--format=%(refname:lstrip=2)', 'refs/heads/backspace');
    return {
      pullRequests,
      branches: await Promise.all(
        names.map(async (name) => ({ name, commits: (await lines('rev-list', `HEAD..${name}`)).length })),
      ),
      files: latest ? await lines('diff', '--name-only', latest.baseSha, latest.headSha) : [],
      violations: forge.violations,
    };
  };
  const server = createServer(async (_, response) => response.end(JSON.stringify(await outcome())));
  server.listen(ports.outcome, '127.0.0.1');
  await once(process, 'SIGTERM');
  server.close();
};

await serve(process.env.GITHUB_TOKEN, process.env.ANTHROPIC_API_KEY);
