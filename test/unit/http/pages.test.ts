import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JobEvent } from '../../../server/domain/job-event.ts';
import { openDrivenStore } from '../../support/postgres/driven-store.ts';
import { createJob, createRunningJob, serve, succeeded } from './serve.ts';

const json = { Accept: 'application/json' };

const said = (message: string) => ({ type: 'AI Message', message }) as const;

type Page = { events: JobEvent[]; next: number | null };

const getPage = async (url: string): Promise<Page> => {
  const response = await fetch(url, { headers: json });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'application/json; charset=utf-8');
  assert.equal(response.headers.get('cache-control'), 'no-store');
  assert.equal(response.headers.get('vary'), 'Accept');
  return (await response.json()) as Page;
};

test('events come as JSON, page after page to the end, each as it is stored', async () => {
  await using server = await serve();
  await createRunningJob(server.store, 'a');
  for (let n = 2; n <= 249; n++) await server.store.append('a', said(`${n}`));
  await server.store.append('a', succeeded);
  const url = `${server.url}/jobs/a/events`;
  const stored = await server.store.eventsAfter('a', 0, 1000);

  const cursors: (number | null)[] = [];
  const seen: JobEvent[] = [];
  for (let after: number | null = 0; after !== null; ) {
    const page = await getPage(`${url}?after=${after}&limit=120`);
    seen.push(...page.events);
    cursors.push(page.next);
    after = page.next;
  }
  assert.deepEqual(cursors, [120, 240, null]);
  assert.deepEqual(seen, stored);
  assert.deepEqual(await getPage(url), { events: stored.slice(0, 100), next: 100 });
  assert.deepEqual(await getPage(`${url}?limit=1000`), { events: stored, next: null });
  assert.deepEqual(await getPage(`${url}?after=250`), { events: [], next: null });
});

test('of a job that goes on the cursor of the last page waits for what is to come', async () => {
  await using server = await serve();
  await createRunningJob(server.store, 'a');
  await server.store.append('a', said('two'));
  const url = `${server.url}/jobs/a/events`;
  assert.deepEqual((await getPage(url)).next, 2);
  assert.deepEqual(await getPage(`${url}?after=2`), { events: [], next: 2 });
  const beyond = await fetch(`${url}?after=3`, { headers: json });
  assert.equal(beyond.status, 422);
  const last = await server.store.append('a', succeeded);
  assert.deepEqual(await getPage(`${url}?after=2`), { events: [last], next: null });
});

test('a page of large events is shorter than asked for, and the next one goes on behind it', async () => {
  await using server = await serve();
  await createRunningJob(server.store, 'a');
  for (let n = 2; n <= 7; n++) await server.store.append('a', said('x'.repeat(1 << 20)));
  await server.store.append('a', said('x'.repeat(5 << 20)));
  const url = `${server.url}/jobs/a/events`;
  const ids = async (after: number) => (await getPage(`${url}?after=${after}`)).events.map(({ id }) => id);
  assert.deepEqual([await ids(0), await ids(4), await ids(7)], [[1, 2, 3, 4], [5, 6, 7], [8]]);
});

test('what a page may not ask for is refused by name', async () => {
  await using server = await serve();
  await createJob(server.store, 'a');
  const fieldOf = async (path: string) => {
    const response = await fetch(server.url + path, { headers: json });
    const { errors } = (await response.json()) as { errors?: { field: string }[] };
    return [path, response.status, errors?.[0]?.field];
  };
  const table: [path: string, field: string][] = [
    ...['0', '1001', '-1', '1.5', 'x', '', '1&limit=2'].map((limit): [string, string] => [
      `/jobs/a/events?limit=${limit}`,
      'limit',
    ]),
    ...['0', '101', 'all'].map((limit): [string, string] => [`/jobs?limit=${limit}`, 'limit']),
    ...['done', 'Queued', '', 'queued&state=running'].map((state): [string, string] => [
      `/jobs?state=${state}`,
      'state',
    ]),
    ...['nobody', '', 'a&before=a', '%00', "a'"].map((before): [string, string] => [
      `/jobs?before=${before}`,
      'before',
    ]),
    ['/jobs/a/events?stream=maybe', 'stream'],
    ['/jobs/a/events?after=x', 'after'],
  ];
  for (const [path, field] of table) assert.deepEqual(await fieldOf(path), [path, 422, field]);
});

test('whoever takes both JSON and a stream gets the stream, and the query has the last word', async () => {
  await using server = await serve();
  await createRunningJob(server.store, 'a');
  await server.store.append('a', succeeded);
  const typeFor = async (Accept: string | undefined, query = '') => {
    const response = await fetch(`${server.url}/jobs/a/events${query}`, {
      headers: Accept === undefined ? {} : { Accept },
    });
    await response.body?.cancel();
    return response.headers.get('content-type')?.split(';')[0];
  };
  const stream = 'text/event-stream';
  const document = 'application/json';
  const table: [accept: string | undefined, query: string, type: string][] = [
    [undefined, '', stream],
    ['*/*', '', stream],
    ['text/event-stream', '', stream],
    ['application/json, text/event-stream', '', stream],
    ['text/html', '', stream],
    ['application/json', '', document],
    ['application/*', '', document],
    ['application/json, text/event-stream;q=0', '', document],
    ['application/json', '?stream=true', stream],
    ['text/event-stream', '?stream=false', document],
  ];
  for (const [accept, query, type] of table) {
    assert.deepEqual([accept, query, await typeFor(accept, query)], [accept, query, type]);
  }
});

test('jobs are listed newest first, page after page and by state', async () => {
  await using server = await serve({ store: await openDrivenStore() });
  for (let n = 1; n <= 25; n++) await createJob(server.store, `job-${n}`);
  await server.store.take();
  const get = async (query = '') => {
    const response = await fetch(`${server.url}/jobs${query}`);
    const { jobs, next } = (await response.json()) as { jobs: { id: string }[]; next: string | null };
    return { ids: jobs.map(({ id }) => Number(id.slice(4))), next };
  };
  const down = (from: number, to: number) => Array.from({ length: from - to + 1 }, (_, n) => from - n);
  assert.deepEqual(await get(), { ids: down(25, 6), next: 'job-6' });
  assert.deepEqual(await get('?before=job-6'), { ids: down(5, 1), next: null });
  assert.deepEqual(await get('?before=job-1'), { ids: [], next: null });
  assert.deepEqual(await get('?limit=25'), { ids: down(25, 1), next: null });
  assert.deepEqual(await get('?limit=24'), { ids: down(25, 2), next: 'job-2' });
  assert.deepEqual(await get('?state=running'), { ids: [1], next: null });
  assert.deepEqual(await get('?state=failed'), { ids: [], next: null });
  assert.deepEqual(await get('?state=queued&limit=2&before=job-20'), { ids: [19, 18], next: 'job-18' });

  const [first] = ((await (await fetch(`${server.url}/jobs?limit=1`)).json()) as { jobs: unknown[] }).jobs;
  assert.deepEqual(first, {
    ...{ id: 'job-25', state: 'queued', repoUrl: 'https://github.com/octocat/hello-world' },
    ...{ prompt: 'Mend it', baseBranch: null, createdAt: '2026-01-02T03:04:05.678Z' },
    ...{ startedAt: null, endedAt: null },
  });
});
