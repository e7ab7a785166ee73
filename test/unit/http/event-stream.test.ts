import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { JobStore } from '../../../server/domain/job.ts';
import { type DrivenStore, openDrivenStore } from '../../support/postgres/driven-store.ts';
import { createJob, createRunningJob, postJson, repoUrl, serve, succeeded, until } from './serve.ts';

const message = (text: string) => ({ type: 'AI Message', message: text }) as const;

/** The numbers and data of a stream's events, read as a client would. */
const eventsIn = (text: string): { id: number; data: unknown }[] =>
  [...text.matchAll(/^id: (\d+)\ndata: ([^\n]+)\n\n/gm)].map(([, id, data]) => ({
    id: Number(id),
    data: JSON.parse(String(data)),
  }));

const idsIn = (text: string): number[] => eventsIn(text).map(({ id }) => id);

const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** Reads until the text so far matches, then leaves the stream open. */
const readUntil = async (
  reader: ReadableStreamDefaultReader<Uint8Array>,
  pattern: RegExp,
): Promise<string> => {
  const decoder = new TextDecoder();
  let text = '';
  while (!pattern.test(text)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the stream ended with ${JSON.stringify(text)}`);
    text += decoder.decode(value, { stream: true });
  }
  return text;
};

const readerOf = (response: Response): ReadableStreamDefaultReader<Uint8Array> => {
  assert.ok(response.body);
  return response.body.getReader();
};

test('POST /code answers at once with the queued job and goes on to its terminal event', async () => {
  await using server = await serve();
  const response = await postJson(`${server.url}/code`, { repoUrl: `${repoUrl}.git/`, prompt: 'Mend it' });
  assert.deepEqual(
    ['content-type', 'cache-control', 'x-accel-buffering', 'content-encoding'].map((name) =>
      response.headers.get(name),
    ),
    ['text/event-stream', 'no-cache', 'no', null],
  );
  assert.equal(response.status, 200);
  const reader = readerOf(response);
  const beginning = await readUntil(reader, /\n\n.*\n\n/s);
  assert.match(beginning, /^retry: 2000\n\nid: 1\ndata: \{"type":"Job: Queued",.*,"at":"[^"]+"\}\n\n$/);
  const [first] = await server.store.eventsAfter('job-1', 0, 1);
  assert.deepEqual(eventsIn(beginning), [
    {
      id: 1,
      data: {
        type: 'Job: Queued',
        jobId: 'job-1',
        url: `${server.url}/jobs/job-1`,
        repoUrl,
        prompt: 'Mend it',
        at: first?.at,
      },
    },
  ]);

  const { job } = await server.store.take();
  await server.store.append(job.id, message('line\nline\r\u2028'));
  await server.store.append(job.id, succeeded);
  const rest = await readUntil(reader, /"Result".*\n\n/);
  const stored = await server.store.eventsAfter('job-1', 1, 10);
  assert.deepEqual(
    eventsIn(rest),
    stored.map(({ id, ...data }) => ({ id, data })),
  );
  assert.equal((await reader.read()).done, true);
  assert.deepEqual(server.lines, []);
});

test('a long history comes completely and in order, whatever the cursor', async () => {
  await using server = await serve();
  await createRunningJob(server.store, 'a');
  for (const n of numbers(2, 349)) await server.store.append('a', message(`${n}`.repeat(300)));
  await server.store.append('a', succeeded);
  const url = `${server.url}/jobs/a/events`;

  const ids = async (path: string, headers: Record<string, string> = {}) =>
    idsIn(await (await fetch(url + path, { headers })).text());
  assert.deepEqual(await ids(''), numbers(1, 350));
  assert.deepEqual(await ids('?after=0'), numbers(1, 350));
  assert.deepEqual(await ids('?after=349'), [350]);
  assert.deepEqual(await ids('', { 'Last-Event-ID': '100' }), numbers(101, 350));
  assert.deepEqual(await ids('?after=5', { 'Last-Event-ID': '200' }), numbers(201, 350));
});

test('a reader that comes back at any event gets every event once', async () => {
  await using server = await serve();
  await createRunningJob(server.store, 'a');
  const seen: number[] = [];
  for (const n of numbers(1, 20)) {
    const response = await fetch(`${server.url}/jobs/a/events?after=${n - 1}`);
    const reader = readerOf(response);
    seen.push(...idsIn(await readUntil(reader, /id: .*\n\n/s)));
    await reader.cancel();
    await server.store.append('a', message('next'));
  }
  assert.deepEqual(seen, numbers(1, 20));
});

test('a finished job answers 204 behind its end, so that a browser does not come back', async () => {
  await using server = await serve();
  await createRunningJob(server.store, 'a');
  await server.store.append('a', succeeded);
  const answers = [];
  for (const after of [1, 2, 3, 1_000_000]) {
    const response = await fetch(`${server.url}/jobs/a/events?after=${after}`);
    answers.push([response.status, idsIn(await response.text())]);
  }
  assert.deepEqual(answers, [
    [200, [2]],
    [204, []],
    [204, []],
    [204, []],
  ]);
});

test('a cursor that is no number or beyond the last event of a job that goes on is refused', async () => {
  await using server = await serve();
  await createRunningJob(server.store, 'a');
  const errors = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${server.url}/jobs/a/events${path}`, { headers });
    return [response.status, ((await response.json()) as { errors: unknown }).errors];
  };
  const noNumber = (field: string) => [422, [{ field, message: 'must be the number of an event' }]];
  for (const after of ['x', '-1', '1.5', '1e3', '', '0x1', '1'.repeat(16), '1&after=1']) {
    assert.deepEqual(await errors(`?after=${after}`), noNumber('after'), after);
  }
  assert.deepEqual(await errors('', { 'Last-Event-ID': 'x' }), noNumber('Last-Event-ID'));
  assert.deepEqual(await errors('?after=2'), [
    422,
    [{ field: 'after', message: 'must not be higher than the job’s last event' }],
  ]);
});

