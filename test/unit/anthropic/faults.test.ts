import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createModel, type ModelOptions } from '../../../server/anthropic/model.ts';
import { AppError, type ErrorCode } from '../../../server/domain/errors.ts';
import type { ModelDelta, ModelRequest } from '../../../server/domain/model.ts';
import { type Fault, say, think } from '../../support/model/scenario.ts';
import { type Model as ModelServer, startModel } from '../../support/model/server.ts';

const request: ModelRequest = {
  system: 'You change code.',
  tools: [],
  transcript: [{ role: 'user', content: [{ type: 'text', text: 'Hello.' }] }],
};

const startFaulty = (faults: Fault[]) =>
  startModel({
    scenarios: [
      { name: 'hello', when: 'Hello', turns: [{ reply: [think('A greeting.'), say('Hi.')], faults }] },
    ],
  });

const optionsFor = (server: Pick<ModelServer, 'url' | 'apiKey'>): ModelOptions => ({
  apiKey: server.apiKey,
  baseUrl: server.url,
  model: 'claude-opus-5-5',
  thinking: true,
  outputTokensMax: 1_024,
  requestTimeoutMs: 10_000,
  idleTimeoutMs: 5_000,
  retriesMax: 2,
  retryMsMax: 120_000,
  backoffMs: 5,
});

const never = new AbortController().signal;

const ask = async (options: ModelOptions, signal = never) => {
  const deltas: ModelDelta[] = [];
  const reply = await createModel(options).reply(request, (delta) => deltas.push(delta), signal);
  return {
    deltas: deltas.map(withoutWords),
    text: reply.content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
  };
};

/** The words and the wait of a retry are a matter of retries.test.ts. */
const withoutWords = (delta: ModelDelta) =>
  delta.type === 'retry' ? { type: delta.type, attempt: delta.attempt } : delta;

