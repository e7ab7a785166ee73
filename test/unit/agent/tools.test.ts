import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AgentLimits } from '../../../server/agent/limits.ts';
import { createTools } from '../../../server/agent/tools/create-tools.ts';
import { type JobFact, jobEventSchema } from '../../../server/domain/job-event.ts';
import { createMemorySandbox, type MemorySandbox } from '../../support/memory-sandbox.ts';

const limits: AgentLimits = {
  turnsMax: 10,
  tokensMax: 10_000,
  inputTokensMax: 100_000,
  commandMs: 120_000,
  commandMsMax: 600_000,
  outputBytesMax: 30_000,
  readBytesMax: 1000,
  filesMax: 3,
  matchesMax: 2,
};

/** Calls a tool as the loop does; what comes back must be an event of the job, whatever the input was. */
const use = async (sandbox: MemorySandbox, name: string, input: unknown, facts: JobFact[] = []) => {
  const tool = createTools(sandbox, limits).find(({ definition }) => definition.name === name);
  assert.ok(tool, name);
  const emit = async (fact: JobFact) => {
    facts.push(jobEventSchema.parse(fact));
  };
  const outcome = await tool.run(input, 'call-1', AbortSignal.timeout(5000), emit);
  assert.deepEqual(jobEventSchema.parse(outcome.fact), outcome.fact);
  return outcome;
};

const numbers = (count: number) =>
  Array.from({ length: count }, (_, index) => `line ${index + 1}\n`).join('');
const missing = 'No file at a.js. Use list to see what is there.';

test('each tool tells the model its input as a closed JSON Schema', () => {
  const definitions = createTools(createMemorySandbox(), limits).map(({ definition }) => definition);
  assert.deepEqual(
    definitions.map(({ name, inputSchema }) => [name, inputSchema.required]),
    [
      ['plan', ['steps']],
      ['list', undefined],
      ['search', ['pattern']],
      ['read', ['filepath']],
      ['edit', ['filepath']],
      ['write', ['filepath', 'content']],
      ['bash', ['command']],
    ],
  );
  for (const { inputSchema } of definitions) {
    assert.deepEqual([inputSchema.type, inputSchema.additionalProperties], ['object', false]);
  }
});

test('read gives lines with their numbers', async () => {
  const sandbox = createMemorySandbox({ 'a.js': 'one\n\n\ttwo\n' });
  assert.deepEqual(await use(sandbox, 'read', { filepath: 'a.js' }), {
    content: '     1\tone\n     2\t\n     3\t\ttwo',
    isError: false,
    fact: { type: 'Tool: Read', filepath: 'a.js', callId: 'call-1', lines: 3 },
  });
});

