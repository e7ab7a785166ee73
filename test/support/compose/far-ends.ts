import { once } from 'node:events';
import { createServer } from 'node:http';
import path from 'node:path';
import { startForge } from '../forge/forge.ts';
import type { PullRequest } from '../forge/pull-requests.ts';
import { startModel } from '../model/server.ts';
import { addValidation } from '../scenarios/add-validation.ts';
import { ports, repositoryName } from './ports.ts';

/** What came of the jobs so far: the answer at the port `outcome`. */
export type Outcome = {
  pullRequests: PullRequest[];
  /** Of the latest pull request. */
  files: string[];
  violations: readonly string[];
};

/**
 * The program of the container `far-ends` in override.yml: GitHub and the model for a server in another container,
 * which reaches them by loopback, since both have the same network namespace.
 */
const serve = async (token = '', apiKey = ''): Promise<void> => {
  await using forge = await startForge({ token, port: ports.forge });
  await using _model = await startModel({ scenarios: [addValidation], apiKey, port: ports.model });
  const directory = path.resolve(import.meta.dirname, '../demo-repository');
  const repository = await forge.createRepository(repositoryName, { directory });

  const outcome = async (): Promise<Outcome> => {
    const pullRequests = forge.pullRequests(repositoryName);
    const latest = pullRequests.at(-1);
    const names = latest ? await repository.git('diff', '--name-only', latest.baseSha, latest.headSha) : '';
    return { pullRequests, files: names.split('\n').filter(Boolean), violations: forge.violations };
  };
  const server = createServer(async (_, response) => response.end(JSON.stringify(await outcome())));
  server.listen(ports.outcome, '127.0.0.1');
  await once(process, 'SIGTERM');
  server.close();
};

await serve(process.env.GITHUB_TOKEN, process.env.ANTHROPIC_API_KEY);
