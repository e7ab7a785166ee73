import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AgentAnswer } from '../../../../server/agent/answer.ts';
import {
  type CheckEvidence,
  type CheckRun,
  type Evidence,
  verdictOf,
} from '../../../../server/domain/checks/evidence.ts';
import { noUsage, type Usage } from '../../../../server/domain/job-event.ts';
import { pullRequestText } from '../../../../server/jobs/pull-request/text.ts';

const passed: CheckRun = { status: 'passed', exitCode: 0, durationMs: 1_234, output: 'ok\n' };
const failed: CheckRun = { status: 'failed', exitCode: 1, durationMs: 61_000, output: 'not ok 1 - adds\n' };
const absent: CheckRun = {
  ...{ status: 'could_not_run', exitCode: null, durationMs: 0, output: '' },
  reason: 'The dependencies are not installed.',
};

const check = (before: CheckRun, after: CheckRun, more: Partial<CheckEvidence> = {}): CheckEvidence => ({
  ...{ command: 'npm test', before, after, verdict: verdictOf(before, after) },
  ...more,
});

const tree = '0123456789abcdef0123456789abcdef01234567';

const evidence = (checks: CheckEvidence[], more: Partial<Evidence> = {}): Evidence => ({
  ...{ checks, checksFrom: 'manifests', definitionsChanged: [], weakened: [] },
  ...{ tree, image: 'default', setup: [], notes: [] },
  ...more,
});

const textOf = (told: Evidence | undefined, answer: Partial<AgentAnswer> = {}, usage: Partial<Usage> = {}) =>
  pullRequestText({
    job: { id: 'job-1', request: { repository: { owner: 'octo', name: 'books' }, prompt: 'Mend it' } },
    answer: {
      ...{ title: 'Mend it', description: 'It was broken.', summary: 'It was broken.', commands: [] },
      ...answer,
    },
    changeset: { files: [], leftOut: [] },
    baseFiles: new Map(),
    evidence: told,
    denials: { total: 0, distinct: [] },
    usage: { ...noUsage, ...usage },
    model: 'claude-opus-5-5',
  });

/** The rows of the table. */
const rows = (body: string): string[] =>
  body
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(2);

test('a check that passed before and after is told in full', () => {
  const { body, draft } = textOf(
    evidence([check(passed, passed)], { setup: ['npm ci'], checksFrom: 'request' }),
  );
  assert.equal(draft, false);
  assert.equal(
    body.slice(0, body.indexOf('\n\n## Request')),
    `It was broken.

## Checks

The server itself ran what the request names, in fresh sandboxes where the agent has never been: at the base commit, and there with exactly this change.

| Check | Result | Base | This change |
| --- | --- | --- | --- |
| \`npm test\` | passed before and after | exit code 0, 1.2 s | exit code 0, 1.2 s |

Checked tree: \`${tree}\`, that of this pull request’s commit, in the image \`default\` after the setup \`npm ci\`. A check runs the code that it checks: hostile code can still lie about itself.`,
  );
});

for (const [what, before, after, inWords] of [
  ['fixed', failed, passed, '**fixed**: failed before, passes now | exit code 1, 61 s | exit code 0, 1.2 s'],
  ['broken', passed, failed, '**broken by this change** | exit code 0, 1.2 s | exit code 1, 61 s'],
  [
    'broken before',
    failed,
    failed,
    'broken before: failed before and after | exit code 1, 61 s | exit code 1, 61 s',
  ],
  [
    'not run',
    absent,
    absent,
    '**could not run**: The dependencies are not installed. | could not run | could not run',
  ],
  [
    'not run any more',
    passed,
    absent,
    '**could not run**, but passed before: The dependencies are not installed. | exit code 0, 1.2 s | could not run',
  ],
  [
    'run for the first time',
    absent,
    passed,
    'passes; could not run before | could not run | exit code 0, 1.2 s',
  ],
  [
    'failed at the first time',
    absent,
    failed,
    '**fails**; could not run before | could not run | exit code 1, 61 s',
  ],
  [
    'killed',
    passed,
    { ...failed, exitCode: null },
    '**broken by this change** | exit code 0, 1.2 s | killed, 61 s',
  ],
] as const) {
  test(`a check that is ${what} says so, and never more`, () => {
    const { body } = textOf(evidence([check(before, after)]));
    assert.deepEqual(rows(body), [`| \`npm test\` | ${inWords} |`]);
  });
}

