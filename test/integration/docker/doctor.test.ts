import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { requireDocker, sandboxImage } from '../../support/docker.ts';

await requireDocker();
const main = path.resolve(import.meta.dirname, '../../../server/main.ts');

/** As `npm run doctor` starts it, without any key. */
const doctor = (settings: Record<string, string>): Promise<{ exitCode: number; table: string[] }> =>
  new Promise((resolve) => {
    const environment = { PATH: process.env.PATH ?? '', SANDBOX_IMAGE: sandboxImage, ...settings };
    const options = { cwd: import.meta.dirname, env: environment, timeout: 60_000 };
    const child = execFile(process.execPath, [main, 'doctor'], options, (_error, stdout) =>
      resolve({ exitCode: child.exitCode ?? -1, table: stdout.trimEnd().split('\n') }),
    );
  });

const nameOf = (line: string) => line.slice(2, 17).trim();

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
    'secrets',
    'docker socket',
    'processes',
    'open files',
    'places',
    'memory',
    'egress allowed',
    'egress denied',
    'host limits',
    'start',
    'processes left',
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

test('where gVisor was given up on purpose, the doctor says so and looks at all the rest', async () => {
  const { exitCode, table } = await doctor({ SANDBOX_RUNTIME: 'runc', SANDBOX_WITHOUT_GVISOR: 'true' });
  assert.deepEqual(
    table.filter((line) => !line.startsWith('✔')),
    [],
  );
  assert.match(
    table.find((line) => nameOf(line) === 'kernel') ?? '',
    /not gVisor: the kernel that answers is .*, as SANDBOX_WITHOUT_GVISOR allows$/,
  );
  assert.equal(exitCode, 0);
});

test('the doctor asks for what EGRESS_ALLOW names, and sees that nothing passes where it is empty', async () => {
  const row = (table: string[], name: string) => table.find((line) => nameOf(line) === name) ?? '';
  const more = await doctor({ EGRESS_ALLOW: 'registry.example.org,*.example.net' });
  assert.match(row(more.table, 'egress allowed'), /^✔ .*registry\.example\.org, \*\.example\.net$/);
  const none = await doctor({ EGRESS_ALLOW: '' });
  assert.match(row(none.table, 'egress allowed'), /^✔ .*nothing: EGRESS_ALLOW is set to nothing/);
  assert.match(row(none.table, 'egress denied'), /^✔ .*10 other hosts and addresses: all refused$/);
});
