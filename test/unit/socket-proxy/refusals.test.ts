import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openProxy, type TestProxy } from '../../support/socket-proxy/proxy.ts';
import { refusedContainers, refusedExecs } from '../../support/socket-proxy/refused-bodies.ts';
import { refusedRequests, someId } from '../../support/socket-proxy/refused-requests.ts';
import { send } from '../../support/socket-proxy/send.ts';
import { denyListPolicy } from '../../support/socket-proxy/weak-policy.ts';

/** Sends every refusable request there is; gives back what reached the engine or was not refused in Docker's form. */
const gotThrough = async ({ socketPath, engine }: TestProxy): Promise<string[]> => {
  const attempts = [
    ...refusedRequests.map(({ method, target }) => ({
      name: `${method} ${target}`,
      method,
      target,
      body: undefined,
    })),
    ...refusedContainers.map((one) => ({ ...one, method: 'POST', target: '/containers/create' })),
    ...refusedExecs.map((one) => ({ ...one, method: 'POST', target: `/containers/${someId}/exec` })),
  ];
  const through: string[] = [];
  for (const { name, method, target, body } of attempts) {
    const seenBefore = engine.recorded.length;
    const answer = await send(socketPath, method, target, body);
    const refused =
      [400, 403, 413].includes(answer.status) && (method === 'HEAD' || isDockerError(answer.body));
    if (!refused || engine.recorded.length > seenBefore) through.push(name);
  }
  return through;
};

const isDockerError = (text: string): boolean => {
  const body = JSON.parse(text) as Record<string, unknown>;
  return Object.keys(body).join() === 'message' && /^.{10,250}(\.|…)$/s.test(String(body.message));
};

test('of all the requests and bodies that no sandbox needs, none reaches the engine', async () => {
  await using proxy = await openProxy();
  assert.deepEqual(await gotThrough(proxy), []);
  assert.deepEqual(proxy.engine.recorded, []);
});

test('the same requests find the ways around a list of what is known to be bad', async () => {
  await using proxy = await openProxy({ policy: denyListPolicy });
  const through = await gotThrough(proxy);
  assert.ok(through.length > 80, `only ${through.length} got through`);
  const ways = [
    'GET /%5fping',
    'POST /containers/prune',
    'GET /containers/my-name/json',
    'HostConfig.privileged = true',
    'HostConfig.DeviceRequests = [{"Driver":"nvidia","Count":-1}]',
    'HostConfig.NetworkMode = "container:other"',
    'HostConfig.Runtime = "runc"',
    'HostConfig.Annotations = {"dev.gvisor.flag.network":"host"}',
    'HostConfig.Memory = 0',
    'User = "0"',
    'hostConfig = {"Binds":["/:/host"]}',
  ];
  assert.deepEqual(
    ways.filter((way) => through.includes(way)),
    ways,
  );
});

test('a refusal says what was refused, and the log says it, too', async () => {
  await using proxy = await openProxy();
  const [privileged] = refusedContainers;
  const answer = await send(proxy.socketPath, 'POST', '/containers/create', privileged?.body);
  assert.deepEqual(answer, { status: 403, body: '{"message":"No sandbox has HostConfig.Privileged."}\n' });
  assert.deepEqual(proxy.logged, [
    {
      asked: 'POST /containers/create',
      status: 403,
      reason: 'No sandbox has HostConfig.Privileged.',
      message: 'not forwarded',
    },
  ]);
});
