import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../server/domain/errors.ts';
import { createRedactor } from '../../server/domain/redact.ts';
import { createLog } from '../../server/log.ts';

const canary = 'canary-9f8e7d6c"5b4a';
const redact = createRedactor([canary]).text;

const logged = (level = 'info') => {
  const lines: string[] = [];
  const log = createLog({ level, redact, destination: { write: (line) => void lines.push(line) } });
  return { log, lines };
};

test('an entry is one line of JSON with level, time, fields and message', () => {
  const { log, lines } = logged();
  log.info({ jobId: 'job-1', ms: 12 }, 'the sandbox is ready');

  const [line = ''] = lines;
  assert.ok(line.endsWith('\n') && line.indexOf('\n') === line.length - 1);
  const { time, ...entry } = JSON.parse(line);
  assert.equal(new Date(time).toISOString(), time);
  assert.deepEqual(entry, { level: 'info', jobId: 'job-1', ms: 12, msg: 'the sandbox is ready' });
});

test('a secret slips by in no place of a line', () => {
  const { log, lines } = logged();
  const cause = Object.assign(new TypeError(`fetch failed with ${canary}`), {
    headers: { authorization: canary },
  });
  log.error(
    { [canary]: { deep: [canary] }, error: new Error(`with ${canary}`, { cause }) },
    `said ${canary}`,
  );
  log.info({ toJSON: () => canary, base64: btoa(`x${canary}`) }, 'in other forms');

  assert.equal(lines.length, 2);
  for (const line of lines) {
    JSON.parse(line);
    assert.match(line, /\[redacted\]/);
    assert.ok(!line.includes('9f8e7d6c') && !line.includes(btoa(`x${canary}`)), line);
  }
});

test('nothing in a line steers the terminal that shows it, and a parser reads the same', () => {
  const { log, lines } = logged();
  const hostile = 'a\u001b[2J\u007f\u009b2J\u009d52;c;eA==\u009c\u202eb\u2028c';
  log.info({ output: hostile }, 'said');
  const [line = ''] = lines;
  assert.doesNotMatch(line.trimEnd(), /[\p{Cc}\p{Bidi_Control}\u2028]/u);
  assert.equal(JSON.parse(line).output, hostile);
});

test('an error is told with code, stack and causes, and without what else hangs on it', () => {
  const { log, lines } = logged();
  const root = Object.assign(new Error('connect ECONNREFUSED'), {
    code: 'ECONNREFUSED',
    request: { body: 'much' },
  });
  const thrown = new AppError('github_failed', 'GitHub did not answer.', {
    cause: new Error('fetch failed', { cause: root }),
  });
  log.error({ err: thrown, other: 'a field' }, 'the job failed');

  const { err, other } = JSON.parse(lines[0] ?? '');
  assert.match(err.stack, /^AppError: GitHub did not answer\.\n\s+at /);
  const withoutStack = (key: string, value: unknown) => (key === 'stack' ? undefined : value);
  assert.deepEqual(JSON.parse(JSON.stringify({ err, other }, withoutStack)), {
    err: {
      name: 'AppError',
      message: 'GitHub did not answer.',
      code: 'github_failed',
      cause: {
        name: 'Error',
        message: 'fetch failed',
        cause: { name: 'Error', message: 'connect ECONNREFUSED', code: 'ECONNREFUSED' },
      },
    },
    other: 'a field',
  });
});

test('a cause that is no error, and causes that go round, are told and end', () => {
  const { log, lines } = logged();
  const round = new Error('round');
  round.cause = round;
  log.warn({ plain: new Error('a', { cause: 'why' }), round }, 'odd causes');

  const { plain, round: told } = JSON.parse(lines[0] ?? '');
  assert.equal(plain.cause, 'why');
  assert.equal(told.cause.cause.cause.message, 'round');
});

test('entries below the level are not written', () => {
  const { log, lines } = logged('error');
  log.info({}, 'no');
  log.warn({}, 'no');
  log.error({}, 'yes');
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).msg),
    ['yes'],
  );
});