test('silence is broken by comments', async () => {
  await using server = await serve({ pingMs: 20 });
  await createRunningJob(server.store, 'a');
  const reader = readerOf(await fetch(`${server.url}/jobs/a/events`));
  const silent = await readUntil(reader, /(: ping\n\n){3}$/);
  await server.store.append('a', succeeded);
  const rest = await readUntil(reader, /"Result".*\n\n/);
  assert.deepEqual(idsIn(silent + rest), [1, 2]);
  assert.equal((await reader.read()).done, true);
});

test('a stream with events in it needs no comments', async () => {
  await using server = await serve({ pingMs: 500 });
  await createRunningJob(server.store, 'a');
  const watching = fetch(`${server.url}/jobs/a/events`).then((response) => response.text());
  for (const n of numbers(2, 20)) {
    await server.store.append('a', message(`${n}`));
    await setTimeout(50);
  }
  await server.store.append('a', succeeded);
  const seen = await watching;
  assert.deepEqual([idsIn(seen), seen.includes('ping')], [numbers(1, 21), false]);
});

test('HEAD tells the headers of the stream and leaves the connection free', async () => {
  await using server = await serve();
  await createRunningJob(server.store, 'a');
  const socket = connect(server.port, '127.0.0.1');
  const head = 'HEAD /jobs/a/events HTTP/1.1\r\nHost: localhost\r\n\r\n';
  socket.write(`${head}GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  const [first, second] = (await text(socket)).split('\r\n\r\n');
  assert.match(String(first), /^HTTP\/1\.1 200 .*\r\nContent-Type: text\/event-stream\r\n/s);
  assert.match(String(second), /^HTTP\/1\.1 200 .*\r\nContent-Type: application\/json/s);
});

/** Counts who waits for events, to see that nobody is left behind. */
const countingStore = async (): Promise<{ store: DrivenStore; waiting: () => number }> => {
  const store = await openDrivenStore();
  let waiting = 0;
  const waitForEvents: JobStore['waitForEvents'] = async (...args) => {
    waiting++;
    return store.waitForEvents(...args).finally(() => waiting--);
  };
  return { store: { ...store, waitForEvents }, waiting: () => waiting };
};

test('a client that goes away ends its stream and nothing else', async () => {
  const { store, waiting } = await countingStore();
  await using server = await serve({ store });
  const socket = connect(server.port, '127.0.0.1');
  const body = JSON.stringify({ repoUrl, prompt: 'x' });
  socket.write(
    `POST /code HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await once(socket, 'data');
  await until(() => waiting() === 1);
  socket.resetAndDestroy();
  await until(() => waiting() === 0);

  const { job } = await store.take();
  await store.append(job.id, message('still here'));
  await store.append(job.id, succeeded);
  assert.deepEqual(idsIn(await (await fetch(`${server.url}/jobs/${job.id}/events`)).text()), [1, 2, 3]);
  assert.deepEqual(server.lines, []);
});

test('a client that hangs up in the middle of large events leaves no trace', async () => {
  const { store, waiting } = await countingStore();
  await using server = await serve({ store });
  await createRunningJob(store, 'a');
  for (const n of numbers(2, 100)) await store.append('a', message(`${n}`.padEnd(100_000, 'x')));
  for (const _ of numbers(1, 20)) {
    const socket = connect(server.port, '127.0.0.1');
    socket.write('GET /jobs/a/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(socket, 'data');
    socket.resetAndDestroy();
  }
  const rest = fetch(`${server.url}/jobs/a/events?after=100`).then((response) => response.text());
  await until(() => waiting() === 1);
  await store.append('a', succeeded);
  assert.deepEqual([idsIn(await rest), server.lines], [[101], []]);
});

test('a client that goes away while its job is being stored still has a job', async () => {
  const memory = await openDrivenStore();
  const storing = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  const create: JobStore['create'] = async (...args) => {
    storing.resolve();
    await left.promise;
    return memory.create(...args);
  };
  await using server = await serve({ store: { ...memory, create } });
  const leaving = new AbortController();
  const answer = fetch(`${server.url}/code`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ repoUrl, prompt: 'x' }),
    signal: leaving.signal,
  });
  await storing.promise;
  leaving.abort();
  await assert.rejects(answer, { name: 'AbortError' });
  // The server hears of it a moment later; only then is the job stored.
  await setTimeout(30);
  left.resolve();
  assert.equal((await memory.take()).job.id, 'job-1');
  await memory.append('job-1', succeeded);
  assert.equal((await fetch(`${server.url}/jobs/job-1`)).status, 200);
  assert.deepEqual(server.lines, []);
});

