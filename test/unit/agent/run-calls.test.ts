import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { ToolCall } from '../../../server/agent/judge-reply.ts';
import { createReplay } from '../../../server/agent/replay.ts';
import { runCalls } from '../../../server/agent/run-calls.ts';
import { createTools } from '../../../server/agent/tools/create-tools.ts';
import { AppError } from '../../../server/domain/errors.ts';
import type { JobFact } from '../../../server/domain/job-event.ts';
import type { TranscriptEntry } from '../../../server/domain/transcript.ts';
import { createMemorySandbox } from '../../support/memory-sandbox.ts';
import { createRecordedSpan } from '../../support/recorded-span.ts';

const limits = {
  ...{ turnsMax: 8, tokensMax: 10_000, inputTokensMax: 100_000, commandMs: 120_000, commandMsMax: 600_000 },
  ...{ outputBytesMax: 30_000, readBytesMax: 50_000, filesMax: 500, matchesMax: 200 },
};

const call = (id: string, name: string, input: unknown): ToolCall => ({ type: 'tool_use', id, name, input });

/** Runs the calls of one reply on files `a`, `b` and `c`. `log` has what the sandbox began and ended, in this order. */
const createRun = (complete: ToolCall[], earlier?: readonly TranscriptEntry[]) => {
  const sandbox = createMemorySandbox({ a: 'A\n', b: 'B\n', c: 'C\n' });
  const log: string[] = [];
  const facts: JobFact[] = [];
  const abort = new AbortController();
  /** What a read waits for before it answers. */
  const before = new Map<string, () => Promise<void>>();
  const logged = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    log.push(`${name} begins`);
    await before.get(name)?.();
    const done = await work();
    log.push(`${name} ends`);
    return done;
  };
  const observed = {
    ...sandbox,
    read: ((file, signal) => logged(file.filepath, () => sandbox.read(file, signal))) as typeof sandbox.read,
    write: ((file, signal) =>
      logged(`write ${file.filepath}`, () => sandbox.write(file, signal))) as typeof sandbox.write,
  };
  const run = () =>
    runCalls(
      { complete, cut: undefined, tooMany: [], isReplayed: earlier !== undefined },
      {
        tools: createTools(observed, limits),
        emit: async (fact) => {
          facts.push(fact);
        },
        span: createRecordedSpan(),
        guardian: {
          heal: async (loss) => {
            log.push('healed');
            return `Another sandbox: ${loss.message}`;
          },
          news: () => undefined,
        },
        replay: createReplay(earlier ?? [], []),
        save: async (entry, fact) => {
          await setImmediate();
          facts.push(fact);
          log.push(`stored ${entry.kind === 'result' ? entry.result.toolUseId : entry.kind}`);
        },
      },
      abort.signal,
    );
  return { run, log, facts, before, abort };
};

const read = (filepath: string) => call(`read-${filepath}`, 'read', { filepath });
const lost = new AppError('sandbox_lost', 'The sandbox stopped.');
const contents = (results: { content: string }[]) => results.map(({ content }) => content);

test('reads next to each other run at the same time, and are told in their order', async () => {
  const { run, log, facts, before } = createRun([read('a'), read('b'), read('c')]);
  const others = Promise.withResolvers<void>();
  before.set('a', () => others.promise);
  before.set('c', async () => others.resolve());
  assert.deepEqual(contents(await run()), ['     1\tA', '     1\tB', '     1\tC']);
  assert.deepEqual(log.slice(0, 3), ['a begins', 'b begins', 'c begins']);
  assert.deepEqual(log.slice(-3), ['stored read-a', 'stored read-b', 'stored read-c']);
  assert.deepEqual(
    facts.map((fact) => fact.type === 'Tool: Read' && fact.filepath),
    ['a', 'b', 'c'],
  );
});

test('a call that changes something waits for those before it, and those behind it for it', async () => {
  const { run, log } = createRun([
    ...[read('a'), read('b')],
    call('write-a', 'write', { filepath: 'a', content: 'new\n' }),
    ...[read('a'), read('c')],
  ]);
  const results = await run();
  assert.deepEqual(contents(results), [
    ...['     1\tA', '     1\tB', 'Wrote a: 1 line.', '     1\tnew', '     1\tC'],
  ]);
  assert.deepEqual(log, [
    ...['a begins', 'b begins', 'a ends', 'b ends', 'stored read-a', 'stored read-b'],
    ...['write a begins', 'write a ends', 'stored write-a'],
    ...['a begins', 'c begins', 'a ends', 'c ends', 'stored read-a', 'stored read-c'],
  ]);
});

