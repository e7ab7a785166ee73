import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { done, type JobBench, startJobBench } from '../support/job-bench.ts';
import { call, say, type Turn } from '../support/model/scenario.ts';

/** What a pull request tells its reviewer of the checks and of the work. */

let bench: JobBench;
before(async () => {
  const price = { input: 3, output: 15, cacheWrite: 3.75, cacheRead: 0.3 };
  bench = await startJobBench(() => ({
    MODEL: 'our-own',
    MODEL_PRICES: JSON.stringify({ 'our-own': price }),
  }));
});
after(() => bench?.[Symbol.asyncDispose]());

const priceIs = (price: number): string =>
  `test "$(cat price.txt)" = ${price} || { echo "the price is $(cat price.txt)"; exit 1; }\n`;

const edit = (filepath: string, old_str: string, new_str: string) =>
  call('edit', { filepath, old_str, new_str });
const end: Turn = { reply: [done] };

/** How long something took, and what it cost, differs from run to run. */
const withoutChance = (body: string | null | undefined): string =>
  (body ?? '').replaceAll(/\b\d+(?:\.\d)? s\b/g, 'some s').replaceAll(/\$0\.0\d+/g, '$some');

test('a pull request that breaks a check says so before all else, also in its title where GitHub takes no drafts', async () => {
  const files = { 'price.txt': '3\n', 'stock.txt': 'none\n', 'tests/price.sh': priceIs(3) };
  const repository = await bench.forge.createRepository('acme/broken', { files }, { takesNoDrafts: true });
  const { events, jobId, last } = await bench.run({
    repository,
    request: { checks: ['sh tests/price.sh', 'grep some stock.txt', 'test -s price.txt'] },
    turns: [{ reply: [edit('price.txt', '3', '4'), edit('stock.txt', 'none', 'some')] }, end, end],
  });
  assert.partialDeepStrictEqual(last, { type: 'Result', status: 'succeeded' });
  const title = '[unverified] Change what was asked for';
  assert.partialDeepStrictEqual(
    events.find(({ type }) => type === 'PR: Created'),
    { title, draft: false },
  );
  const [pullRequest] = bench.forge.pullRequests(repository.fullName);
  assert.partialDeepStrictEqual(pullRequest, { title, draft: false });
  const body = withoutChance(pullRequest?.body);
  const tree = await repository.git('rev-parse', `backspace/${jobId}^{tree}`);
  const expected = `> [!WARNING]
> **Not to be merged as it is.**
>${' '}
> \`sh tests/price.sh\` passed before this change and fails with it.

All of it is done.

## Checks

The server itself ran what the request names, in fresh sandboxes where the agent has never been: at the base commit, and there with exactly this change.

| Check | Result | Base | This change |
| --- | --- | --- | --- |
| \`sh tests/price.sh\` | **broken by this change** | exit code 0, some s | exit code 1, some s |
| \`grep some stock.txt\` | **fixed**: failed before, passes now | exit code 1, some s | exit code 0, some s |
| \`test -s price.txt\` | passed before and after | exit code 0, some s | exit code 0, some s |

<details><summary><code>sh tests/price.sh</code> failed with this change: the end of its output</summary>

\`\`\`text
the price is 4
\`\`\`

</details>

Checked tree: \`${tree}\`, `;
  assert.equal(body.slice(0, expected.length), expected);
});

const shopTests = `import assert from 'node:assert/strict';
import { test } from 'node:test';

test('books cost something', () => assert.ok(Number(price) > 0));
test('books cost 3', () => assert.equal(price, '3'));
`;
const stockTests = `def test_there_is_some():
    assert stock > 0
`;

test('a pull request that changes tests shows both results, and lists all that its description does not tell', async () => {
  const files = {
    'price.txt': '3\n',
    'tests/price.sh': priceIs(3),
    'tests/shop.test.js': shopTests,
    'tests/test_stock.py': stockTests,
  };
  const repository = await bench.forge.createRepository('acme/weakened', { files });
  const { jobId, last, prompt } = await bench.run({
    repository,
    request: { checks: ['sh tests/price.sh'] },
    turns: [
      {
        reply: [
          edit('price.txt', '3', '4'),
          edit('tests/price.sh', '= 3', '= 4'),
          edit('tests/shop.test.js', "test('books cost 3', () => assert.equal(price, '3'));\n", ''),
          edit('tests/test_stock.py', 'def', '@pytest.mark.skip\ndef'),
          call('write', { filepath: 'debug.log', content: 'tried 4\n' }),
        ],
      },
      { reply: [say('Raise the price to 4\n\nIt is read in `src/prices.js`, and written in `price.txt`.')] },
    ],
  });
  assert.partialDeepStrictEqual(last, { type: 'Result', status: 'succeeded', filesChanged: 4 });
  const [pullRequest] = bench.forge.pullRequests(repository.fullName);
  assert.partialDeepStrictEqual(pullRequest, { title: 'Raise the price to 4', draft: false });
  const tree = await repository.git('rev-parse', `backspace/${jobId}^{tree}`);
  assert.equal(
    withoutChance(pullRequest?.body),
    `It is read in \`src/prices.js\`, and written in \`price.txt\`.

## Checks

The server itself ran what the request names, in fresh sandboxes where the agent has never been: at the base commit, and there with exactly this change.

| Check | Result | Base | This change | With base’s definitions |
| --- | --- | --- | --- | --- |
| \`sh tests/price.sh\` | passed before and after | exit code 0, some s | exit code 0, some s | exit code 1, some s |

This change touches what defines the checks, so they ran a second time with base’s versions of these files (the last column):

- \`tests/price.sh\`
- \`tests/shop.test.js\`
- \`tests/test_stock.py\`

<details><summary><code>sh tests/price.sh</code> failed with this change and base’s definitions: the end of its output</summary>

\`\`\`text
the price is 4
\`\`\`

</details>

Checked tree: \`${tree}\`, that of this pull request’s commit, in the image \`default\` without any setup. A check runs the code that it checks: hostile code can still lie about itself.

## Noticed by the server

Checks that pass only with this change’s version of them:

- \`sh tests/price.sh\` passes, but fails with what defined it in the base.

Tests and checks that may say less than before:

- \`tests/shop.test.js\`: 1 of 2 test cases is gone.
- \`tests/test_stock.py\`: 1 new mark to skip tests, or to run only some of them.

Named in the description, but not in this repository:

- \`src/prices.js\`

Left out of the commit:

- \`debug.log\`: a log

## Request

> ${prompt}

---
Made by Tiny Backspace, job \`${jobId}\` · model \`our-own\` · 2 turns · cost $some · 0 requests to other hosts refused · 1 path left out`,
  );
});
