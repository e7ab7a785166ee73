import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { openDrivenStore } from '../../support/postgres/driven-store.ts';
import { postJson, repoUrl, serve, until } from './serve.ts';

const problemOf = async (response: Response): Promise<unknown> => {
  assert.equal(response.headers.get('content-type'), 'application/problem+json');
  return response.json();
};

const withErrors = (...errors: { field: string; message: string }[]) => ({
  type: 'about:blank',
  title: 'Unprocessable Entity',
  status: 422,
  detail: errors.map(({ field, message }) => `${field} ${message}`).join('; '),
  code: 'invalid_request',
  whatToDo: 'Mend the fields listed in «errors» and send the request again.',
  errors,
});

test('every wrong field is named at once, unknown fields as well', async () => {
  await using server = await serve();
  const response = await postJson(`${server.url}/code`, {
    repoUrl: 'https://evil.example/o/r',
    prompt: ' \n',
    baseBranch: 'a..b',
    repoURL: 'x',
    model: 'y',
  });

  assert.equal(response.status, 422);
  assert.deepEqual(
    await problemOf(response),
    withErrors(
      { field: 'repoUrl', message: 'must be https://github.com/<owner>/<name>' },
      { field: 'prompt', message: 'must say what to change' },
      { field: 'baseBranch', message: 'must be the name of a branch as git allows it' },
      { field: 'repoURL', message: 'is not a field of this request' },
      { field: 'model', message: 'is not a field of this request' },
    ),
  );
  assert.deepEqual(server.lines, []);
});

test('missing fields and fields of another type are named', async () => {
  await using server = await serve();
  assert.deepEqual(
    await problemOf(await postJson(`${server.url}/code`, { repoUrl: 7, baseBranch: null })),
    withErrors(
      { field: 'repoUrl', message: 'must be a string' },
      { field: 'prompt', message: 'is required' },
      { field: 'baseBranch', message: 'must be a string' },
    ),
  );
});

test('a body that is JSON but no object is refused as a whole', async () => {
  await using server = await serve();
  for (const body of ['null', '[]', '"text"', '7', '[{}]']) {
    assert.deepEqual(
      await problemOf(await postJson(`${server.url}/code`, body)),
      withErrors({ field: 'body', message: 'must be a JSON object' }),
    );
  }
});

test('a field called __proto__ is an unknown field like any other', async () => {
  await using server = await serve();
  const body = `{"repoUrl": "${repoUrl}", "prompt": "x", "__proto__": {"baseBranch": "y"}}`;
  assert.deepEqual(
    await problemOf(await postJson(`${server.url}/code`, body)),
    withErrors({ field: '__proto__', message: 'is not a field of this request' }),
  );
});

const promptFields = async (url: string, prompt: string): Promise<unknown> => {
  const response = await postJson(`${url}/code`, { repoUrl, prompt });
  if (response.status === 200) await response.body?.cancel();
  return response.status === 200 ? 'accepted' : ((await problemOf(response)) as { detail: string }).detail;
};

test('a prompt has 1 to 20,000 characters, none of them a control character but newline and tab', async () => {
  await using server = await serve();
  const control = 'prompt must not contain control characters but newline and tab';
  const table: [prompt: string, answer: string][] = [
    ['', 'prompt must say what to change'],
    ['\u00a0\u2003', 'prompt must say what to change'],
    ['a', 'accepted'],
    ['a\n\tb', 'accepted'],
    ['a\r\nb', 'accepted'],
    ['é 漢字 👩‍💻', 'accepted'],
    ['x'.repeat(20_000), 'accepted'],
    ['x'.repeat(20_001), 'prompt must not be longer than 20000 characters'],
    ['a\rb', control],
    ['a\u0000', control],
    ['a\u001b[31m', control],
    ['a\u007f', control],
    ['a\u009b', control],
    ['a\ud800', 'prompt must not contain half a character (a lone surrogate)'],
  ];
  for (const [prompt, answer] of table) assert.equal(await promptFields(server.url, prompt), answer);
});

test('line ends from Windows are stored as newlines', async () => {
  await using server = await serve();
  await (await postJson(`${server.url}/code`, { repoUrl, prompt: 'a\r\nb' })).body?.cancel();
  assert.deepEqual((await server.store.find('job-1'))?.request, {
    repository: { owner: 'octocat', name: 'hello-world' },
    prompt: 'a\nb',
  });
});

