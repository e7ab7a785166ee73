import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sandbox } from '../../../server/domain/sandbox.ts';
import { openSandboxes, shell, soon, type TestSandboxes } from '../../support/sandboxes.ts';

let sandboxes: TestSandboxes;
let sandbox: Sandbox;
before(async () => {
  sandboxes = await openSandboxes();
  sandbox = await sandboxes.acquire('job-of-the-setup', soon());
});
after(() => sandboxes?.[Symbol.asyncDispose]());

/** Every place with its kind, mode, links and target, and every file with what is in it, as far as it is of a setup. */
const look = `(
  cd / && find workspace home/backspace -mindepth 1 -path workspace/.git -prune -o -print0 >/tmp/found
  sort -z /tmp/found | xargs -0 stat --format '%N %F %a %h'
  find workspace home/backspace -path workspace/.git -prune -o -type f -exec sha1sum {} + | sort
)`;

test('what was made since a time goes from one sandbox into another: links, modes, old times and all of home', async () => {
  await shell(sandbox, 'git init -q . && echo base >kept.txt && echo base >changed.txt');
  await sleep(50);
  const since = await sandbox.now(soon());
  await shell(
    sandbox,
    `mkdir -p node_modules/.bin node_modules/dep 'odd "name'
     echo '#!/bin/sh' >node_modules/dep/run.js && chmod 755 node_modules/dep/run.js
     ln -s ../dep/run.js node_modules/.bin/run && ln -s /usr/bin/env node_modules/absolute
     ln node_modules/dep/run.js node_modules/dep/same.js
     touch -d 1985-10-26 node_modules/dep/run.js
     echo new >>changed.txt && echo x >"$(printf 'odd "name/a\\nb')"
     mkdir -p ~/go/pkg && echo module >~/go/pkg/file && chmod 444 ~/go/pkg/file && chmod 555 ~/go/pkg
     mkfifo pipe && python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")' && rm socket`,
  );
  const archive = await Array.fromAsync(sandbox.takeSetup(since, [], soon()));
  const there = await shell(sandbox, look);

  await using other = await sandboxes.acquire('job-of-the-setup', soon());
  await shell(other, 'git init -q . && echo base >kept.txt && echo base >changed.txt');
  await other.giveSetup(
    (async function* () {
      yield* archive;
    })(),
    soon(),
  );
  assert.equal(await shell(other, look), there);
  assert.match(there, /^'workspace\/node_modules\/dep\/run\.js' regular file 755 2$/m);
  assert.equal(await shell(other, 'date --reference node_modules/dep/run.js +%F'), '1985-10-26');
  assert.equal(Buffer.concat(archive).includes('kept.txt'), false);
});

test('tracked files stay out of it, whatever has happened to them, and what is linked to them is whole', async () => {
  await using one = await sandboxes.acquire('job-of-the-setup', soon());
  const tracked = ['scripts/x.sh', 'odd\nname', 'sch\u00f6n.txt', 'gone.txt'];
  await shell(one, `mkdir scripts && echo old >scripts/x.sh && touch gone.txt $'odd\\nname' sch\u00f6n.txt`);
  await sleep(50);
  const since = await one.now(soon());
  await shell(
    one,
    `chmod u+w scripts/x.sh $'odd\\nname' sch\u00f6n.txt && rm gone.txt && ln scripts/x.sh linked.sh && touch scripts/y.sh`,
  );
  const archive = await Array.fromAsync(one.takeSetup(since, tracked, soon()));

  await using other = await sandboxes.acquire('job-of-the-setup', soon());
  await shell(other, 'mkdir scripts && echo new >scripts/x.sh');
  await other.giveSetup(Readable.from(archive), soon());
  assert.equal(
    await shell(other, 'find . -type f | LC_ALL=C sort && cat scripts/x.sh linked.sh'),
    './linked.sh\n./scripts/x.sh\n./scripts/y.sh\nnew\nold',
  );
});

