import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecRequest, Sandbox } from '../../../server/domain/sandbox.ts';
import { openSandboxes, soon, type TestSandboxes } from '../../support/sandboxes.ts';

/** The shell that is kept from command to command, inside a real sandbox. */

let sandboxes: TestSandboxes;
let sandbox: Sandbox;
before(async () => {
  sandboxes = await openSandboxes();
  sandbox = await sandboxes.acquire('job-of-the-shell', soon());
});
after(() => sandboxes?.[Symbol.asyncDispose]());

const exec = async (command: string, options: Partial<ExecRequest> = {}) => {
  const { output, exitCode, timedOut } = await sandbox.exec(
    { command, timeoutMs: 50_000, outputBytesMax: 100_000, ...options },
    soon(),
  );
  return { output, exitCode, ...(timedOut ? { timedOut } : {}) };
};
const said = (output: string, exitCode: number | null = 0) => ({ output, exitCode });

describe('the next command finds', () => {
  test('the directory and the exported variables of the one before', async () => {
    assert.deepEqual(
      await exec('mkdir -p "a b/c"; cd "a b/c"; export COLOUR="deep \'blue\'" LINES2="a\nb"; local=1'),
      said(''),
    );
    assert.deepEqual(
      await exec('pwd; echo "$COLOUR"; echo "$LINES2"'),
      said("/workspace/a b/c\ndeep 'blue'\na\nb\n"),
    );
  });

  test('them also behind an exit, a killed shell, a syntax error and a command out of time', async () => {
    await exec('cd "/workspace/a b"; export COLOUR=green');
    assert.deepEqual(await exec('cd c; exit 3'), said('', 3));
    assert.deepEqual(await exec('echo "$PWD $COLOUR"'), said('/workspace/a b/c green\n'));
    assert.deepEqual(await exec('kill -KILL $$'), said('', null));
    assert.deepEqual(await exec('echo "$PWD $COLOUR"'), said('/workspace/a b/c green\n'));
    const { exitCode, output } = await exec('echo "unbalanced');
    assert.notEqual(exitCode, 0);
    assert.match(output, /unexpected EOF/);
    assert.deepEqual(await exec('cd /tmp; sleep 60', { timeoutMs: 500 }), {
      ...said('', null),
      timedOut: true,
    });
    assert.deepEqual(await exec('echo "$PWD $COLOUR"'), said('/workspace/a b/c green\n'));
    assert.deepEqual(await exec('exec sh -c "exit 5"'), said('', 5));
    assert.deepEqual(await exec('echo "$PWD $COLOUR"; cd /workspace'), said('/workspace/a b/c green\n'));
  });

  test('no option that the one before has set, and stdout where it was', async () => {
    assert.deepEqual(await exec('set -eux; true 2>/dev/null'), said('+++ true\n'));
    assert.deepEqual(await exec('false; echo "$NEVER_SET on"'), said(' on\n'));
    assert.deepEqual(await exec('set -e; false; echo no'), said('', 1));
    assert.deepEqual(await exec('exec >/tmp/hidden 2>&1; echo hidden'), said(''));
    assert.deepEqual(await exec('cat /tmp/hidden'), said('hidden\n'));
    assert.deepEqual(await exec('exec 3>&- 4>&- 5>&-; echo a'), said('a\n'));
    assert.deepEqual(await exec('trap "echo bye" EXIT; exit 4'), said('bye\n', 4));
    assert.deepEqual(await exec('echo again'), said('again\n'));
  });

  test('the workspace when its directory is gone', async () => {
    await exec('mkdir -p /workspace/gone; cd /workspace/gone; rmdir /workspace/gone; exit 0');
    assert.deepEqual(await exec('pwd'), said('/workspace\n'));
  });
});

