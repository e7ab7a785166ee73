import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { readConfig, settingNames } from '../../server/config.ts';
import { jobEventSchema } from '../../server/domain/job-event.ts';

const root = path.resolve(import.meta.dirname, '../..');
const readme = readFileSync(path.join(root, 'README.md'), 'utf8');

/** The cells of the table below this heading row, as they stand there. */
const table = (heading: string): string[][] => {
  const [, rows = ''] = readme.split(`\n| ${heading} |\n`);
  const lines = rows.split('\n\n')[0]?.split('\n').slice(1) ?? [];
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
};

const inCode = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);

test('every file that the README names is there', () => {
  const names = [...readme.matchAll(/\b(?:server|test|sandbox-image)\/[\w./-]+\.\w+\b/g)].map(
    ([name]) => name,
  );
  assert.ok(names.length > 10);
  assert.deepEqual(
    names.filter((name) => !existsSync(path.join(root, name))),
    [],
  );
});

test('the README’s table of settings names each once, in the order of config.ts, with its default', () => {
  const defaults: Record<string, unknown> = readConfig({
    ANTHROPIC_API_KEY: 'sk-ant-0123456789',
    GITHUB_TOKEN: 'ghp_0123456789',
  });
  const hasNone = new Set([
    'ANTHROPIC_API_KEY',
    'GITHUB_TOKEN',
    'API_KEYS',
    'SETUP_EGRESS_ALLOW',
    'SANDBOX_IMAGES',
  ]);
  const expected = settingNames.map((name) => [
    name,
    ...(hasNone.has(name) || defaults[name] === undefined ? [] : [String(defaults[name])]),
  ]);
  assert.deepEqual(
    table('setting | default | what it is').map(([name, otherwise]) => [
      ...inCode(name),
      ...inCode(otherwise),
    ]),
    expected,
  );
});

test('the README’s table of events names every type once, and each of its fields', () => {
  const common = new Set(['type', 'callId', 'error']);
  const rows = table('event | fields').map(([types, fields]) => ({
    types: inCode(types),
    fields: inCode(fields),
  }));
  const members = jobEventSchema.options.map(({ shape }) => ({
    type: shape.type.value as string,
    fields: Object.keys(shape).filter((field) => !common.has(field)),
  }));
  assert.deepEqual(rows.flatMap(({ types }) => types).toSorted(), members.map(({ type }) => type).toSorted());
  const missing = members.flatMap(({ type, fields }) => {
    const row = rows.find(({ types }) => types.includes(type));
    return fields.filter((field) => !row?.fields.includes(field)).map((field) => `${type}: ${field}`);
  });
  assert.deepEqual(missing, []);
});
