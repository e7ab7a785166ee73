import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createListTool } from '../../../server/agent/tools/list-tool.ts';
import { createReadTool } from '../../../server/agent/tools/read-tool.ts';
import { createSearchTool } from '../../../server/agent/tools/search-tool.ts';
import type { SearchMatch } from '../../../server/domain/sandbox.ts';
import type { Tool } from '../../../server/domain/tool.ts';

/** What the model gets, and what the event counts. */
const use = async (tool: Tool, input: unknown) => {
  const { content, fact } = await tool.run(input, 'call-1', AbortSignal.timeout(5000), async () => {});
  const counted = 'matches' in fact ? fact.matches : 'files' in fact ? fact.files : undefined;
  return { lines: content.split('\n'), counted };
};

/** A search that finds these, whatever it is asked, and remembers that. */
const createSearch = (matches: SearchMatch[], rest: { more?: boolean; hint?: string } = {}) => {
  const asked: object[] = [];
  const search = createSearchTool(
    {
      search: async (request) => {
        asked.push(request);
        return { ok: true, matches, more: false, ...rest };
      },
    },
    { matchesMax: 3 },
  );
  return { search, asked };
};

test('search passes its options on', async () => {
  const { search, asked } = createSearch([]);
  await use(search, {
    pattern: 'a',
    path: 'src',
    glob: '*.ts',
    ignore_case: true,
    literal: true,
    context: 2,
  });
  await use(search, { pattern: 'a', files_only: true });
  assert.deepEqual(asked, [
    {
      ...{ pattern: 'a', path: 'src', glob: '*.ts', literal: true, context: 2, ignoreCase: true },
      matchesMax: 3,
    },
    { pattern: 'a', filesOnly: true, matchesMax: 3 },
  ]);
});

test('search shows lines around matches apart from them, and a gap between', async () => {
  const isContext = true;
  const { search } = createSearch([
    { path: 'a.ts', line: 1, text: 'before', isContext },
    { path: 'a.ts', line: 2, text: 'match' },
    { path: 'a.ts', line: 8, text: 'before', isContext },
    { path: 'a.ts', line: 9, text: 'match' },
    { path: 'b.ts', line: 1, text: 'match' },
    { path: 'b.ts', line: 2, text: 'after', isContext },
  ]);
  assert.deepEqual(await use(search, { pattern: 'match', context: 1 }), {
    lines: [
      ...['a.ts-1-before', 'a.ts:2:match', '--', 'a.ts-8-before', 'a.ts:9:match', '--'],
      ...['b.ts:1:match', 'b.ts-2-after'],
    ],
    counted: 3,
  });
});

test('search gives the files alone on demand', async () => {
  const matches = [
    { path: 'a.ts', line: 1, text: 'match' },
    { path: 'b.ts', line: 7, text: 'match' },
  ];
  const { search } = createSearch(matches, { more: true });
  assert.deepEqual(await use(search, { pattern: 'match', files_only: true }), {
    lines: ['a.ts', 'b.ts', '[there are more than 3 files: narrow the search with path or glob]'],
    counted: 2,
  });
});

test('search and list say what is known of why there is nothing', async () => {
  const { search } = createSearch([], { hint: 'with ignore_case set there is a.ts:1' });
  const list = createListTool(
    { list: async () => ({ ok: true, paths: [], more: false, hint: 'there are no files in src' }) },
    { filesMax: 3 },
  );
  assert.deepEqual(
    [await use(search, { pattern: 'A' }), await use(list, { path: 'src', depth: 1 })],
    [
      { lines: ['[no matches; with ignore_case set there is a.ts:1]'], counted: 0 },
      { lines: ['[no files: there are no files in src]'], counted: 0 },
    ],
  );
});

test('read tells what cannot be seen behind what it shows', async () => {
  const range = { fromLine: 1, toLine: 1, totalLines: 2 };
  const read = createReadTool(
    { read: async () => ({ ok: true, content: 'one', ...range, notes: ['the lines end with \\r\\n'] }) },
    { readBytesMax: 1000 },
  );
  assert.deepEqual((await use(read, { filepath: 'a' })).lines, [
    ...['     1\tone', '[lines 1 to 1 of 2: go on with offset 2]', '[the lines end with \\r\\n]'],
  ]);
});
