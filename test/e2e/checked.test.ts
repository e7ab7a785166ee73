import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { done, script, startJobBench } from '../support/job-bench.ts';
import type { StreamedEvent } from '../support/job-stream.ts';
import { call, say, type Turn } from '../support/model/scenario.ts';

const bench = await startJobBench();
after(() => bench[Symbol.asyncDispose]());

/** Its check passes as long as the price is 3. */
const shop = {
  'price.txt': '3\n',
  'tests/price.sh': 'test "$(cat price.txt)" = 3 || { echo "the price is $(cat price.txt)"; exit 1; }\n',
};
const checks = ['sh tests/price.sh'];

const edit = (filepath: string, old_str: string, new_str: string): Turn => ({
  reply: [call('edit', { filepath, old_str, new_str })],
});
const end: Turn = { reply: [done] };

/** What the server found, without what differs from run to run. */
const found = (events: readonly StreamedEvent[]): string[] =>
  events.flatMap((event) =>
    event.type === 'Check: Finished' ? [`${event.when}: ${event.command}: ${event.status}`] : [],
  );

test('checks run before and after in sandboxes of their own, and the result tells what became of each', async () => {
  const repository = await bench.forge.createRepository('acme/verdicts', {
    files: { ...shop, 'stock.txt': 'none\n', 'TODO.md': 'Order books\n' },
  });
  const { events, last } = await bench.run({
    repository,
    request: {
      checks: [...checks, 'grep -q some stock.txt', 'grep -q nothing TODO.md', 'no-such-program --version'],
    },
    turns: [edit('stock.txt', 'none', 'some'), end],
  });
  assert.deepEqual(found(events), [
    'before: sh tests/price.sh: passed',
    'before: grep -q some stock.txt: failed',
    'before: grep -q nothing TODO.md: failed',
    'before: no-such-program --version: could_not_run',
    'after: sh tests/price.sh: passed',
    'after: grep -q some stock.txt: passed',
    'after: grep -q nothing TODO.md: failed',
    'after: no-such-program --version: could_not_run',
  ]);
  assert.partialDeepStrictEqual(last, {
    type: 'Result',
    status: 'succeeded',
    checks: [
      { command: 'sh tests/price.sh', verdict: 'passed' },
      { command: 'grep -q some stock.txt', verdict: 'fixed' },
      { command: 'grep -q nothing TODO.md', verdict: 'broken_before' },
      { command: 'no-such-program --version', verdict: 'could_not_run' },
    ],
  });
});

test('an agent that breaks a check hears of it, mends it, and the pull request shows the end', async () => {
  const repository = await bench.forge.createRepository('acme/mended', { files: shop });
  const { events, last } = await bench.run({
    repository,
    request: { checks },
    turns: [
      edit('price.txt', '3', '4'),
      end,
      {
        reply: [
          say('The check wants 3.'),
          call('edit', { filepath: 'price.txt', old_str: '4', new_str: '3' }),
          call('write', { filepath: 'NOTE.md', content: 'The price stays.\n' }),
        ],
      },
      { reply: [say('Note that the price stays\n\nIt is 3.')] },
    ],
  });
  const nudge = events.find(({ type }) => type === 'Agent: Nudged');
  assert.ok(nudge?.type === 'Agent: Nudged');
  assert.equal(nudge.reason, 'checks_broken');
  assert.match(
    nudge.message,
    /\$ sh tests\/price\.sh\n\(before: it passed; now: it failed, exit code 1\)\nthe price is 4/,
  );
  assert.deepEqual(found(events), [
    'before: sh tests/price.sh: passed',
    'after: sh tests/price.sh: failed',
    'after: sh tests/price.sh: passed',
  ]);
  const verdicts = [{ command: checks[0], verdict: 'passed' }];
  assert.partialDeepStrictEqual(last, { type: 'Result', filesChanged: 1, checks: verdicts });
  assert.equal(bench.forge.pullRequests('acme/mended')[0]?.title, 'Note that the price stays');
});

test('what is still broken after another round becomes a draft', async () => {
  const repository = await bench.forge.createRepository('acme/broken', { files: shop });
  const { events, last } = await bench.run({
    repository,
    request: { checks },
    turns: [edit('price.txt', '3', '4'), end, end],
  });
  assert.deepEqual(found(events), ['before: sh tests/price.sh: passed', 'after: sh tests/price.sh: failed']);
  const verdicts = [{ command: checks[0], verdict: 'broken' }];
  assert.partialDeepStrictEqual(last, { type: 'Result', status: 'succeeded', checks: verdicts });
  const [pull] = bench.forge.pullRequests('acme/broken');
  assert.equal(pull?.draft, true);
});