test('a base branch follows the rules of git', async () => {
  await using server = await serve({ newJobId: () => 'the-job' });
  const refused = [
    '',
    '-x',
    '--upload-pack=x',
    '/x',
    'x/',
    'x//y',
    '.x',
    'x/.y',
    'x.',
    'x..y',
    'x.lock',
    'x.lock/y',
    'x@{y',
    '@',
    ...'~^:?*[\\ \t\n\u0000\u007f\u0085\u00a0\u2028\ud800'.split('').map((character) => `x${character}y`),
    'x'.repeat(256),
    'é'.repeat(128),
  ];
  for (const baseBranch of refused) {
    const response = await postJson(`${server.url}/code`, { repoUrl, prompt: 'x', baseBranch });
    assert.equal(response.status, 422, JSON.stringify(baseBranch));
    const { errors } = (await problemOf(response)) as { errors: { field: string }[] };
    assert.deepEqual(
      errors.map(({ field }) => field),
      ['baseBranch'],
    );
  }
});

test('ordinary base branches are accepted and stored', async () => {
  await using server = await serve({ store: await openDrivenStore({ queuedMax: 100 }) });
  const accepted = [
    'main',
    'release/1.x',
    'user@host',
    'a-b_c',
    '@@',
    'x.locked',
    'größe',
    '{x}',
    '#1',
    'x'.repeat(255),
  ];
  for (const [index, baseBranch] of accepted.entries()) {
    const response = await postJson(`${server.url}/code`, { repoUrl, prompt: 'x', baseBranch });
    assert.equal(response.status, 200, baseBranch);
    await response.body?.cancel();
    assert.equal((await server.store.find(`job-${index + 1}`))?.request.baseBranch, baseBranch);
  }
});

test('what is not JSON in UTF-8 is 400', async () => {
  await using server = await serve();
  const url = `${server.url}/code`;
  const bodies = [
    '',
    '{',
    "{'a': 1}",
    '{"a": 1,}',
    Uint8Array.of(0x22, 0xff, 0x22),
    Uint8Array.of(0xff, 0xfe, 0x7b, 0x00),
  ];
  for (const body of bodies) {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body,
    });
    assert.equal(response.status, 400);
    assert.deepEqual(await problemOf(response), {
      type: 'about:blank',
      title: 'Bad Request',
      status: 400,
      detail: 'The body is not JSON in UTF-8.',
      code: 'invalid_json',
      whatToDo: 'Send a JSON object such as {"repoUrl": "…", "prompt": "…"}.',
    });
  }
});