const failure = (code: ErrorCode, message: RegExp, whatToDo = /./) => {
  return (error: unknown) => {
    assert.ok(error instanceof AppError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.match(error.whatToDo, whatToDo);
    return true;
  };
};

const hello = [
  { type: 'thinking', text: 'A greeting.' },
  { type: 'block_end' },
  { type: 'text', text: 'Hi.' },
  { type: 'block_end' },
];

for (const [name, fault] of Object.entries({
  'a 429': { status: 429, headers: { 'retry-after': '0' } },
  'a 529': { status: 529 },
  'a 500': { status: 500 },
  'a 502 from a proxy, in HTML': { status: 502, body: '<html>Bad gateway</html>' },
  'a cut before the first event': { cutAfterEvents: 0 },
  'a request that hangs': { hang: true },
} satisfies Record<string, Fault>)) {
  test(`${name} is tried again, and that is all that the receiver hears of it`, async () => {
    await using server = await startFaulty([fault]);

    const { deltas, text } = await ask({ ...optionsFor(server), idleTimeoutMs: 250 });

    assert.deepEqual(
      { text, deltas, requests: server.requests.length },
      { text: 'Hi.', deltas: [{ type: 'retry', attempt: 1 }, ...hello], requests: 2 },
    );
  });
}

for (const [name, fault] of Object.entries({
  'a cut in the middle': { cutAfterEvents: 4 },
  'an error event in the middle': { errorEventAfter: 4, type: 'overloaded_error' },
  'silence in the middle': { hangAfterEvents: 4 },
} satisfies Record<string, Fault>)) {
  test(`${name} is tried again, and the receiver hears that it starts over`, async () => {
    await using server = await startFaulty([fault]);

    const { deltas, text } = await ask({ ...optionsFor(server), idleTimeoutMs: 250 });

    assert.equal(text, 'Hi.');
    assert.deepEqual(deltas, [
      { type: 'thinking', text: 'A greeting.' },
      { type: 'restart' },
      { type: 'retry', attempt: 1 },
      ...hello,
    ]);
  });
}

test('the wait before a retry is the one the API asks for', async () => {
  await using server = await startFaulty([{ status: 429, headers: { 'retry-after': '0.3' } }]);
  const waits: unknown[] = [];
  const log = { info: () => undefined, error: () => undefined, warn: (fields: object) => waits.push(fields) };
  const start = performance.now();

  await ask({ ...optionsFor(server), log });

  const [entry] = waits as [{ attempt: number; waitMs: number; error: string }];
  assert.deepEqual([waits.length, entry.attempt, entry.error], [1, 1, '429 Fault 429 of the scenario.']);
  assert.ok(entry.waitMs >= 300 && entry.waitMs <= 375, `${entry.waitMs} ms`);
  assert.ok(performance.now() - start >= 300);
});

test('retries end: the last error says how often and why', async () => {
  await using server = await startFaulty([
    { status: 529 },
    { cutAfterEvents: 2 },
    { status: 500 },
    { status: 500 },
  ]);

  await assert.rejects(
    ask(optionsFor(server)),
    failure('model_failed', /^The model API failed 3 times in a row, at last with: 500 Fault 500/),
  );
  assert.equal(server.requests.length, 3);
});

test('an API that cannot be reached is a failure that says so', async () => {
  const server = await startFaulty([]);
  await server[Symbol.asyncDispose]();
  await assert.rejects(
    ask({ ...optionsFor(server), retriesMax: 1 }),
    failure('model_failed', /failed 2 times in a row.*ECONNREFUSED/),
  );
});

test('a reply that drips on for too long is given up', async () => {
  await using server = await startModel({
    msPerEvent: 60,
    scenarios: [{ name: 'hello', when: 'Hello', turns: [{ reply: [say('Hi. '.repeat(100))] }] }],
  });
  await assert.rejects(
    ask({ ...optionsFor(server), requestTimeoutMs: 300, retriesMax: 0 }),
    failure('model_failed', /the reply had not ended after 300 ms/),
  );
});

test('a wrong key is no case for a retry', async () => {
  await using server = await startFaulty([]);
  await assert.rejects(
    ask({ ...optionsFor(server), apiKey: 'sk-ant-wrong' }),
    failure('model_credentials', /does not accept the server’s key/, /ANTHROPIC_API_KEY/),
  );
  assert.equal(server.requests.length, 1);
});

for (const [status, message, whatToDo] of [
  [400, /refused the request: 400 .*effort/, /MODEL/],
  [403, /does not accept/, /ANTHROPIC_API_KEY/],
  [404, /refused the request: 404 model: claude-wrong/, /MODEL/],
] as const) {
  test(`a ${status} is told in the API’s words, at once and without the key`, async () => {
    const faults: Fault[] = [];
    await using server = await startFaulty(faults);
    const said = `model: claude-wrong does not support effort, asked for by ${server.apiKey}`;
    faults.push({ status, body: { type: 'error', error: { type: 'some_error', message: said } } });

    const error = await ask(optionsFor(server)).catch((thrown: unknown) => thrown);

    failure(status === 403 ? 'model_credentials' : 'model_failed', message, whatToDo)(error);
    assert.match((error as AppError).message, /asked for by \[redacted\]$/);
    assert.equal(server.requests.length, 1);
  });
}

test('an error event that will not pass is not tried again', async () => {
  await using server = await startFaulty([{ errorEventAfter: 1, type: 'invalid_request_error' }]);
  await assert.rejects(ask(optionsFor(server)), failure('model_failed', /refused the request: /));
  assert.equal(server.requests.length, 1);
});

test('an abort in the middle of a stream rejects with its reason and leaves no open socket', async () => {
  const { url, sockets, stop } = await startEndless();
  await using _ = { [Symbol.asyncDispose]: stop };
  const controller = new AbortController();
  const reason = new Error('the job was cancelled');

  const asked = createModel(optionsFor({ url, apiKey: 'sk-ant-test-key' })).reply(
    request,
    () => controller.abort(reason),
    controller.signal,
  );

  await assert.rejects(asked, (error) => error === reason);
  for (let waitedMs = 0; sockets() > 0 && waitedMs < 2_000; waitedMs += 10) await sleep(10);
  assert.equal(sockets(), 0);
});

test('an abort during the wait for a retry rejects with its reason', async () => {
  await using server = await startFaulty([{ status: 429, headers: { 'retry-after': '60' } }]);
  const controller = new AbortController();
  const reason = new Error('the job was cancelled');
  const log = {
    info: () => undefined,
    error: () => undefined,
    warn: () => void setImmediate(() => controller.abort(reason)),
  };

  await assert.rejects(ask({ ...optionsFor(server), log }, controller.signal), (error) => error === reason);
  assert.equal(server.requests.length, 1);
});

test('a signal that has aborted before sends nothing', async () => {
  await using server = await startFaulty([]);
  await assert.rejects(ask(optionsFor(server), AbortSignal.abort(new Error('too late'))), /too late/);
  assert.deepEqual(server.requests, []);
});

test('a receiver that throws ends the reply with its own error and without a retry', async () => {
  await using server = await startFaulty([]);
  const broken = () => {
    throw new TypeError('a mistake of ours');
  };
  await assert.rejects(createModel(optionsFor(server)).reply(request, broken, never), /a mistake of ours/);
  assert.equal(server.requests.length, 1);
});

test('pings keep a silent reply alive', async () => {
  const { url, stop } = await startEndless();
  await using _ = { [Symbol.asyncDispose]: stop };
  const start = performance.now();

  await assert.rejects(
    ask({
      ...optionsFor({ url, apiKey: 'sk-ant-test-key' }),
      retriesMax: 0,
      idleTimeoutMs: 150,
      requestTimeoutMs: 600,
    }),
    failure('model_failed', /the reply had not ended after 600 ms/),
  );
  assert.ok(performance.now() - start >= 600);
});

/** Begins a reply and from then on sends pings only. */
const startEndless = async () => {
  const server = createServer((_, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    const send = (event: { type: string; [field: string]: unknown }) =>
      res.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    const usage = { input_tokens: 1, output_tokens: 1 };
    send({
      type: 'message_start',
      message: { id: 'msg_1', type: 'message', role: 'assistant', content: [], usage },
    });
    send({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } });
    send({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } });
    const pings = setInterval(() => send({ type: 'ping' }), 40);
    res.once('close', () => clearInterval(pings));
  });
  let open = 0;
  server.on('connection', (socket) => {
    open += 1;
    socket.once('close', () => {
      open -= 1;
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets: () => open,
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};
