import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecRequest, Sandbox } from '../../../server/domain/sandbox.ts';
import { openSandboxes, sandboxLimits, shell, soon, type TestSandboxes } from '../../support/sandboxes.ts';

let sandboxes: TestSandboxes;
let sandbox: Sandbox;
before(async () => {
  sandboxes = await openSandboxes();
  sandbox = await sandboxes.acquire('job-of-commands', soon());
});
after(() => sandboxes?.[Symbol.asyncDispose]());

const exec = async (command: ExecRequest['command'], options: Partial<ExecRequest> = {}) => {
  const { durationMs: _, ...result } = await sandbox.exec(
    { command, timeoutMs: 50_000, outputBytesMax: 100_000, ...options },
    soon(),
  );
  return result;
};
const whole = { timedOut: false, bytesLeftOut: 0, outputFile: null };

/** Those of the processes with this argument that still run. */
const running = async (argument: string): Promise<number> => {
  const command = `for p in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$p 2>/dev/null; echo; done | grep -c '^sleep ${argument} ' || true`;
  return Number(await shell(sandbox, command));
};

const awaitNone = async (argument: string): Promise<void> => {
  for (let waited = 0; waited < 30 && (await running(argument)) > 0; waited++) await sleep(100);
  assert.equal(await running(argument), 0);
};

