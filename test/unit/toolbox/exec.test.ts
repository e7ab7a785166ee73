import assert from 'node:assert/strict';
import { realpath } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { soon } from '../../support/sandboxes.ts';
import { startToolboxProcess, type ToolboxProcess } from '../../support/toolbox-process.ts';

let running: ToolboxProcess;
before(async () => {
  running = await startToolboxProcess();
});
after(() => running[Symbol.asyncDispose]());

const exec = async (command: string | string[], env: Record<string, string> = {}) => {
  const request = { command, env, timeoutMs: 30_000, outputBytesMax: 10_000 };
  const { durationMs: _, ...result } = await running.toolbox.exec(request, soon());
  return result;
};
const ended = (exitCode: number | null, output: string) => ({
  output,
  exitCode,
  timedOut: false,
  bytesLeftOut: 0,
  outputFile: null,
});

describe('a command', () => {
  test('gives its output and exit code', async () => {
    assert.deepEqual(await exec('echo out; echo err >&2; exit 7'), ended(7, 'out\nerr\n'));
  });

  test('runs in the workspace, with the variables asked for', async () => {
    const command = 'pwd; echo "$COLOUR"';
    const workspace = await realpath(running.workspace);
    assert.deepEqual(await exec(command, { COLOUR: 'blue' }), ended(0, `${workspace}\nblue\n`));
  });

  test('has a closed stdin', async () => {
    assert.deepEqual(await exec('cat; echo "end of input"'), ended(0, 'end of input\n'));
  });

  test('reads what is given to its stdin, to its end and however much it is', async () => {
    const pieces = Array.from({ length: 300 }, (_, index) => Buffer.alloc(50_000, index));
    const request = { command: ['wc', '-c'], timeoutMs: 30_000, outputBytesMax: 100 };
    const { output } = await running.toolbox.exec({ ...request, stdin: Readable.from(pieces) }, soon());
    assert.equal(output, '15000000\n');
  });

  test('may end before it has read its stdin', async () => {
    const endless = async function* () {
      for (;;) yield Buffer.alloc(50_000);
    };
    const request = { command: ['head', '-c', '3'], timeoutMs: 30_000, outputBytesMax: 100 };
    const { output, exitCode } = await running.toolbox.exec({ ...request, stdin: endless() }, soon());
    assert.deepEqual({ output, exitCode }, { output: '\0\0\0', exitCode: 0 });
  });

  test('dies when what it reads breaks off, and the call says why', async () => {
    const broken = async function* () {
      yield Buffer.from('beginning');
      throw new Error('The source dried up.');
    };
    const request = { command: ['sh', '-c', 'cat; touch done'], timeoutMs: 30_000, outputBytesMax: 100 };
    await assert.rejects(running.toolbox.exec({ ...request, stdin: broken() }, soon()), {
      message: 'The source dried up.',
    });
    const { output } = await exec('sleep 0.2; ls done');
    assert.match(output, /No such file/);
  });

  test('as words runs without a shell', async () => {
    assert.deepEqual(await exec(['printf', '%s|', '$HOME', '; ls', 'a b']), ended(0, '$HOME|; ls|a b|'));
  });

  test('that a signal ends has no exit code', async () => {
    assert.deepEqual(await exec('kill -TERM $$'), ended(null, ''));
  });

  test('that is missing ends with 127', async () => {
    const missing = await exec(['no-such-program-here']);
    assert.deepEqual(missing, ended(127, 'spawn no-such-program-here ENOENT\n'));
    const inShell = await exec('no-such-program-here');
    assert.equal(inShell.exitCode, 127);
    assert.match(inShell.output, /command not found/);
  });

  test('that no system could start ends with 126 and says why', async () => {
    const tooLong = await exec(['echo', 'x'.repeat(3 << 20)]);
    assert.deepEqual(tooLong, ended(126, 'The command could not be started: spawn E2BIG\n'));
    for (const impossible of ['echo a\0b', ['echo', 'a\0b'], ['']]) {
      const { exitCode, output } = await exec(impossible);
      assert.equal(exitCode, 126);
      assert.match(output, /^The command could not be started: /);
    }
  });
});