test('a reader that takes nothing is dropped, and others are not held up', async () => {
  await using server = await serve({ idleWriteTimeoutMs: 200 });
  await createRunningJob(server.store, 'a');
  for (const n of numbers(2, 200)) await server.store.append('a', message(`${n}`.padEnd(100_000, 'x')));

  const stalled = connect(server.port, '127.0.0.1');
  stalled.on('error', () => {});
  const closed = once(stalled, 'close');
  stalled.write('GET /jobs/a/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const quick = fetch(`${server.url}/jobs/a/events`).then((response) => response.text());
  await server.store.append('a', succeeded);
  assert.deepEqual(idsIn(await quick), numbers(1, 201));

  await until(() => server.lines.length > 0);
  assert.deepEqual(server.lines, [
    { level: 'info', message: 'a reader that took nothing was dropped', fields: { jobId: 'a' } },
  ]);
  stalled.resume();
  await assert.rejects(closed, { code: 'ECONNRESET' });
});

test('a reader that stalls on the very end, when nothing waits for it any more, is dropped as well', async () => {
  await using server = await serve({ idleWriteTimeoutMs: 200 });
  await createRunningJob(server.store, 'a');
  const connected = once(server.server, 'connection');
  const stalled = connect(server.port, '127.0.0.1');
  stalled.on('error', () => {});
  const closed = once(stalled, 'close');
  stalled.write('GET /jobs/a/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const [connection] = await connected;
  // Fill what the operating system holds for the reader, until a little stays with the server.
  for (let n = 0; connection.writableLength === 0; n++) {
    assert.ok(n < 10_000);
    const before = connection.bytesWritten;
    await server.store.append('a', message('x'.repeat(8_000)));
    // One at a time, or on a busy machine it would be more than a little.
    while (connection.bytesWritten === before) await setImmediate();
  }
  assert.ok(connection.writableLength < connection.writableHighWaterMark);
  await server.store.append('a', succeeded);

  await until(() => server.lines.length > 0);
  assert.equal(server.lines[0]?.message, 'a reader that took nothing was dropped');
  stalled.resume();
  await assert.rejects(closed, { code: 'ECONNRESET' });
});

test('a store that fails in the middle cuts the stream and is logged once', async () => {
  const memory = await openDrivenStore();
  const failure = new Error('the database is gone');
  await using server = await serve({ store: { ...memory, waitForEvents: () => Promise.reject(failure) } });
  await createJob(memory, 'a');
  const response = await fetch(`${server.url}/jobs/a/events`);
  await assert.rejects(response.text(), { message: 'terminated' });
  assert.deepEqual(server.lines, [
    {
      level: 'error',
      message: 'a request failed',
      fields: { err: failure, method: 'GET', path: '/jobs/a/events' },
    },
  ]);
});

test('fifty watchers of one job all get the same events', async () => {
  await using server = await serve();
  await createRunningJob(server.store, 'a');
  const watchers = numbers(1, 50).map(async () => (await fetch(`${server.url}/jobs/a/events`)).text());
  for (const n of numbers(2, 30)) {
    await server.store.append('a', message(`${n}`));
    await setImmediate();
  }
  await server.store.append('a', succeeded);
  for (const text of await Promise.all(watchers)) assert.deepEqual(idsIn(text), numbers(1, 31));
});