describe('a command in a sandbox', () => {
  test('gives its output while it runs', async () => {
    const chunks: string[] = [];
    const first = Promise.withResolvers<void>();
    const request = {
      command: 'echo first; while [ ! -e go ]; do sleep 0.05; done; echo last; exit 3',
      timeoutMs: 50_000,
      outputBytesMax: 1000,
    };
    const done = sandbox.exec(request, soon(), (chunk) => {
      chunks.push(chunk);
      first.resolve();
    });
    await first.promise;
    assert.deepEqual(chunks, ['first\n']);
    await sandbox.write({ filepath: 'go', content: '' }, soon());
    const { exitCode, output } = await done;
    assert.deepEqual({ exitCode, output }, { exitCode: 3, output: 'first\nlast\n' });
  });

  test('does not wait for what it leaves in the background', async () => {
    const started = performance.now();
    const result = await exec('sleep 1001 & echo started');
    assert.deepEqual(result, { ...whole, exitCode: 0, output: 'started\n' });
    assert.ok(performance.now() - started < 20_000);
    assert.equal(await running('1001'), 1);
    await shell(sandbox, 'pkill -f "^sleep 1001"');
  });

  const escapes = {
    'as a child': 'sleep 2000 & sleep 2000 & wait',
    'in a session of its own': 'setsid sleep 2001 & sleep 2001',
    'after a double fork': '(setsid sh -c "sleep 2002 & sleep 2002 & wait" &) ; sleep 2002',
    'deaf to hangups and to a polite end':
      'trap "" TERM HUP INT; nohup sleep 2003 >/dev/null 2>&1 & trap "" TERM; sleep 2003; sleep 2003',
    'without any variable':
      'env -i setsid sleep 2005 & sleep 2005 & (env -i setsid sh -c "sleep 2005 & sleep 2005 &" &) ; wait',
    'in another process group':
      "python3 -c \"import os; os.fork() or os.setpgid(0, 0); os.execvp('sleep', ['sleep', '2004'])\"",
  };
  for (const [name, command] of Object.entries(escapes)) {
    const argument = /20\d\d/.exec(command)?.[0] ?? '';
    test(`that runs out of time dies with everything it started ${name}`, async () => {
      const result = await exec(command, { timeoutMs: 1000 });
      assert.deepEqual(result, { ...whole, output: '', exitCode: null, timedOut: true });
      await awaitNone(argument);
    });
  }

  test('that is aborted dies with everything it started', async () => {
    const controller = new AbortController();
    const request = {
      command: '(setsid sleep 3000 &); echo up; sleep 3000',
      timeoutMs: 50_000,
      outputBytesMax: 100,
    };
    const aborted = sandbox.exec(request, controller.signal, () => controller.abort(new Error('enough')));
    await assert.rejects(aborted, /enough/);
    await awaitNone('3000');
  });

  test('keeps head and tail of a long output and says how much is missing', async () => {
    const { outputFile, ...result } = await exec('seq 100000', { outputBytesMax: 1000 });
    const all = Array.from({ length: 100_000 }, (_, index) => `${index + 1}\n`).join('');
    const bytesLeftOut = all.length - 1000;
    assert.deepEqual(result, {
      output: `${all.slice(0, 500)}\n[${bytesLeftOut} bytes left out here]\n${all.slice(-500)}`,
      exitCode: 0,
      timedOut: false,
      bytesLeftOut,
    });
    const read = await sandbox.read(
      { filepath: outputFile ?? '', offset: 50_000, limit: 1, bytesMax: 100 },
      soon(),
    );
    assert.partialDeepStrictEqual(read, { ok: true, content: '50000', totalLines: 100_000 });
  });

  test('may print 200 MB without the server growing', async () => {
    const before = process.memoryUsage().rss;
    const bytes = 200 << 20;
    const result = await exec(`head -c ${bytes} /dev/zero | tr '\\0' x; echo end`, {
      outputBytesMax: 32_768,
    });
    assert.equal(result.bytesLeftOut, bytes + 'end\n'.length - 32_768);
    assert.ok(result.output.endsWith('xxxend\n'));
    const grown = (process.memoryUsage().rss - before) >> 20;
    assert.ok(grown < 60, `grew by ${grown} MB`);
  });

  test('may print any bytes', async () => {
    const result = await exec("printf 'a\\000b\\033[31m\\r\\b\\377\\376 \\303\\251 \\360\\237\\231\\202'");
    const output = 'a\0b\u001b[31m\r\b\ufffd\ufffd é 🙂';
    assert.deepEqual(result, { ...whole, exitCode: 0, output });
  });

  test('knows nothing of the server', async () => {
    const { output } = await exec('env | cut -d= -f1 | sort | tr "\\n" " "');
    assert.deepEqual(
      output.trim().split(' '),
      [
        'BACKSPACE_CALL',
        'BACKSPACE_ORPHAN_SECONDS',
        'GIT_PAGER',
        'GIT_TERMINAL_PROMPT',
        'HTTPS_PROXY',
        'HTTP_PROXY',
        'HOME',
        'HOSTNAME',
        'LANG',
        'NODE_USE_ENV_PROXY',
        'NODE_VERSION',
        'NO_PROXY',
        'https_proxy',
        'http_proxy',
        'no_proxy',
        'NPM_CONFIG_FUND',
        'NPM_CONFIG_UPDATE_NOTIFIER',
        'OLDPWD',
        'PAGER',
        'PATH',
        'PWD',
        'PYTHONDONTWRITEBYTECODE',
        'SHLVL',
        '_',
      ].toSorted((a, b) => (a < b ? -1 : 1)),
    );
  });

  test('that stops «all of node», as people stop their development servers, leaves the sandbox alive', async () => {
    await exec('pkill node; pkill -f server.js; pkill -f "node server"; killall node 2>/dev/null; true');
    assert.deepEqual(await exec('echo alive'), { ...whole, exitCode: 0, output: 'alive\n' });
  });

  test('that empties /tmp leaves the sandbox alive', async () => {
    await exec('find /tmp -mindepth 1 -delete; sleep 7');
    assert.deepEqual(await exec('echo alive'), { ...whole, exitCode: 0, output: 'alive\n' });
  });

  test('that forks without end gets no further than the limit, and dies as a whole', async () => {
    const limits = { ...sandboxLimits, processesMax: 40 };
    await using bombed = await openSandboxes({ limits });
    await using own = await bombed.acquire('job-of-forks', soon());
    const request = { command: 'bomb() { bomb | bomb & }; bomb; sleep 20', outputBytesMax: 1000 };
    const { timedOut, output } = await own.exec({ ...request, timeoutMs: 3000 }, soon());
    assert.equal(timedOut, true);
    assert.match(output, /Resource temporarily unavailable/);
    assert.equal(await shell(own, "ps -e -o args | grep -c '[b]omb' || true"), '0');
  });
});
