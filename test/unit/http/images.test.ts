import assert from 'node:assert/strict';
import { test } from 'node:test';
import { postJson, repoUrl, serve } from './serve.ts';

const images = [
  { name: 'default', holds: '' },
  { name: 'go', holds: 'Go 1.26' },
];

test('an image that the server offers is part of the job', async () => {
  await using server = await serve({ images });
  for (const image of ['go', 'default']) {
    const response = await postJson(`${server.url}/code?stream=false`, { repoUrl, prompt: 'Mend it', image });
    assert.equal(response.status, 202, await response.clone().text());
    const { id } = (await response.json()) as { id: string };
    assert.equal((await server.store.find(id))?.request.image, image);
  }
});

test('another image is refused with the names and what they hold', async () => {
  await using server = await serve({ images });
  for (const image of ['rust', 'Go', '', '__proto__', 'my/own:latest']) {
    const response = await postJson(`${server.url}/code?stream=false`, { repoUrl, prompt: 'Mend it', image });
    const { errors } = (await response.json()) as { errors: unknown };
    assert.deepEqual(
      [response.status, errors],
      [422, [{ field: 'image', message: 'must be one of the server’s images: default, go (Go 1.26)' }]],
    );
  }
});
