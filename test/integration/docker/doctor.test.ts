import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { requireDocker } from '../../support/docker.ts';

await requireDocker();
const main = path.resolve(import.meta.dirname, '../../../server/main.ts');

/** As `npm run doctor` starts it, without any key. */
const doctor = (settings: Record<string, string>): Promise<{ exitCode: number; table: string[] }> =>
  new Promise((resolve) => {
    const environment = { PATH: process.env.PATH ?? '', ...settings };
    const options = { cwd: import.meta.dirname, env: environment, timeout: 60_000 };
    const child = execFile(process.execPath, [main, 'doctor'], options, (_error, stdout) =>
      resolve({ exitCode: child.exitCode ?? -1, table: stdout.trimEnd().split('\n') }),
    );
  });

const nameOf = (line: string) => line.slice(2, 16).trim();

test('the doctor proves every promise about sandboxes on this host', async () => {
  const { exitCode, table } = await doctor({});
  assert.deepEqual(
    table.filter((line) => !line.startsWith('✔')),
    [],
  );
  assert.deepEqual(table.map(nameOf), [
    'docker',
    'runtime',
    'sandbox image',
    'kernel',
    'interfaces',
    'network',
    'way out',
    'root',
    'capabilities',
    'user',
    'processes',
    'open files',
    'workspace',
    'docker socket',
    'start',
  ]);
  assert.equal(exitCode, 0);
});

test('the doctor says what is wrong with a runtime that is not ours, and how to mend it', async () => {
  const { exitCode, table } = await doctor({ SANDBOX_RUNTIME: 'runc' });
  const wrong = table.filter((line) => !line.startsWith('✔')).join('\n');
  assert.match(wrong, /^✘ runtime +runc is registered without --network=none/);
  assert.match(wrong, /setup\.sh/);
  assert.equal(exitCode, 1);
});
