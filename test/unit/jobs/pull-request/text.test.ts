import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AgentAnswer } from '../../../../server/agent/answer.ts';
import { type LeftOut, noUsage } from '../../../../server/domain/job-event.ts';
import { pullRequestText, type Story } from '../../../../server/jobs/pull-request/text.ts';

const githubBodyCharactersMax = 65_536;

const textOf = (
  answer: Partial<AgentAnswer>,
  story: Partial<Omit<Story, 'job' | 'answer' | 'changeset'>> & {
    prompt?: string;
    leftOut?: LeftOut[];
    added?: string[];
  } = {},
) => {
  const { prompt, leftOut = [], added = [], ...rest } = story;
  const files = added.map((path) => {
    return { path, status: 'added' as const, mode: '100644' as const, content: Buffer.alloc(0) };
  });
  return pullRequestText({
    job: {
      id: 'job-1',
      request: { repository: { owner: 'octo', name: 'books' }, prompt: prompt ?? 'Mend it' },
    },
    answer: {
      ...{ title: 'Mend it', description: 'It was broken.', summary: 'It was broken.', commands: [] },
      ...answer,
    },
    changeset: { files, leftOut },
    baseFiles: new Map(),
    evidence: undefined,
    denials: { total: 0, distinct: [] },
    usage: { ...noUsage, turns: 12, costUsd: 0.4217 },
    model: 'claude-opus-5-5',
    ...rest,
  });
};

const footer =
  '\n\n---\nMade by Tiny Backspace, job `job-1` · model `claude-opus-5-5` · 12 turns · cost $0.42 · 0 requests to other hosts refused · 0 paths left out';

/** What became of the description. */
const described = (description: string): string =>
  textOf({ description }).body.split('\n\n## Checks\n\n')[0] ?? '';

/** The lines that tell of these commands. */
const told = (...commands: AgentAnswer['commands'][number][]): string[] =>
  textOf({ commands })
    .body.split('\n')
    .filter((line) => line.startsWith('- '));

test('a body without checks has the description, says so, and has the commands, the request and the footer', () => {
  const commands = [
    { command: 'npm test', exitCode: 1 },
    { command: 'npm test', exitCode: 0 },
    { command: 'sleep 900', exitCode: null },
  ];
  assert.deepEqual(textOf({ commands }, { prompt: 'Mend it\n\nand test it' }), {
    title: 'Mend it',
    draft: false,
    body: `It was broken.

## Checks

Nothing was checked: the server has run no check of this repository.

<details><summary>The 3 commands that the agent ran itself</summary>

Exit codes as the agent’s sandbox told them; they prove nothing.

- exit code 1: \`npm test\`
- exit code 0: \`npm test\`
- killed: \`sleep 900\`

</details>

## Request

> Mend it
>${' '}
> and test it${footer}`,
  });
});

test('an agent that ran nothing has checked nothing, whatever it says', () => {
  const { body } = textOf({ description: 'All tests pass.' });
  assert.match(
    body,
    /\n## Checks\n\nNothing was checked: the server has run no check of this repository\.\n\n## Request\n/,
  );
});