test('work that was done and broke a check becomes a draft, also when a limit ends its mending', async () => {
  const repository = await bench.forge.createRepository('acme/cut-short', { files: shop });
  const { last } = await bench.run({
    repository,
    request: { checks, limits: { turns: 3 } },
    turns: [
      edit('price.txt', '3', '4'),
      { reply: [say('Raise the price\n\nTo 4.')] },
      edit('price.txt', '4', '5'),
    ],
  });
  const verdicts = [{ command: checks[0], verdict: 'broken' }];
  assert.partialDeepStrictEqual(last, { type: 'Result', status: 'succeeded', checks: verdicts });
  const [pull] = bench.forge.pullRequests('acme/cut-short');
  assert.partialDeepStrictEqual(pull, { title: 'Raise the price', draft: true });
  assert.equal(await repository.git('show', `${pull?.headSha}:price.txt`), '4');
});

test('a file that .gitignore hides is no part of the change: a check that needs it fails', async () => {
  const files = { ...shop, '.gitignore': 'local.txt\n' };
  const repository = await bench.forge.createRepository('acme/incomplete', { files });
  const { events, last } = await bench.run({
    repository,
    request: { checks: ['sh run.sh || sh tests/price.sh', 'cat price.txt && test ! -e run.sh || sh run.sh'] },
    turns: [...script('echo 5 >local.txt; echo "cat local.txt" >run.sh; sh run.sh'), end],
  });
  assert.deepEqual(found(events).slice(-2), [
    'after: sh run.sh || sh tests/price.sh: passed',
    'after: cat price.txt && test ! -e run.sh || sh run.sh: failed',
  ]);
  const nudge = events.find(({ type }) => type === 'Agent: Nudged');
  assert.match(nudge?.type === 'Agent: Nudged' ? nudge.message : '', /local\.txt: No such file/);
  assert.equal(last.type, 'Result');
});

test('a change of what defines a check is checked with the base’s versions of it as well', async () => {
  const repository = await bench.forge.createRepository('acme/definitions', { files: shop });
  const { events, last } = await bench.run({
    repository,
    request: { checks },
    turns: [edit('price.txt', '3', '4'), edit('tests/price.sh', '= 3', '= 4'), end],
  });
  assert.deepEqual(found(events), [
    'before: sh tests/price.sh: passed',
    'after: sh tests/price.sh: passed',
    'after_with_base_files: sh tests/price.sh: failed',
  ]);
  assert.equal(last.type, 'Result');
});

/** Programs of its own in every shell, and a process that puts the price right as long as the check runs. */
const bend = script(`
  mkdir -p "$HOME/bin"
  printf '#!/bin/true\\n' >"$HOME/bin/npm"
  chmod +x "$HOME/bin/npm"
  cp "$HOME/bin/npm" "$HOME/bin/sh"
  for file in .bashrc .profile .bash_profile; do echo "PATH=$HOME/bin:$PATH" >>"$HOME/$file"; done
  echo 4 >price.txt
  (setsid bash -c 'was=4
    while sleep 0.05; do
      if pgrep -f "tests/pric[e].sh" >/dev/null; then now=3; else now=4; fi
      if [ $now != $was ]; then echo $now >price.txt; was=$now; fi
    done' >/dev/null 2>&1 &)
  export PATH="$HOME/bin:$PATH" BASH_ENV="$HOME/.bashrc"`).slice(0, 1);

test('a hijacked agent’s processes and programs change nothing of what the checks find', async () => {
  const repository = await bench.forge.createRepository('acme/bent', {
    files: { ...shop, 'package.json': '{"scripts":{"test":"sh tests/price.sh"}}\n' },
  });
  const { events, last } = await bench.run({
    repository,
    request: { checks: ['npm test', 'sh tests/price.sh'] },
    turns: [
      ...bend,
      // In its own sandbox all is well, by the program and by the process.
      {
        reply: [
          call('bash', {
            command: 'npm test && /bin/sh -c "sleep 1; . tests/price.sh" && sleep 1 && cat price.txt',
          }),
        ],
      },
      { expect: /4\n\[exit code 0/, reply: [done] },
      end,
    ],
  });
  assert.deepEqual(found(events).slice(-2), ['after: npm test: failed', 'after: sh tests/price.sh: failed']);
  assert.partialDeepStrictEqual(last, {
    type: 'Result',
    checks: [
      { command: 'npm test', verdict: 'broken' },
      { command: 'sh tests/price.sh', verdict: 'broken' },
    ],
  });
});

test('a change that costs the checks their sandbox has failed them, and the next check has another one', async () => {
  const repository = await bench.forge.createRepository('acme/bomb', {
    files: { ...shop, 'tests/memory.sh': 'echo small\n' },
  });
  const { events, last } = await bench.run({
    repository,
    request: { checks: ['sh tests/memory.sh', ...checks] },
    turns: [
      edit(
        'tests/memory.sh',
        'echo small',
        'kill -9 -1; python3 -c "x = bytearray(64 << 30)"; head -c 6G /dev/zero | tail',
      ),
      end,
      end,
    ],
  });
  assert.deepEqual(
    found(events).filter((line) => line.startsWith('after:')),
    ['after: sh tests/memory.sh: failed', 'after: sh tests/price.sh: passed'],
  );
  assert.equal(last.type, 'Result');
});