test('read says how to get what it does not show', async () => {
  const sandbox = createMemorySandbox({ 'a.js': numbers(500), 'empty.js': '', 'long.js': 'x'.repeat(5000) });
  const contentOf = async (input: unknown) => (await use(sandbox, 'read', input)).content.split('\n');
  assert.deepEqual(await contentOf({ filepath: 'a.js', offset: 12, limit: 2 }), [
    '    12\tline 12',
    '    13\tline 13',
    '[lines 12 to 13 of 500: go on with offset 14]',
  ]);
  assert.deepEqual(await contentOf({ filepath: 'a.js', offset: 500 }), [
    '   500\tline 500',
    '[lines 500 to 500 of 500: the end]',
  ]);
  assert.match((await contentOf({ filepath: 'a.js' })).at(-1) ?? '', /^\[lines 1 to \d+ of 500: go on with/);
  assert.deepEqual(await contentOf({ filepath: 'empty.js' }), ['[the file is empty]']);
  assert.match(
    (await contentOf({ filepath: 'long.js' })).at(-1) ?? '',
    /^\[line 1 goes on beyond 1000 bytes/,
  );
});

test('read says what is wrong with the path', async () => {
  assert.deepEqual(await use(createMemorySandbox(), 'read', { filepath: 'a.js' }), {
    content: missing,
    isError: true,
    fact: { type: 'Tool: Read', filepath: 'a.js', callId: 'call-1', lines: 0, error: missing },
  });
});

test('list gives paths and says when there are more', async () => {
  const sandbox = createMemorySandbox({ 'b.js': '', 'a.js': '', 'src/c.js': '', 'src/d.md': '' });
  assert.deepEqual(await use(sandbox, 'list', { path: 'src', glob: '**/*.js' }), {
    content: 'src/c.js',
    isError: false,
    fact: { type: 'Tool: List', path: 'src', glob: '**/*.js', callId: 'call-1', files: 1 },
  });
  assert.deepEqual(await use(sandbox, 'list', {}), {
    content: 'a.js\nb.js\nsrc/c.js\n[there are more than 3 files: narrow the list with path, glob or depth]',
    isError: false,
    fact: { type: 'Tool: List', path: '.', callId: 'call-1', files: 3 },
  });
  assert.equal((await use(sandbox, 'list', { glob: '*.py' })).content, '[no files]');
  assert.deepEqual(await use(sandbox, 'list', { path: 'lib' }), {
    content: 'There is no directory lib.',
    isError: true,
    fact: {
      type: 'Tool: List',
      path: 'lib',
      callId: 'call-1',
      files: 0,
      error: 'There is no directory lib.',
    },
  });
});

test('search gives path, line and text, and cuts what is too long', async () => {
  const sandbox = createMemorySandbox({
    'a.js': `post()\n${'x'.repeat(9000)} post()\npost()\n`,
    'b.js': 'get()',
  });
  const { content, isError, fact } = await use(sandbox, 'search', { pattern: 'post\\(', path: '.' });
  assert.deepEqual(content.split('\n'), [
    'a.js:1:post()',
    `a.js:2:${'x'.repeat(399)}…`,
    '[there are more than 2 matches: narrow the search, or set files_only]',
  ]);
  assert.deepEqual(
    [isError, fact],
    [false, { type: 'Tool: Search', pattern: 'post\\(', path: '.', callId: 'call-1', matches: 2 }],
  );
  assert.equal((await use(sandbox, 'search', { pattern: 'put' })).content, '[no matches]');
  assert.deepEqual(await use(sandbox, 'search', { pattern: '(' }), {
    content: 'regex parse error: unclosed group',
    isError: true,
    fact: {
      type: 'Tool: Search',
      pattern: '(',
      callId: 'call-1',
      matches: 0,
      error: 'regex parse error: unclosed group',
    },
  });
});

test('edit replaces the one place that fits', async () => {
  const sandbox = createMemorySandbox({ 'a.js': 'one\ntwo\ntwo\n' });
  const edit = { filepath: 'a.js', old_str: 'one\ntwo', new_str: 'ONE' };
  assert.deepEqual(await use(sandbox, 'edit', edit), {
    content: 'Edited a.js at line 1.',
    isError: false,
    fact: { type: 'Tool: Edit', ...edit, callId: 'call-1' },
  });
  assert.equal(sandbox.workspace.get('a.js'), 'ONE\ntwo\n');
  const again = await use(sandbox, 'edit', edit);
  const error = 'old_str is not in a.js.';
  assert.deepEqual(again, {
    content: error,
    isError: true,
    fact: { type: 'Tool: Edit', ...edit, callId: 'call-1', error },
  });
});

test('edit makes several edits in one call, and each is an event', async () => {
  const sandbox = createMemorySandbox({ 'a.js': 'one\ntwo\ntwo\n' });
  const first = { old_str: 'two', new_str: 'TWO', replace_all: true };
  const second = { old_str: 'one', new_str: 'ONE' };
  const facts: JobFact[] = [];
  const several = { filepath: 'a.js', edits: [first, second] };
  const event = { type: 'Tool: Edit', filepath: 'a.js', callId: 'call-1' };
  assert.deepEqual(await use(sandbox, 'edit', several, facts), {
    content: 'Edited a.js at 2 places from line 2 on, line 1.',
    isError: false,
    fact: { ...event, ...second },
  });
  assert.deepEqual(facts, [{ ...event, ...first }]);
  assert.equal(sandbox.workspace.get('a.js'), 'ONE\nTWO\nTWO\n');
});

test('of several edits the one that did not fit is told, and none is made', async () => {
  const sandbox = createMemorySandbox({ 'a.js': 'one\ntwo\n' });
  const [fits, fails] = [
    { old_str: 'one', new_str: 'ONE' },
    { old_str: 'three', new_str: 'THREE' },
  ];
  const facts: JobFact[] = [];
  const error = 'old_str is not in a.js.';
  assert.deepEqual(await use(sandbox, 'edit', { filepath: 'a.js', edits: [fits, fails] }, facts), {
    content: error,
    isError: true,
    fact: { type: 'Tool: Edit', filepath: 'a.js', ...fails, callId: 'call-1', error },
  });
  assert.deepEqual([facts, sandbox.workspace.get('a.js')], [[], 'one\ntwo\n']);
});

test('write makes a file and counts its lines', async () => {
  const sandbox = createMemorySandbox();
  assert.deepEqual(await use(sandbox, 'write', { filepath: 'src/a.js', content: 'one\n' }), {
    content: 'Wrote src/a.js: 1 line.',
    isError: false,
    fact: { type: 'Tool: Write', filepath: 'src/a.js', callId: 'call-1', lines: 1 },
  });
  assert.equal(sandbox.workspace.get('src/a.js'), 'one\n');
  const error = 'src/a.js/b.js could not be written: not a directory.';
  assert.deepEqual(await use(sandbox, 'write', { filepath: 'src/a.js/b.js', content: '' }), {
    content: error,
    isError: true,
    fact: { type: 'Tool: Write', filepath: 'src/a.js/b.js', callId: 'call-1', lines: 0, error },
  });
});

test('plan shows its steps', async () => {
  const steps = [
    { title: 'Look', state: 'done' },
    { title: 'Change', state: 'active' },
  ];
  assert.deepEqual(await use(createMemorySandbox(), 'plan', { steps }), {
    content: 'The plan is shown: 1 of 2 steps are done.',
    isError: false,
    fact: { type: 'AI Plan', steps, callId: 'call-1' },
  });
});

test('bash gives the output and the exit code; a failing test is a result, no failed call', async () => {
  const output = '✖ one of 3 tests failed\n';
  const sandbox = createMemorySandbox({}, { 'npm test': { output, exitCode: 1, durationMs: 1234 } });
  assert.deepEqual(await use(sandbox, 'bash', { command: 'npm test' }), {
    content: '✖ one of 3 tests failed\n[exit code 1, 1.2 s]',
    isError: false,
    fact: {
      type: 'Tool: Bash',
      command: 'npm test',
      output,
      exitCode: 1,
      durationMs: 1234,
      callId: 'call-1',
    },
  });
  assert.deepEqual(sandbox.asked, [{ command: 'npm test', timeoutMs: 120_000, outputBytesMax: 30_000 }]);
});

test('bash shows the model what a terminal would show in the end', async () => {
  const output = '\u001b[32mok\u001b[0m\r\n 10%\r 50%\r100%\r\ndone\n\n';
  const sandbox = createMemorySandbox({}, { make: { output }, true: {} });
  const { content, fact } = await use(sandbox, 'bash', { command: 'make' });
  assert.equal(content, 'ok\n100%\ndone\n[exit code 0, 0.04 s]');
  assert.equal(fact.type === 'Tool: Bash' && fact.output, output);
  assert.equal((await use(sandbox, 'bash', { command: 'true' })).content, '[exit code 0, 0.04 s]');
});

test('bash says when a command ran too long, was killed or said too much, and what to do', async () => {
  const sandbox = createMemorySandbox(
    {},
    {
      watch: { output: 'waiting\n', exitCode: null, timedOut: true, durationMs: 2005 },
      crash: { exitCode: null, durationMs: 300 },
      flood: { output: 'a\n[70000 bytes left out here]\nz\n', bytesLeftOut: 70_000 },
      'flood to a file': { output: 'a\n', bytesLeftOut: 70_000, outputFile: '/tmp/backspace-output/1.txt' },
    },
  );
  const error =
    '[stopped, with everything that it started: it ran longer than 2 s; run less at once, give a larger timeoutSeconds (at most 600), or run it in the background with its output in a file]';
  assert.deepEqual(await use(sandbox, 'bash', { command: 'watch', timeoutSeconds: 2 }), {
    content: `waiting\n${error}`,
    isError: true,
    fact: {
      type: 'Tool: Bash',
      command: 'watch',
      output: 'waiting\n',
      exitCode: null,
      durationMs: 2005,
      callId: 'call-1',
      error,
    },
  });
  assert.equal(sandbox.asked[0]?.timeoutMs, 2000);
  const crash = await use(sandbox, 'bash', { command: 'crash' });
  assert.deepEqual(
    [crash.content, crash.isError],
    [
      '[killed by a signal after 0.3 s; if it took too much memory, run less at once; look at what it has done before you go on]',
      true,
    ],
  );
  assert.match(
    (await use(sandbox, 'bash', { command: 'flood' })).content,
    /z\n\[70000 bytes in the middle were left out; use head, .*\]\n\[exit code 0, 0\.04 s\]$/,
  );
  assert.match(
    (await use(sandbox, 'bash', { command: 'flood to a file' })).content,
    /; the whole output is in \/tmp\/backspace-output\/1\.txt: read or search parts of it\]/,
  );
});

test('an aborted command rejects with the reason', async () => {
  const bash = createTools(createMemorySandbox(), limits).at(-1);
  const controller = new AbortController();
  const running = bash?.run({ command: 'sleep 600' }, 'call-1', controller.signal, async () => {});
  controller.abort(new Error('cancelled'));
  await assert.rejects(async () => running, { message: 'cancelled' });
});

test('input that does not fit is refused in words that help to mend it', async () => {
  const cases: [tool: string, input: unknown, problems: string][] = [
    ['read', {}, '«filepath» is missing (string)'],
    ['read', 'a.js', 'the input: expected object, received string'],
    ['read', undefined, 'the input is missing (object)'],
    [
      'read',
      { filepath: 7, offset: 0, lines: 3, page: 1 },
      '«filepath»: expected string, received number; «offset»: expected number to be >=1; there is no field «lines», «page», the fields are filepath, offset, limit',
    ],
    ['read', { filepath: 'a.js', limit: 1.5 }, '«limit»: expected int, received number'],
    ['list', { path: ['src'] }, '«path»: expected string, received array'],
    ['search', { pattern: '' }, '«pattern»: expected string to have >=1 characters'],
    ['edit', { filepath: 'a.js', edits: [{ old_str: 'a' }] }, '«edits[0].new_str» is missing (string)'],
    ['edit', { filepath: 'a.js' }, '«old_str» is missing (string); «new_str» is missing (string)'],
    [
      'edit',
      { filepath: 'a.js', old_str: 'a', edits: [{ old_str: 'a', new_str: 'b' }] },
      'the input: give either old_str and new_str, or edits',
    ],
    ['write', { filepath: 'a.js', content: null }, '«content»: expected string, received null'],
    ['bash', { command: 'ls', timeoutSeconds: 601 }, '«timeoutSeconds»: expected number to be <=600'],
    [
      'plan',
      { steps: [{ title: 'Look', state: 'started' }, { state: 'done' }] },
      '«steps[0].state»: expected one of "pending"|"active"|"done"; «steps[1].title» is missing (string)',
    ],
    ['plan', { steps: [] }, '«steps»: expected array to have >=1 items'],
  ];
  for (const [tool, input, problems] of cases) {
    const error = `The input of ${tool} does not fit: ${problems}.`;
    assert.deepEqual(await use(createMemorySandbox(), tool, input), {
      content: error,
      isError: true,
      fact: { type: 'Tool: Refused', tool, error, callId: 'call-1' },
    });
  }
});