test('a check that the change has broken makes a draft, stands first and shows what it printed', () => {
  const lint = check(passed, passed, { command: 'npm run lint' });
  const { title, body, draft } = textOf(evidence([lint, check(passed, failed)]));
  assert.deepEqual([title, draft], ['Mend it', true]);
  assert.ok(
    body.startsWith(`> [!WARNING]
> **Not to be merged as it is.**
>${' '}
> \`npm test\` passed before this change and fails with it.

It was broken.

## Checks
`),
    body,
  );
  assert.ok(
    body.includes(`
<details><summary><code>npm test</code> failed with this change: the end of its output</summary>

\`\`\`text
not ok 1 - adds
\`\`\`

</details>
`),
    body,
  );
});

test('a check that fails and could not run before is no excuse: it makes a draft', () => {
  const { body, draft } = textOf(evidence([check(absent, failed)]));
  assert.equal(draft, true);
  assert.match(body, /^> .*\n> .*\n>.*\n> `npm test` fails, and could not be run without this change\./);
});

test('incomplete work makes a draft, and stands first with what is broken', () => {
  const incomplete = { code: 'turn_limit', message: 'The model was not done after 50 turns.' } as const;
  const alone = textOf(undefined, { incomplete });
  assert.equal(alone.draft, true);
  assert.match(
    alone.body,
    /^> \[!WARNING\]\n> .*\n> \n> The work is incomplete: The model was not done after 50 turns\. What there was until then is here\.\n\nIt was/,
  );
  const both = textOf(evidence([check(passed, failed)]), { incomplete });
  assert.match(both.body, /\n> - `npm test` passed before .*\n> - The work is incomplete: .* is here\.\n\n/);
});

test('work that came to an end because a limit was near makes no draft, and says so', () => {
  const { body, draft } = textOf(evidence([check(passed, passed)]), { wrappedUp: true });
  assert.equal(draft, false);
  assert.match(
    body,
    /\n## Noticed by the server\n\nThe agent was told that a limit was near, and came to an end: /,
  );
});

test('what was broken before, or could not run, makes no draft', () => {
  for (const [before, after] of [
    [failed, failed],
    [absent, absent],
    [failed, passed],
  ] as const) {
    assert.equal(textOf(evidence([check(before, after)])).draft, false);
  }
});

test('without a check it is said that nothing was checked', () => {
  const { body } = textOf(
    evidence([], { checksFrom: 'none', notes: ['The manifest `x.toml` cannot be read.'] }),
  );
  assert.match(
    body,
    /\n## Checks\n\nNothing was checked: neither the request nor `\.backspace\.yml` names a check, .*\n\n- The manifest `x\.toml` cannot be read\.\n\n## Request/,
  );
  assert.match(
    textOf(evidence([], { checksFrom: 'request' })).body,
    /\nNothing was checked: the request wants no checks, whatever the repository has \(`checks: \[\]`\)\.\n/,
  );
  assert.match(
    textOf(evidence([], { checksFrom: 'backspace_yml' })).body,
    /\nNothing was checked: the base commit’s `\.backspace\.yml` wants no checks \(`checks: \[\]`\)\.\n/,
  );
  assert.match(
    textOf(evidence([check(absent, absent)])).body,
    /\n\*\*Nothing was checked:\*\* none of the checks could run/,
  );
  assert.match(
    textOf(evidence([check(passed, passed), check(absent, absent)])).body,
    /\n1 of 2 checks could run\. The server itself ran what the base commit’s manifests show, in fresh/,
  );
});

test('when the change touches what defines a check, both results are there', () => {
  const both = check(failed, passed, { afterWithBaseFiles: failed });
  const { body } = textOf(evidence([both], { definitionsChanged: ['package.json', 'tests/`a`.js'] }));
  assert.ok(
    body.includes(`| Check | Result | Base | This change | With base’s definitions |
| --- | --- | --- | --- | --- |
| \`npm test\` | **fixed**: failed before, passes now | exit code 1, 61 s | exit code 0, 1.2 s | exit code 1, 61 s |

This change touches what defines the checks, so they ran a second time with base’s versions of these files (the last column):

- \`package.json\`
- \`tests/ˋaˋ.js\`
`),
    body,
  );
  assert.match(
    body,
    /\n## Noticed by the server\n\n.*:\n\n- `npm test` passes, but fails with what defined it in the base\.\n/,
  );
  assert.match(body, /<code>npm test<\/code> failed with this change and base’s definitions: the end/);
});

test('weakened tests are listed for the reviewer, whatever their paths try', () => {
  const weakened = [
    { path: 'tests/a.test.js', what: '1 of 2 test cases is gone.' },
    { path: 'tests/`\n## Checks\n.js', what: 'The file is deleted.' },
  ];
  assert.ok(
    textOf(evidence([], { weakened })).body.includes(`## Noticed by the server

Tests and checks that may say less than before:

- \`tests/a.test.js\`: 1 of 2 test cases is gone.
- \`tests/ˋ …\`: The file is deleted.

## Request`),
  );
});

