import assert from 'node:assert/strict';
import { unlink } from 'node:fs/promises';
import { test } from 'node:test';
import Docker from 'dockerode';
import { containerSpec } from '../../../server/docker/container-spec.ts';
import { sandboxImage, sandboxRuntime } from '../../support/docker.ts';
import { sandboxLimits } from '../../support/sandboxes.ts';
import { execBody, sandboxBody } from '../../support/socket-proxy/bounds.ts';
import { openProxy } from '../../support/socket-proxy/proxy.ts';
import { createdId, execId } from '../../support/socket-proxy/recording-engine.ts';
import { send } from '../../support/socket-proxy/send.ts';

const foreign = 'f'.repeat(64);
const mine = 'b'.repeat(64);
const ourLabels = { 'io.tiny-backspace.server': 's', 'io.tiny-backspace.job': 'j' };

test('what the server asks to have created passes as it is, without the query that dockerode adds', async () => {
  await using proxy = await openProxy();
  const docker = new Docker({ socketPath: proxy.socketPath });
  const container = await docker.createContainer(sandboxBody());
  assert.equal(container.id, createdId);
  assert.deepEqual(
    proxy.engine.recorded.map(({ body, ...rest }) => ({ ...rest, body: JSON.parse(body) })),
    [{ method: 'POST', target: '/containers/create', body: sandboxBody() }],
  );
});

test('smaller limits than the greatest pass, too', async () => {
  await using proxy = await openProxy();
  const smaller = containerSpec({
    image: sandboxImage,
    runtime: sandboxRuntime,
    serverId: 's',
    processId: 'process',
    jobId: 'j',
    expires: 1_800_000_000,
    limits: {
      ...sandboxLimits,
      memoryBytes: 1 << 28,
      cpus: 0.1,
      pidsMax: 128,
      processesMax: 32,
      openFilesMax: 256,
      workspaceBytes: 1 << 24,
      homeBytes: 1 << 24,
      tmpBytes: 1 << 24,
      orphanSeconds: 1,
    },
  });
  const answer = await send(proxy.socketPath, 'POST', '/v1.41/containers/create', JSON.stringify(smaller));
  assert.equal(answer.status, 201);
  assert.deepEqual(
    proxy.engine.recorded.map(({ target, body }) => [target, JSON.parse(body)]),
    [['/v1.41/containers/create', smaller]],
  );
});

test('of a doubled key the engine sees only the value that was checked', async () => {
  await using proxy = await openProxy();
  const valid = JSON.stringify(sandboxBody());
  const doubled = valid.replace(
    '"HostConfig":',
    '"HostConfig":{"Privileged":true,"Binds":["/:/host"]},"HostConfig":',
  );
  const answer = await send(proxy.socketPath, 'POST', '/containers/create', doubled);
  assert.equal(answer.status, 201);
  assert.deepEqual(
    proxy.engine.recorded.map(({ body }) => body),
    [valid],
  );
});

test('everything that the server needs of a sandbox of its own reaches the engine', async () => {
  await using proxy = await openProxy();
  const docker = new Docker({ socketPath: proxy.socketPath });
  await docker.ping();
  await docker.version();
  await docker.info();
  await docker.getImage(sandboxImage).inspect();
  const container = await docker.createContainer(sandboxBody());
  await container.start();
  const exec = await container.exec(execBody('way-out.js'));
  await exec.inspect();
  await container.wait({ abortSignal: AbortSignal.timeout(60_000) });
  await container.kill();
  await container.remove({ force: true, v: true });
  assert.deepEqual(
    proxy.engine.recorded.map(({ method, target }) => `${method} ${target}`),
    [
      'GET /_ping',
      'GET /version',
      'GET /info',
      `GET /images/${sandboxImage}/json`,
      'POST /containers/create',
      `POST /containers/${createdId}/start`,
      `POST /containers/${createdId}/exec`,
      `GET /exec/${execId}/json`,
      `POST /containers/${createdId}/wait`,
      `POST /containers/${createdId}/kill`,
      `DELETE /containers/${createdId}?force=true&v=true`,
    ],
  );
});