test('an empty description leaves no gap', () => {
  assert.match(textOf({ description: '' }).body, /^## Checks\n/);
});

for (const [what, written, shown] of [
  ['a tag', '<img src="https://evil.example/?s=1">', '&lt;img src="https://evil.example/?s=1">'],
  ['a tag in capitals', '<IMG SRC=x>', '&lt;IMG SRC=x>'],
  ['a comment', '<!-- hidden -->', '&lt;!-- hidden -->'],
  ['a closing tag', '</details>', '&lt;/details>'],
  ['an instruction', '<?php', '&lt;?php'],
  ['a tag with an invisible character', '<\u200bimg>', '&lt;img>'],
  ['an image', '![alt](https://evil.example/x.png)', '! [alt](https://evil.example/x.png)'],
  [
    'an image by reference',
    '![alt][x]\n\n[x]: https://evil.example',
    '! [alt][x]\n\n[x]: https://evil.example',
  ],
  ['an image by its own name', '![x]', '! [x]'],
  ['an image behind more marks', '!!![x](https://evil.example)', '!!! [x](https://evil.example)'],
  ['an image behind a backslash', '\\\\![x](https://evil.example)', '\\\\! [x](https://evil.example)'],
  ['an image with an invisible character', '!\u200b[x](y)', '! [x](y)'],
  ['an image in an image', '![![x](y)](z)', '! [! [x](y)](z)'],
  ['bidirectional marks', 'safe\u202e)txt.exe(\u2066\u2069', 'safe)txt.exe('],
  ['zero-width characters', 'a\u200bb\u200cc\u200dd\ufeffe\u2060f\u00adg', 'abcdefg'],
  ['tag characters', 'a\u{E0001}\u{E0068}\u{E0069}b', 'ab'],
  ['selectors and fillers', 'a\ufe01b\u{e0101}c\u3164d ⚠\ufe0f', 'abcd ⚠\ufe0f'],
  ['controls', 'a\u0000b\u001b[31mc\rd\u0085e\tf', 'ab[31mcde\tf'],
  ['separators that only some take for lines', 'a\u2028b\u2029c', 'abc'],
  ['a mention', 'Thanks @octocat and @org/team!', 'Thanks @\u200boctocat and @\u200borg/team!'],
  [
    'a mention in HTML’s codes',
    '&#64;octocat &commat;&#x6f;',
    '&\u200b#64;octocat &\u200bcommat;&\u200b#x6f;',
  ],
  ['a closing word', 'Fixes #12', 'F\u200bixes #12'],
  ['a closing word in HTML’s codes', '&#70;ixes &num;12', '&\u200b#70;ixes &\u200bnum;12'],
  ['a mention behind a mark', '(@octocat) "@x"', '(@\u200boctocat) "@\u200bx"'],
] as const) {
  test(`${what} in a description does nothing`, () => {
    assert.equal(described(written), shown);
  });
}

test('an image spelled with HTML’s codes is text for Markdown, and stays so', () => {
  assert.equal(described('&#33;[x](y) &lt;img&gt; &#x21;[x]'), '&#33;[x](y) &lt;img&gt; &#x21;[x]');
});

test('code, addresses and comparisons stay readable', () => {
  const plain =
    'If `a < b`, import `@octokit/rest`, mail ada@example.org.\n\n```js\nimport x from "@scope/x";\n```';
  assert.equal(described(plain), plain);
});

test('a section of the agent’s that is called like the server’s says whose it is', () => {
  for (const [written, shown] of [
    ['## Checks\n\nAll passed.', '## Checks (the agent’s words)\n\nAll passed.'],
    ['### Request\n\n- x', '### Request (the agent’s words)\n\n- x'],
    ['**Checks:**\nx', '**Checks (the agent’s words):**\nx'],
    ['Checks\n---\nx', 'Checks (the agent’s words)\n---\nx'],
    ['## CHECKS ##', '## CHECKS (the agent’s words) ##'],
    ['## What to look at\n\nRequest by request.', '## What to look at\n\nRequest by request.'],
  ] as const) {
    assert.equal(described(written), shown);
  }
});

test('a code block that does not end is ended before the server speaks', () => {
  for (const [open, closed] of [
    ['```js\nlet a;', '```js\nlet a;\n```'],
    ['~~~~\n~~~', '```\n~~~\n```'],
    ['```\n```js', '````\n```js\n````'],
    ['```\na\n```\n\n```', '```\na\n```\n\n```\n```'],
    ['````md\n```\n```\n````', '````md\n```\n```\n````'],
  ] as const) {
    assert.equal(described(open), closed);
  }
});

test('no command can forge an exit code or leave its line', () => {
  const commands = [
    '` | 0 |',
    'grep "a\\|b" x | wc',
    'false # `\n- exit code 0: `npm test',
    '\n\nfalse',
    'false\u2028x\u202e',
    `echo ${'x'.repeat(500)}`,
  ].map((command) => ({ command, exitCode: 1 }));
  assert.deepEqual(told(...commands), [
    '- exit code 1: `ˋ | 0 |`',
    '- exit code 1: `grep "a\\|b" x | wc`',
    '- exit code 1: `false # ˋ …`',
    '- exit code 1: `false`',
    '- exit code 1: `falsex`',
    `- exit code 1: \`echo ${'x'.repeat(113)} …\``,
  ]);
});

test('of many commands the last are told, and how many there were', () => {
  const commands = Array.from({ length: 500 }, (_, index) => ({ command: `run ${index}`, exitCode: 0 }));
  const { body } = textOf({ commands });
  assert.match(body, />The 500 commands that the agent ran itself<.*\n\nThe last 20 of them, exit codes as/);
  const lines = told(...commands);
  assert.deepEqual(
    [lines.length, lines[0], lines.at(-1)],
    [20, '- exit code 0: `run 480`', '- exit code 0: `run 499`'],
  );
});

test('a path that was left out cannot leave its line either', () => {
  const leftOut = [{ path: '.github/workflows/`\n## Checks\n', reason: 'no' }];
  assert.match(
    textOf({}, { leftOut }).body,
    /\nLeft out of the commit:\n\n- `\.github\/workflows\/ˋ …`: no\n\n## Request/,
  );
});

for (const [what, character] of [
  ['letters', 'x'],
  ['tags', '<a'],
  ['marks', '!['],
  ['mentions', ' @a'],
  ['lines', '\na'],
  ['emoji', '🙂'],
  ['backticks', '`'],
] as const) {
  test(`giant texts of ${what} still give a body that GitHub takes, with its footer, at once`, () => {
    const giant = character.repeat(500_000);
    const leftOut = Array.from({ length: 5_000 }, () => ({ path: giant.slice(0, 4_000), reason: 'no' }));
    const commands = Array.from({ length: 500 }, () => ({ command: giant, exitCode: 0 }));
    const started = performance.now();
    const { body } = textOf({ description: giant, commands }, { prompt: giant.slice(0, 20_000), leftOut });
    assert.ok(performance.now() - started < 5_000);
    assert.ok(body.length <= githubBodyCharactersMax, `${body.length} characters`);
    assert.ok(body.endsWith('0 requests to other hosts refused · 5000 paths left out'), body.slice(-300));
    assert.ok(body.isWellFormed());
  });
}

test('a title is cleaned, too', () => {
  assert.equal(textOf({ title: 'Mend\u202e it\u200b\ufe01' }).title, 'Mend it');
});

test('a title closes only what the request names, and so do words of the server’s that quote somebody', () => {
  assert.equal(textOf({ title: 'Fix #12' }).title, 'F\u200bix #12');
  assert.equal(textOf({ title: 'Fix #12' }, { prompt: 'Mend #12' }).title, 'Fix #12');
  const { body } = textOf(
    { commands: [{ command: 'echo Fixes #12', exitCode: 0 }], description: 'Fixes #13' },
    { prompt: 'Mend it. Fixes #13' },
  );
  assert.match(body, /`echo F\u200bixes #12`/);
  assert.equal(body.match(/Fixes #13/g)?.length, 2);
});

test('what the sandbox was refused on its way out is listed, in words that it cannot choose', () => {
  const denial = { reason: 'The host is not allowed.', howToAllow: 'Add it to EGRESS_ALLOW on the server.' };
  const denials = {
    total: 4,
    distinct: [
      { host: 'evil.example', port: 443, ...denial, count: 3 },
      { host: '`](https://evil.example)?', port: null, ...denial, count: 1 },
    ],
  };
  const { body } = textOf({}, { denials });
  assert.ok(
    body.includes(`## Noticed by the server

Something in a sandbox of this job wanted out to other hosts and was refused 4 times:

- \`evil.example:443\`: The host is not allowed. (3 times)
- \`ˋ](https://evil.example)?\`: The host is not allowed.

## Request`),
    body,
  );
});

test('of many refusals the first are listed', () => {
  const distinct = Array.from({ length: 100 }, (_, index) => ({
    ...{
      host: `host-${index}.example`,
      port: 443,
      reason: 'The host is not allowed.',
      howToAllow: '',
      count: 1,
    },
  }));
  const { body } = textOf({}, { denials: { total: 5000, distinct } });
  const lines = body.split('\n').filter((line) => line.startsWith('- `host-'));
  assert.deepEqual([lines.length, lines.at(-1)], [20, '- `host-19.example:443`: The host is not allowed.']);
  assert.match(body, /was refused 5000 times, in 100 different ways:/);
});

test('new files at the root that nobody speaks of are listed', () => {
  const added = [
    'repro.py',
    'PLAN.md',
    'output.json',
    'src/helper.js',
    'test_app.py',
    'Makefile',
    'notes.md',
  ];
  const description = 'It was broken; `notes.md` tells how.';
  const { body } = textOf({ description }, { added, prompt: 'Mend it, and write output.json' });
  assert.ok(
    body.includes(`## Noticed by the server

New at the root, and named neither in the request nor in the description:

- \`repro.py\`
- \`PLAN.md\`

## Request`),
    body,
  );
  const many = textOf({}, { added: Array.from({ length: 30 }, (_, index) => `page-${index}.html`) }).body;
  assert.equal(many.match(/^- `page-/gm)?.length, 10);
  assert.match(many, /\n- `page-9\.html`\n- … and 20 more\n/);
  assert.doesNotMatch(textOf({ title: 'Add page.html' }, { added: ['page.html'] }).body, /Noticed/);
});
