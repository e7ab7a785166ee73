import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type Docker from 'dockerode';
import { labels } from '../../../server/docker/container-spec.ts';
import { createExecDuplex } from '../../../server/docker/exec-duplex.ts';
import { requireDocker, sandboxImage } from '../../support/docker.ts';
import { startFarEnds } from '../../support/far-ends.ts';
import { eventsOf, postJob, type StreamedEvent } from '../../support/job-stream.ts';
import { call, type Scenario, say } from '../../support/model/scenario.ts';
import { startServerProcess } from '../../support/server-process.ts';

/** Looks at every place where a program in the sandbox could find something, and prints all of it in base64. */
const lookEverywhere = `
{
  env
  cat /proc/*/environ /proc/*/cmdline /proc/*/mounts 2>/dev/null
  cat /workspace/.git/config /etc/gitconfig /etc/hosts /etc/resolv.conf
  git config --list --show-origin
  find /workspace /home /tmp /opt /etc /run /var /root /srv /mnt /media -type f -size -2M ! -path /tmp/found -exec cat {} + 2>/dev/null
} 2>/dev/null | gzip -9 | base64 -w 0 >/tmp/found
wc -c </tmp/found`;

const hijacked: Scenario = {
  name: 'hijacked',
  when: /look for the keys/,
  turns: [
    { reply: [say('I look everywhere.'), call('bash', { command: lookEverywhere })] },
    { reply: [call('bash', { command: 'while [ ! -e /tmp/inspected ]; do sleep 0.1; done' })] },
    { reply: [say('Done.')] },
  ],
};

/** A secret in every form in which it could lie around. */
const forms = (secret: string): string[] => {
  const bytes = Buffer.from(secret);
  // Of a longer text in base64, too, whatever stands before it.
  const shifted = [0, 1, 2].map((before) =>
    Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .slice(before === 0 ? 0 : 4, -4),
  );
  return [secret, bytes.toString('hex'), encodeURIComponent(secret), ...shifted];
};

test('a sandbox, its container and its image know none of the server’s secrets', async () => {
  const docker = await requireDocker();
  await using farEnds = await startFarEnds([hijacked]);
  const secrets = {
    GITHUB_TOKEN: farEnds.forge.token,
    ANTHROPIC_API_KEY: farEnds.model.apiKey,
    API_KEYS: `canary/${randomBytes(16).toString('hex')}`,
    LANGSMITH_API_KEY: `lsv2_pt_${randomBytes(16).toString('hex')}`,
  };
  await using server = await startServerProcess({
    ...farEnds.settings,
    ...secrets,
    LANGSMITH_ENDPOINT: 'http://127.0.0.1:9',
  });
  const repository = await farEnds.forge.createRepository('acme/plain', {
    files: { 'README.md': 'Plain.\n' },
  });
  const body = { repoUrl: `${farEnds.forge.url}/${repository.fullName}`, prompt: 'look for the keys' };
  const events = eventsOf(await postJob(server.url, body, { apiKey: secrets.API_KEYS }));
  const id = await containerThatLooked(docker, events);
  const found = gunzipSync(Buffer.from(await run(docker, id, 'cat /tmp/found'), 'base64')).toString('latin1');
  const image = docker.getImage(sandboxImage);
  const places = {
    'inside the sandbox': found,
    'docker inspect of the container': JSON.stringify(await docker.getContainer(id).inspect()),
    'docker inspect of the image': JSON.stringify(await image.inspect()),
    'the history of the image': JSON.stringify(await image.history()),
  };
  const leaks = Object.entries(places).flatMap(([place, text]) =>
    Object.entries(secrets).flatMap(([name, secret]) =>
      forms(secret).some((form) => text.includes(form)) ? [`${name} ${place}`] : [],
    ),
  );
  assert.deepEqual(leaks, []);
  // What was looked through is truly what is there.
  assert.match(found, /BACKSPACE_ORPHAN_SECONDS=/);
  assert.match(found, /toolbox\/calls\.js/);
  assert.match(found, /\[remote "origin"\]/);

  await run(docker, id, 'touch /tmp/inspected');
  const last = (await Array.fromAsync(events)).at(-1);
  assert.equal(last?.type, 'Result', JSON.stringify(last));
});

/** Reads the events until the first command has ended; the job's container is still there then. */
const containerThatLooked = async (docker: Docker, events: AsyncIterator<StreamedEvent>): Promise<string> => {
  let jobId = '';
  for (let next = await events.next(); !next.done; next = await events.next()) {
    if (next.value.type === 'Job: Started') jobId = next.value.jobId;
    if (next.value.type === 'Tool: Bash') break;
  }
  const [container] = await docker.listContainers({ filters: { label: [`${labels.job}=${jobId}`] } });
  assert.ok(container, `no container of job ${jobId}`);
  return container.Id;
};

/** What a command prints that Docker itself starts in the container. */
const run = async (docker: Docker, id: string, command: string): Promise<string> => {
  const exec = await docker
    .getContainer(id)
    .exec({ Cmd: ['sh', '-c', command], AttachStdin: true, AttachStdout: true, AttachStderr: false });
  const duplex = createExecDuplex(await exec.start({ hijack: true, stdin: true }));
  const chunks: Buffer[] = [];
  duplex.on('data', (chunk: Buffer) => chunks.push(chunk)).end();
  await once(duplex, 'close');
  return Buffer.concat(chunks).toString();
};