test('a list of containers is always narrowed to the server’s label', async () => {
  await using proxy = await openProxy();
  const label = 'io.tiny-backspace.server';
  const asked = ['', '?all=1', `?filters=${encodeURIComponent(JSON.stringify({ label: [`${label}=a-b`] }))}`];
  for (const query of asked) await send(proxy.socketPath, 'GET', `/containers/json${query}`);
  const queries = proxy.engine.recorded.map(({ target }) =>
    Object.fromEntries(new URL(target, 'http://docker').searchParams),
  );
  assert.deepEqual(queries, [
    { filters: JSON.stringify({ label: [label] }) },
    { all: '1', filters: JSON.stringify({ label: [label] }) },
    { filters: JSON.stringify({ label: [label, `${label}=a-b`] }) },
  ]);
});

test('a container without the label is looked at by the proxy and by nobody else', async () => {
  await using proxy = await openProxy();
  proxy.engine.containers.set(foreign, { 'com.example': 'x', 'xio.tiny-backspace.server': 's' });
  const attempts: [string, string, string?][] = [
    ['GET', `/containers/${foreign}/json`],
    ['POST', `/containers/${foreign}/start`],
    ['POST', `/containers/${foreign}/kill`],
    ['POST', `/containers/${foreign}/wait`],
    ['DELETE', `/containers/${foreign}?force=1`],
    ['POST', `/containers/${foreign}/exec`, JSON.stringify(execBody())],
  ];
  for (const attempt of attempts) {
    const answer = await send(proxy.socketPath, ...attempt);
    assert.deepEqual(answer, {
      status: 403,
      body: '{"message":"This container is not one of the server’s."}\n',
    });
  }
  assert.deepEqual(
    proxy.engine.recorded,
    attempts.map(() => ({ method: 'GET', target: `/containers/${foreign}/json`, body: '' })),
  );
});

test('a container of an earlier life of the proxy is known by its label, and looked up once', async () => {
  await using proxy = await openProxy();
  proxy.engine.containers.set(mine, ourLabels);
  const answers = [
    await send(proxy.socketPath, 'POST', `/containers/${mine}/kill`),
    await send(proxy.socketPath, 'DELETE', `/containers/${mine}`),
  ];
  assert.deepEqual(
    answers.map(({ status }) => status),
    [204, 204],
  );
  assert.deepEqual(
    proxy.engine.recorded.map(({ method, target }) => `${method} ${target}`),
    [`GET /containers/${mine}/json`, `POST /containers/${mine}/kill`, `DELETE /containers/${mine}`],
  );
});

test('a container that is gone is 404, which is how the server learns that its removal is done', async () => {
  await using proxy = await openProxy();
  const answer = await send(proxy.socketPath, 'DELETE', `/containers/${mine}?force=1&v=1`);
  assert.deepEqual(answer, { status: 404, body: `{"message":"No such container: ${mine}"}\n` });
});

test('a body where none belongs is refused: older engines took a HostConfig with the start', async () => {
  await using proxy = await openProxy();
  proxy.engine.containers.set(mine, ourLabels);
  const target = `/containers/${mine}/start`;
  const answer = await send(proxy.socketPath, 'POST', target, '{"Privileged":true}');
  assert.deepEqual(answer, { status: 403, body: '{"message":"This request has no body."}\n' });
  assert.deepEqual(proxy.engine.recorded, []);
});

test('without an engine the answer is 502 and says so', async () => {
  await using proxy = await openProxy();
  await unlink(proxy.engine.socketPath);
  const answer = await send(proxy.socketPath, 'GET', '/_ping');
  assert.deepEqual(answer, { status: 502, body: '{"message":"The Docker engine does not answer."}\n' });
});