test('an archive that breaks off is refused, and the sandbox goes on', async () => {
  const since = await sandbox.now(soon());
  await shell(sandbox, 'head -c 300000 /dev/urandom >noise');
  const archive = Buffer.concat(await Array.fromAsync(sandbox.takeSetup(since, [], soon())));
  await assert.rejects(
    sandbox.giveSetup(
      (async function* () {
        yield archive.subarray(0, 200_000);
      })(),
      soon(),
    ),
    /tar ended with 2/,
  );
  assert.equal(await shell(sandbox, 'echo well'), 'well');
});

test('nobody goes on packing for a reader who has left', async () => {
  const since = await sandbox.now(soon());
  await shell(sandbox, 'head -c 100000000 /dev/zero >large');
  for await (const _ of sandbox.takeSetup(since, [], soon())) break;
  await shell(sandbox, 'for i in $(seq 50); do pgrep -x tar >/dev/null || exit 0; sleep 0.1; done; exit 1');
});

test('a command that is to leave nothing leaves no process behind, whatever it does to hide it', async () => {
  const kept = await shell(sandbox, 'export KEPT=kept; echo "$KEPT $$"');
  const command = `sleep 7001 & setsid sleep 7002 & (setsid nohup sleep 7003 &) ; env -i setsid sleep 7004 &
    (BACKSPACE_CALL=000000000000 setsid sleep 7005 &) ; BACKSPACE_CALL=000000000000 sleep 7006 & sleep 0.3; echo done`;
  const request = { command, env: {}, timeoutMs: 20_000, outputBytesMax: 1000 };
  const { output } = await sandbox.exec({ ...request, leavesNothing: true }, soon());
  assert.equal(output, 'done\n');
  assert.equal(await shell(sandbox, 'sleep 0.2; pgrep -a sleep | grep 700 || echo none'), 'none');
  // The shell that is kept, and the other half of the toolbox, are still those of before.
  assert.equal(await shell(sandbox, 'echo "$KEPT $$"'), kept);
  assert.match(
    await shell(sandbox, 'curl -s http://127.0.0.1:3128/ -o /dev/null -w "%{http_code}"'),
    /^403$/,
  );
});

test('whoever decides anew cuts what was let out before', async () => {
  let gone = false;
  const endless = async function* (signal: AbortSignal) {
    signal.addEventListener('abort', () => {
      gone = true;
    });
    yield Buffer.from('hello\n');
    await new Promise(() => {});
  };
  sandbox.openWayOut(async ({ signal }) => ({ status: 200, headers: {}, body: endless(signal) }));
  const request = {
    command: 'curl -sN http://127.0.0.1:3128/; echo ended',
    ...{ env: {}, timeoutMs: 20_000, outputBytesMax: 1000 },
  };
  const heard = Promise.withResolvers<void>();
  const running = sandbox.exec(request, soon(), () => heard.resolve());
  await heard.promise;
  sandbox.openWayOut(async () => ({ status: 403, headers: {}, body: endless(soon()) }));
  assert.match((await running).output, /^hello\nended\n$/);
  assert.equal(gone, true);
});

test('a sandbox tells which image it is of, also after its server has left it', async () => {
  const { Id } = await sandboxes.docker.getImage(sandboxes.image).inspect();
  const left = await sandboxes.acquire('job-of-the-setup', soon());
  left.leave();
  await using again = await sandboxes.reattach(left.id, soon());
  assert.deepEqual(
    [left.image, await sandbox.imageId(), again?.image, await again?.imageId()],
    ['default', Id, 'default', Id],
  );
});

test('an image that is not offered is refused by its name', async () => {
  await assert.rejects(sandboxes.acquire('job-of-the-setup', soon(), 'go'), {
    code: 'sandbox_unavailable',
    message: 'This server offers no sandbox image «go».',
  });
});