test('another content type or encoding is 415 and says what is taken', async () => {
  await using server = await serve();
  const table: [headers: Record<string, string>, status: number][] = [
    [{ 'Content-Type': 'text/plain' }, 415],
    [{ 'Content-Type': 'text/plain; application/json' }, 415],
    [{ 'Content-Type': 'application/x-www-form-urlencoded' }, 415],
    [{ 'Content-Type': 'multipart/form-data; boundary=x' }, 415],
    [{ 'Content-Type': 'application/jsonx' }, 415],
    [{ 'Content-Type': 'application/json, text/plain' }, 415],
    [{ 'Content-Type': 'application/json; charset=utf-16' }, 415],
    [{ 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' }, 415],
    [{ 'Content-Type': 'application/json', 'Content-Encoding': 'identity' }, 422],
    [{ 'Content-Type': 'Application/JSON;charset="UTF-8"' }, 422],
  ];
  for (const [headers, status] of table) {
    const response = await fetch(`${server.url}/code`, { method: 'POST', headers, body: '{}' });
    assert.equal(response.status, status, JSON.stringify(headers));
    assert.equal(response.headers.get('accept-post'), status === 415 ? 'application/json' : null);
    await problemOf(response);
  }
});

test('a body over the limit is 413, whether it is announced or comes in chunks', async () => {
  await using server = await serve({ bodyBytesMax: 1_000 });
  const tooLarge = JSON.stringify({ repoUrl, prompt: 'x'.repeat(100_000) });
  const chunked = new Blob([tooLarge]).stream();
  const headers = { 'Content-Type': 'application/json' };
  for (const body of [{ body: tooLarge }, { body: chunked, duplex: 'half' as const }]) {
    const response = await fetch(`${server.url}/code`, { method: 'POST', headers, ...body });
    assert.equal(response.status, 413);
    assert.deepEqual(await problemOf(response), {
      type: 'about:blank',
      title: 'Payload Too Large',
      status: 413,
      detail: 'The body is larger than 1000 bytes.',
      code: 'body_too_large',
      whatToDo: 'Send a shorter prompt.',
    });
  }
});

test('a body of exactly the limit is read', async () => {
  const body = JSON.stringify({ repoUrl, prompt: 'x' });
  await using server = await serve({ bodyBytesMax: body.length });
  const response = await postJson(`${server.url}/code`, body);
  assert.equal(response.status, 200);
  await response.body?.cancel();
});

test('a client that sends chunks for ever is answered 413 and cut off', async () => {
  await using server = await serve({ bodyBytesMax: 1_000 });
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(
    'POST /code HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
  );
  const sending = setInterval(() => socket.write(`1000\r\n${'x'.repeat(0x1000)}\r\n`), 50);
  try {
    const [answer] = await once(socket, 'data');
    assert.match(String(answer), /^HTTP\/1\.1 413 /);
    await once(socket, 'close');
  } finally {
    clearInterval(sending);
    socket.destroy();
  }
  assert.deepEqual(server.lines, []);
});

test('a client that goes away in the middle of its body leaves nothing behind', async () => {
  await using server = await serve();
  const socket = connect(server.port, '127.0.0.1');
  socket.write(
    'POST /code HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
  );
  await new Promise((resolve) => setTimeout(resolve, 30));
  socket.destroy();
  await until(async () => (await fetch(`${server.url}/healthz`)).ok);
  assert.deepEqual([server.lines, await server.store.find('job-1')], [[], undefined]);
});

test('a full queue is 503 with a hint when to come again', async () => {
  await using server = await serve({ store: await openDrivenStore({ queuedMax: 1 }) });
  await (await postJson(`${server.url}/code`, { repoUrl, prompt: 'x' })).body?.cancel();
  const response = await postJson(`${server.url}/code`, { repoUrl, prompt: 'x' });
  assert.equal(response.status, 503);
  assert.equal(response.headers.get('retry-after'), '30');
  assert.deepEqual(await problemOf(response), {
    type: 'about:blank',
    title: 'Service Unavailable',
    status: 503,
    detail: '1 jobs wait already: no more are taken now.',
    code: 'queue_full',
    whatToDo: 'Try again when jobs have ended.',
  });
  assert.deepEqual(server.lines, []);
});

test('paths that do not exist are 404, methods that do not fit 405 with Allow', async () => {
  await using server = await serve();
  const table: [method: string, path: string, status: number, allow?: string][] = [
    ['GET', '/nowhere', 404],
    ['POST', '/code/x', 404],
    ['GET', '/jobs/unknown', 404],
    ['GET', '/jobs/%zz', 404],
    ['GET', '/jobs/a%00b', 404],
    ['GET', '/jobs/..%2fx', 404],
    ['GET', `/jobs/${'x'.repeat(5_000)}`, 404],
    ['GET', '/jobs/unknown/events', 404],
    ['DELETE', '/jobs/unknown', 404],
    ['GET', '/code', 405, 'POST'],
    ['PUT', '/code', 405, 'POST'],
    ['PROPFIND', '/code', 405, 'POST'],
    ['POST', '/jobs', 405, 'HEAD, GET'],
    ['PATCH', '/jobs/x', 405, 'HEAD, GET, DELETE'],
    ['POST', '/jobs/x/events', 405, 'HEAD, GET'],
    ['POST', '/healthz', 405, 'HEAD, GET'],
  ];
  for (const [method, path, status, allow] of table) {
    const response = await fetch(server.url + path, { method });
    const { code } = (await problemOf(response)) as { code: string };
    assert.deepEqual(
      [path, response.status, response.headers.get('allow'), code],
      [path, status, allow ?? null, status === 404 ? 'not_found' : 'method_not_allowed'],
    );
  }
});

test('a failure that was not foreseen is 500, logged once, and says nothing about the inside', async () => {
  const failure = new Error('connect ECONNREFUSED postgres://user:secret@db');
  const store = {
    ...(await openDrivenStore({ queuedMax: 1 })),
    find: () => Promise.reject(failure),
  };
  await using server = await serve({ store });
  const response = await fetch(`${server.url}/jobs/x`);
  assert.deepEqual(await problemOf(response), {
    type: 'about:blank',
    title: 'Internal Server Error',
    status: 500,
    detail: 'Something failed that the server did not foresee.',
    code: 'internal',
    whatToDo: 'Send the job again; if it fails again, look at the server log.',
  });
  assert.deepEqual(server.lines, [
    { level: 'error', message: 'a request failed', fields: { err: failure, method: 'GET', path: '/jobs/x' } },
  ]);
});