test('no more than eight run at the same time', async () => {
  const names = Array.from({ length: 10 }, (_, index) => `file-${index}`);
  const { run, log } = createRun(names.map(read));
  await run();
  const begun = (entries: string[]) => entries.filter((entry) => entry.endsWith('begins')).length;
  const firstStored = log.findIndex((entry) => entry.startsWith('stored'));
  assert.deepEqual([begun(log.slice(0, firstStored)), begun(log)], [8, 10]);
});

test('a loss during reads is told for each as it is: answered, lost, or never run', async () => {
  const { run, log, before } = createRun([
    ...[read('a'), read('b'), read('c')],
    call('write-b', 'write', { filepath: 'b', content: '' }),
  ]);
  const fail = async () => {
    await setImmediate();
    throw lost;
  };
  before.set('b', fail);
  before.set('c', fail);
  assert.deepEqual(
    (await run()).map(({ content, isError }) => [content, isError]),
    [
      ['     1\tA', false],
      ['Another sandbox: The sandbox stopped.', true],
      ['The sandbox was lost before this call had an answer: call it again.', true],
      ['Not run, since the sandbox was lost during a call before it.', true],
    ],
  );
  // Once, and only when nothing of the old sandbox is under way any more.
  assert.deepEqual(log, [
    ...['a begins', 'b begins', 'c begins', 'a ends', 'stored read-a', 'healed'],
    ...['stored read-b', 'stored read-c', 'stored write-b'],
  ]);
});

test('what a read behind the lost one has found before is not thrown away', async () => {
  const { run, before } = createRun([read('a'), read('b')]);
  before.set('a', async () => {
    throw lost;
  });
  assert.deepEqual(contents(await run()), ['Another sandbox: The sandbox stopped.', '     1\tB']);
});

test('another server takes over what is stored of such reads and tells of the others that they were interrupted', async () => {
  const result = { type: 'tool_result', toolUseId: 'read-a', content: '     1\tA', isError: false } as const;
  const { run, log } = createRun([read('a'), read('b'), read('c')], [{ kind: 'result', result }]);
  assert.deepEqual(contents(await run()), [
    '     1\tA',
    'The server that ran this call is gone: how far the call came is not known. Look at what is there before you go on.',
    'Not run, since the server was lost during a call before it.',
  ]);
  assert.deepEqual(log, ['stored read-b', 'stored read-c']);
});

test('a job that is cancelled during reads ends when all of them have', async () => {
  const { run, log, before, abort } = createRun([read('a'), read('b')]);
  before.set('a', async () => {
    abort.abort(new Error('cancelled'));
    throw abort.signal.reason;
  });
  before.set('b', async () => {
    await setImmediate();
    log.push('b has stopped');
    throw abort.signal.reason;
  });
  await assert.rejects(run(), { message: 'cancelled' });
  assert.deepEqual(log, ['a begins', 'b begins', 'b has stopped']);
});

test('a tool’s name that other agents have is answered with ours', async () => {
  const asked: [name: string, input: object, advice: string][] = [
    ['Grep', {}, ' Use search for that.'],
    ['Glob', {}, ' Use list for that.'],
    ['Read', {}, ' Use read for that.'],
    ['Bash', {}, ' Use bash for that.'],
    ['MultiEdit', {}, ' Use edit for that.'],
    ['TodoWrite', {}, ' Use plan for that.'],
    ['create', {}, ' Use write for that.'],
    ['str_replace_based_edit_tool', { command: 'view' }, ' Use read for that.'],
    ['str_replace_editor', { command: 'create' }, ' Use write for that.'],
    ['str_replace_based_edit_tool', {}, ' Use edit for that.'],
    ['constructor', {}, ''],
    ['web_search', {}, ''],
  ];
  const { run } = createRun(asked.map(([name, input], index) => call(`call-${index}`, name, input)));
  assert.deepEqual(
    contents(await run()),
    asked.map(
      ([name, , advice]) =>
        `There is no tool «${name}».${advice} The tools are: plan, list, search, read, edit, write, bash.`,
    ),
  );
});