test('no output can leave its block, colour it, or turn it around', () => {
  const output =
    '\u001b[31mred\u001b[0m\r\n```\n</details>\n````` \n@octocat ![x](y) <img>\u202e\u0000\n10%\r20%';
  const { body } = textOf(evidence([check(passed, { ...failed, output })]));
  assert.ok(
    body.includes(
      '\n\n``````text\nred\n```\n</details>\n````` \n@octocat ![x](y) <img>\n10%\n20%\n``````\n\n</details>',
    ),
    body,
  );
});

test('of a long output the end is shown, in whole lines', () => {
  const output = Array.from({ length: 5_000 }, (_, line) => `line ${line}`).join('\n');
  const { body } = textOf(evidence([check(passed, { ...failed, output })]));
  assert.match(body, /\n```text\n…\nline \d+\n[\s\S]*\nline 4999\n```\n/);
});

test('no command or reason can leave its cell or its line', () => {
  const command = 'a | b `c` </code></summary>\nnpm test';
  const reason = 'No | such\n| x | <img> @octocat';
  const run = { ...absent, reason, output: 'x' };
  const { body } = textOf(evidence([check(absent, run, { command })]));
  assert.deepEqual(rows(body), [
    '| `a \\| b ˋcˋ </code></summary> …` | **could not run**: No \\| such … | could not run | could not run |',
  ]);
  assert.ok(
    body.includes(
      '<summary><code>a | b `c` &#60;/code&#62;&#60;/summary&#62; …</code> could not run with this change',
    ),
    body,
  );
});

test('whatever the parts are, GitHub takes the body, with the warning, the checks and the footer', () => {
  for (const character of ['x', '`', '<a', '|', '\n', '🙂', '&', ' @a', '\\']) {
    const giant = character.repeat(100_000);
    const run = { ...failed, output: giant };
    const checks = Array.from({ length: 100 }, () =>
      check({ ...passed, output: giant }, run, { command: giant, afterWithBaseFiles: run }),
    );
    const many = Array.from({ length: 1_000 }, () => giant.slice(0, 4_000));
    const story = evidence(checks, {
      definitionsChanged: many,
      weakened: many.map((path) => ({ path, what: path })),
      setup: many,
      notes: many,
    });
    const incomplete = { code: 'turn_limit', message: giant } as const;
    const commands = many.map((command) => ({ command, exitCode: 0 }));
    const { body } = pullRequestText({
      job: {
        id: 'job-1',
        request: { repository: { owner: 'octo', name: 'books' }, prompt: giant.slice(0, 20_000) },
      },
      answer: { title: 'Mend it', description: giant, summary: '', commands, incomplete },
      changeset: { files: [], leftOut: many.map((path) => ({ path, reason: 'a log' })) },
      baseFiles: new Map(),
      evidence: story,
      denials: {
        total: 5_000,
        distinct: many
          .slice(0, 100)
          .map((host) => ({ host, port: 1, reason: 'It is not allowed.', howToAllow: '', count: 2 })),
      },
      usage: noUsage,
      model: giant,
    });
    assert.ok(body.length <= 64_100, `${JSON.stringify(character)}: ${body.length} characters`);
    assert.ok(body.isWellFormed());
    assert.match(body, /^> \[!WARNING\]\n/);
    assert.match(body, /\n## Checks\n/);
    assert.match(body, / · 1000 paths left out$/);
    assert.equal(body.split('<details>').length, body.split('</details>').length);
  }
});

test('the footer tells what it took', () => {
  const footer = (usage: Partial<Usage>) => textOf(undefined, {}, usage).body.split('\n---\n')[1];
  const rest = ' · 0 requests to other hosts refused · 0 paths left out';
  const start = 'Made by Tiny Backspace, job `job-1` · model `claude-opus-5-5` · ';
  for (const [turns, costUsd, told] of [
    [1, 'unknown', '1 turn · cost unknown'],
    [12, 12.3456, '12 turns · cost $12.35'],
    [2, 0.4567, '2 turns · cost $0.46'],
    [2, 0.0456, '2 turns · cost $0.046'],
    [2, 0.000123, '2 turns · cost $0.00012'],
    [0, 0, '0 turns · cost $0.00'],
  ] as const) {
    assert.equal(footer({ turns, costUsd }), `${start}${told}${rest}`);
  }
});