describe('a command', () => {
  test('may be long, have several lines, here-documents and quotes, and end without a new line', async () => {
    const lines = Array.from({ length: 3000 }, (_, index) => `echo 'line "${index}"'`);
    const { output, exitCode } = await exec(lines.join('\n'));
    assert.deepEqual(
      [exitCode, output.split('\n').length, output.slice(-13)],
      [0, 3001, 'line "2999"\n'.padStart(13, '\n')],
    );
    assert.deepEqual(await exec('cat <<END\na $((1 + 1))\nEND\nprintf z'), said('a 2\nz'));
    assert.match((await exec('cat <<END\nnever ended')).output, /^bash: .*here-document.*\nnever ended\n$/);
    assert.match(
      (await exec('no-such-program')).output,
      /^bash: line \d+: no-such-program: command not found\n$/,
    );
    assert.deepEqual(await exec('# only a comment'), said(''));
  });

  test('with NUL is refused, and one that prints the marks of the protocol is only text', async () => {
    assert.deepEqual(
      await exec('echo a\0b'),
      said('The command could not be started: a command cannot hold the character NUL\n', 126),
    );
    const forged = `printf '\\0%s\\0' 00000000-0000-4000-8000-000000000000; echo end`;
    assert.deepEqual(await exec(forged), said('\u000000000000-0000-4000-8000-000000000000\0end\n'));
  });

  test('reads nothing, neither by itself nor in its children', async () => {
    assert.deepEqual(await exec('cat; read line || echo none; python3 -c "input()" 2>&1 | tail -n 1'), {
      output: 'none\nEOFError: EOF when reading a line\n',
      exitCode: 0,
    });
  });

  test('that is given while another one runs gets a shell of its own', async () => {
    const slow = exec('sleep 1; echo slow');
    await sleep(100);
    assert.deepEqual(await exec('echo quick'), said('quick\n'));
    assert.deepEqual(await slow, said('slow\n'));
  });

  test('may leave a process, which lives on when a later command runs out of time', async () => {
    assert.deepEqual(
      await exec('(while true; do sleep 0.2; echo >>/tmp/beat; done) & sleep 4711 & echo up'),
      said('up\n'),
    );
    assert.partialDeepStrictEqual(await exec('sleep 60', { timeoutMs: 300 }), { timedOut: true });
    const beat = await exec('wc -l </tmp/beat; pgrep -c -x -f "sleep 4711"');
    await sleep(1500);
    const later = await exec('wc -l </tmp/beat; pgrep -c -x -f "sleep 4711"');
    assert.match(later.output, /\n1\n$/);
    assert.notEqual(beat.output, later.output, 'the loop in the background goes on');
    await exec('kill %1 %2 2>/dev/null; pkill -x -f "sleep 4711"; true');
  });

  test('shows what a background process printed meanwhile, as a terminal does', async () => {
    await exec('(sleep 0.3; echo from behind) & echo first');
    await sleep(1500);
    assert.match((await exec('echo second')).output, /^from behind\n(\[1\]\+ +Done .*\n)?second\n$/);
  });

  test('fails by itself when the disk is full, and the sandbox goes on', async () => {
    const full = await exec(
      'head -c 2G /dev/zero >/workspace/filler; head -c 2G /dev/zero >/tmp/filler; echo full',
    );
    assert.match(full.output, /No space left on device/);
    assert.deepEqual(await exec(`echo ${'x'.repeat(5000)} | wc -c`), {
      output: 'The command could not be started: there is no room in /tmp\n',
      exitCode: 126,
    });
    const written = await sandbox.write({ filepath: 'more.txt', content: 'x'.repeat(100_000) }, soon());
    assert.equal(written.ok, false);
    const flooded = await sandbox.exec(
      { command: 'seq 100000', timeoutMs: 50_000, outputBytesMax: 1000 },
      soon(),
    );
    assert.partialDeepStrictEqual(flooded, { exitCode: 0, outputFile: null });
    assert.deepEqual(await exec('rm /workspace/filler /tmp/filler; echo room'), said('room\n'));
    assert.deepEqual(await exec(`echo ${'x'.repeat(5000)} | wc -c`), said('5001\n'));
  });
});
