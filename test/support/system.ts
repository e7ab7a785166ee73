import assert from 'node:assert/strict';
import { labels } from '../../server/docker/container-spec.ts';
import { requireDocker } from './docker.ts';
import { type FarEnds, startFarEnds } from './far-ends.ts';
import type { ForgeRepository } from './forge/forge.ts';
import { eventsOf, postJob, type StreamedEvent } from './job-stream.ts';
import { call, type Scenario, say } from './model/scenario.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';

/** A job whose stream the test reads at its own pace. */
export type StartedJob = {
  id: string;
  /** All that was read so far. */
  events: readonly StreamedEvent[];
  /** Reads on to the next event of this type; rejects when the stream ends before. */
  until<T extends StreamedEvent['type']>(type: T): Promise<Extract<StreamedEvent, { type: T }>>;
  /** Reads on to the end, and gives back the terminal event after a look whether it is the only one, and the last. */
  end(): Promise<StreamedEvent>;
  /** Breaks the connection, as a client does that goes away. */
  leave(): void;
};

/**
 * A server process between a forge and a model, with one small repository. Disposing stops it all, and fails when a
 * job that was started here has left a container.
 */
export type System = AsyncDisposable &
  Pick<FarEnds, 'forge' | 'model'> & {
    /** The one that runs at the moment. */
    readonly server: ServerProcess;
    repository: ForgeRepository;
    repoUrl: string;
    /** With further fields of the request, if there are any. */
    start(prompt: string, request?: Record<string, unknown>): Promise<StartedJob>;
    cancel(job: StartedJob): Promise<Response>;
    /** Ids of the containers that this job has on the engine, in whichever state. */
    containers(job: StartedJob): Promise<string[]>;
    /** Ends the server by this signal and starts it again with the same settings; it listens at another port. */
    restart(signal: NodeJS.Signals): Promise<void>;
  };

export type SystemOptions = {
  scenarios: Scenario[];
  settings?: Record<string, string>;
  secrets?: { gitHubToken?: string; modelKey?: string; apiKey?: string };
  msPerEvent?: number;
  /** Far longer than any of the jobs takes. */
  jobMs?: number;
};

export const startSystem = async (options: SystemOptions): Promise<System> => {
  const { scenarios, settings = {}, secrets = {}, msPerEvent, jobMs = 60_000 } = options;
  const docker = await requireDocker();
  await using stack = new AsyncDisposableStack();
  const farEnds = stack.use(await startFarEnds(scenarios, msPerEvent, secrets));
  const { forge, model } = farEnds;
  const repository = await forge.createRepository('acme/books', { files: { 'README.md': '# Books\n' } });
  const startServer = () => startServerProcess({ ...farEnds.settings, ...settings });
  let server = await startServer();
  let restarted = Promise.resolve();
  stack.defer(() => server[Symbol.asyncDispose]());
  const repoUrl = `${forge.url}/${repository.fullName}`;
  const headers: Record<string, string> = secrets.apiKey ? { authorization: `Bearer ${secrets.apiKey}` } : {};
  const jobs: StartedJob[] = [];
  const containers = async ({ id }: StartedJob) => {
    const found = await docker.listContainers({ all: true, filters: { label: [`${labels.job}=${id}`] } });
    return found.map(({ Id }) => Id);
  };
  const owned = stack.move();

  return {
    ...{ forge, model, repository, repoUrl, containers },
    get server() {
      return server;
    },
    async start(prompt, request = {}) {
      const connection = new AbortController();
      const signal = AbortSignal.any([connection.signal, AbortSignal.timeout(jobMs)]);
      const response = await postJob(server.url, { repoUrl, prompt, ...request }, { ...secrets, signal });
      const job = { ...(await readJob(response, server.log)), leave: () => connection.abort() };
      jobs.push(job);
      return job;
    },
    restart(signal) {
      // One after the other, or there would be two servers.
      restarted = restarted.then(async () => {
        await server.stop(signal);
        server = await startServer();
      });
      return restarted;
    },
    cancel: ({ id }) => fetch(`${server.url}/jobs/${id}`, { method: 'DELETE', headers }),
    async [Symbol.asyncDispose]() {
      await owned.disposeAsync();
      const left = (await Promise.all(jobs.map(containers))).flat();
      for (const id of left) await docker.getContainer(id).remove({ force: true });
      assert.deepEqual(left, [], 'a job has left a container');
    },
  };
};

const readJob = async (response: Response, log: () => string): Promise<Omit<StartedJob, 'leave'>> => {
  assert.equal(response.status, 200, response.status === 200 ? '' : await response.text());
  const stream = eventsOf(response);
  const events: StreamedEvent[] = [];
  const next = async (): Promise<StreamedEvent | undefined> => {
    const { value, done } = await stream.next().catch((cause: unknown) => {
      // Why it broke off, only the server can say.
      throw new Error(`the stream broke off; the server’s log:\n${log()}`, { cause });
    });
    if (done) return undefined;
    events.push(value);
    return value;
  };
  const first = await next();
  assert(first?.type === 'Job: Queued');
  return {
    id: first.jobId,
    events,
    async until(type) {
      for (;;) {
        const event = await next();
        if (event === undefined) assert.fail(`no ${type} came after:\n${events.map(shown).join('\n')}`);
        if (event.type === type) return event as Extract<StreamedEvent, { type: typeof type }>;
      }
    },
    async end() {
      while ((await next()) !== undefined);
      const terminal = events.filter(({ type }) => type === 'Result' || type === 'Error');
      assert.deepEqual(terminal, events.slice(-1));
      return terminal[0] ?? assert.fail('the stream has no terminal event');
    },
  };
};

const shown = (event: StreamedEvent): string => JSON.stringify(event).slice(0, 300);

export const quickPrompt = 'Add a line of notes';

/** Writes one file and is done: the shortest job that ends with a pull request. */
export const quick: Scenario = {
  name: 'quick',
  when: quickPrompt,
  turns: [
    { reply: [say('I write it down.'), call('write', { filepath: 'NOTES.md', content: 'Read more.\n' })] },
    { expect: /^Wrote NOTES\.md/, reply: [say('Add notes\n\nOne line of them.')] },
  ],
};
