import assert from 'node:assert/strict';
import http2, { type ServerHttp2Stream } from 'node:http2';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { duplexPair } from 'node:stream';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openCalls } from '../../../server/docker/calls.ts';
import { createToolbox, type Toolbox } from '../../../server/docker/toolbox.ts';
import { AppError } from '../../../server/domain/errors.ts';
import { flags, frame, headers, kinds, literals, repeated } from '../../support/security/channel/frames.ts';

/** Answers that cost a server more than they cost the sandbox: in time, in memory, or in patience. */

const signal = () => AbortSignal.timeout(20_000);

const openToolbox = (answer: (stream: ServerHttp2Stream) => void) => {
  const [near, far] = duplexPair();
  const session = http2.performServerHandshake(far, { settings: { initialWindowSize: 1 << 20 } });
  session.on('error', () => {});
  session.on('stream', (stream) => {
    stream.on('error', () => {});
    answer(stream);
  });
  const calls = openCalls(near);
  return {
    calls,
    toolbox: createToolbox(calls, { filesMax: 1000, workspaceBytes: 1 << 30 }),
    [Symbol.dispose]: calls.close,
  };
};

const lost = async (promise: Promise<unknown>): Promise<string> => {
  const error = await promise.then(
    (value) => assert.fail(`no error: ${JSON.stringify(value)?.slice(0, 100)}`),
    (thrown: unknown) => thrown,
  );
  assert(error instanceof AppError, String(error));
  assert.equal(error.code, 'sandbox_lost');
  return error.message;
};

describe('an answer that is costly to parse is refused before', () => {
  const megabytes = 15_000_000;
  const fill = (piece: string, bytes = megabytes) => piece.repeat(bytes / piece.length);
  const list = (toolbox: Toolbox) => toolbox.list({ filesMax: 500 }, signal());
  const search = (toolbox: Toolbox) => toolbox.search({ pattern: 'x', matchesMax: 100 }, signal());
  const read = (toolbox: Toolbox) => toolbox.read({ filepath: 'a', bytesMax: 64 << 10 }, signal());
  const run = (toolbox: Toolbox) =>
    toolbox.exec({ command: 'true', timeoutMs: 5000, outputBytesMax: 32 << 10 }, signal());
  const answers: Record<string, [text: () => string, call: (toolbox: Toolbox) => Promise<unknown>]> = {
    'arrays in arrays': [() => `{"ok":true,"paths":${fill('[')}`, list],
    'arrays in arrays that end': [
      () => `{"ok":true,"paths":${fill('[', megabytes / 2)}${fill(']', megabytes / 2)}}`,
      list,
    ],
    'millions of objects': [() => `{"ok":true,"more":false,"matches":[${fill('{},')}{}]}`, search],
    'millions of numbers': [() => `{"ok":true,"more":false,"paths":[${fill('0,')}0]}`, list],
    'a text without end': [() => `{"ok":true,"content":"${fill('x')}"}`, read],
    'a line of arrays': [() => `${fill('[')}\n`, run],
    'lines of nothing': [() => fill('{"output":""}\n'), run],
  };
  for (const [name, [text, call]] of Object.entries(answers)) {
    test(name, async () => {
      const answer = Buffer.from(text());
      using opened = openToolbox((stream) => {
        stream.respond({ ':status': 200 });
        stream.end(answer);
      });
      const before = process.memoryUsage().rss;
      const delay = monitorEventLoopDelay({ resolution: 5 });
      delay.enable();
      assert.match(await lost(call(opened.toolbox)), /is too large|is too long|more output than asked for/);
      await sleep(20);
      delay.disable();
      assert.ok(delay.max < 600e6, `the server stood still for ${delay.max / 1e6} ms`);
      const grown = (process.memoryUsage().rss - before) >> 20;
      assert.ok(grown < 100, `grew by ${grown} MB`);
    });
  }
});

describe('a session that is not the toolbox’s any more', () => {
  const openRaw = (keepAlive?: { pingMs: number; silenceMs: number }) => {
    const [near, far] = duplexPair();
    far.on('error', () => {});
    const calls = openCalls(near, keepAlive);
    far.write(frame(kinds.settings));
    far.write(frame(kinds.settings, '', { flag: flags.ack }));
    far.resume();
    return { far, calls, toolbox: createToolbox(calls, { filesMax: 1000, workspaceBytes: 1 << 30 }) };
  };
  const ask = { filepath: 'a', bytesMax: 1000 };

  test('ends at the first preliminary answer', async () => {
    const { far, toolbox } = openRaw();
    const reading = lost(toolbox.read(ask, signal()));
    await sleep(20);
    far.write(repeated(headers(literals([':status', '103'])), 3));
    assert.equal(await reading, 'The sandbox stopped: its channel is gone.');
  });

  test('ends with its good-bye, though that spares the call', async () => {
    const { far, toolbox } = openRaw();
    const reading = lost(toolbox.read(ask, signal()));
    await sleep(20);
    far.write(frame(kinds.goaway, '\x7f\xff\xff\xff\0\0\0\0'));
    assert.equal(await reading, 'The sandbox stopped: its channel is gone.');
  });

  test('ends when it answers no ping', async () => {
    const { toolbox } = openRaw({ pingMs: 20, silenceMs: 100 });
    assert.equal(await lost(toolbox.read(ask, signal())), 'The sandbox stopped: its channel is gone.');
  });

  test('lives on while it answers pings', async () => {
    const [near, far] = duplexPair();
    http2.performServerHandshake(far).on('error', () => {});
    const calls = openCalls(near, { pingMs: 50, silenceMs: 1500 });
    await sleep(2000);
    assert.equal(calls.lost.aborted, false);
    calls.close();
  });
});
