import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startForgeAndModel } from '../support/forge-and-model.ts';
import { linesOf, postJob, type StreamedEvent } from '../support/job-stream.ts';
import { addValidation, addValidationPrompt } from '../support/scenarios/add-validation.ts';
import { startServerProcess } from '../support/server-process.ts';

/**
 * `npm run demo`: the main job, as a user sees it. Without keys on a local forge with a scenario for a model; with
 * ANTHROPIC_API_KEY, GITHUB_TOKEN, a repository and a prompt against the real ones.
 */
const demo = async (): Promise<boolean> => {
  if (existsSync(settingsFile)) process.loadEnvFile(settingsFile);
  const { positionals } = parseArgs({ allowPositionals: true });
  const [repoUrl, prompt] = positionals;
  const { ANTHROPIC_API_KEY, GITHUB_TOKEN } = process.env;
  if (repoUrl === undefined) return local();
  if (prompt === undefined || !ANTHROPIC_API_KEY || !GITHUB_TOKEN) {
    say(
      'To run a job on github.com, set ANTHROPIC_API_KEY and GITHUB_TOKEN and give a repository and a prompt:',
    );
    say('  npm run demo -- https://github.com/owner/name "What to change"');
    say('Without a repository the demo runs on local stand-ins and needs no key.');
    return false;
  }
  return real(repoUrl, prompt, process.env);
};

/** As the server does at `npm start`: what is in the environment goes before. */
const settingsFile = path.resolve(import.meta.dirname, '../../.env');

/** What makes the demo's server one for this job only: on loopback, on a free port, without keys of its clients. */
const demoSettings = { PORT: '0', HOST: '127.0.0.1', PUBLIC_URL: '', API_KEYS: '', LOG_LEVEL: 'info' };

/** A pause before each piece that the scenario model streams, so that the reply can be watched. */
const msPerEvent = 6;

const local = async (): Promise<boolean> => {
  say('This demo needs no keys. Two ends are local stand-ins that speak the true protocols:');
  say('  GitHub is a local forge (REST API and git over HTTP),');
  say(
    '  the model is a SCENARIO FILE (test/support/scenarios/add-validation.ts): no live model thinks here.',
  );
  say('Everything between them is real: server, gVisor sandbox, git, tests, commit, push, pull request.\n');
  await using farEnds = await startForgeAndModel([addValidation], msPerEvent);
  const { forge, settings } = farEnds;
  await using data = await ownDirectory();
  const directory = path.resolve(import.meta.dirname, '../support/demo-repository');
  const repository = await forge.createRepository('acme/page-turners', { directory });
  await using server = await startServerProcess({ ...settings, DATA_DIR: data.path });

  const last = await watch(server.url, `${forge.url}/${repository.fullName}`, addValidationPrompt);
  if (last?.type !== 'Result') return false;
  const [pullRequest] = forge.pullRequests(repository.fullName);
  if (!pullRequest) return false;
  const diff = await repository.git('diff', pullRequest.baseSha, pullRequest.headSha);
  show({ ...pullRequest, body: pullRequest.body ?? '', url: pullRequest.htmlUrl, diff });
  return true;
};

const real = async (repoUrl: string, prompt: string, environment: NodeJS.ProcessEnv): Promise<boolean> => {
  say(
    'Live: the model and GitHub are the real ones. Tokens will be spent and a pull request will be opened.\n',
  );
  const settings = Object.entries(environment).flatMap(([name, value]) => (value ? [[name, value]] : []));
  await using data = await ownDirectory();
  const own = { ...demoSettings, DATABASE_URL: '', DATA_DIR: data.path };
  await using server = await startServerProcess({ ...Object.fromEntries(settings), ...own });
  const last = await watch(server.url, repoUrl, prompt);
  if (last?.type !== 'Result') return false;
  if (last.prUrl === null) return true;
  const api = environment.GITHUB_API_URL || 'https://api.github.com';
  const pull = last.prUrl.replace(/^https?:\/\/[^/]+\/(.+)\/pull\/(\d+)$/, `${api}/repos/$1/pulls/$2`);
  const ask = (accept: string) =>
    fetch(pull, { headers: { accept, authorization: `Bearer ${environment.GITHUB_TOKEN}` } });
  const { title, body } = (await (await ask('application/vnd.github+json')).json()) as {
    title: string;
    body: string;
  };
  show({ url: last.prUrl, title, body, diff: await (await ask('application/vnd.github.diff')).text() });
  return true;
};

/** The demo's job is nobody else's: it is kept apart, and goes with the demo. */
const ownDirectory = async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'backspace-demo-'));
  return { path: directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
};

/** Posts the job, prints the stream as it arrives, and gives back its last event. */
const watch = async (server: string, repoUrl: string, prompt: string): Promise<StreamedEvent | undefined> => {
  const body = { repoUrl, prompt };
  say(`$ curl -N ${server}/code -H 'content-type: application/json' -d '${JSON.stringify(body)}'\n`);
  const response = await postJob(server, body);
  let last: StreamedEvent | undefined;
  for await (const line of linesOf(response)) {
    say(line);
    if (line.startsWith('data: ')) last = JSON.parse(line.slice('data: '.length)) as StreamedEvent;
  }
  return last;
};

const show = ({ url, title, body, diff }: { url: string; title: string; body: string; diff: string }) => {
  const rule = '─'.repeat(80);
  say(`${rule}\nPull request ${url}\n\n# ${title}\n\n${body}\n${rule}\n${diff}`);
};

/** A diff holds what the agent wrote: nothing of it may steer the terminal. */
const say = (line: string) => process.stdout.write(`${line.replace(/[^\P{Cc}\n\t]/gu, '\ufffd')}\n`);

process.exitCode = (await demo()) ? 0 : 1;
