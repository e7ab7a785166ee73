import { once } from 'node:events';
import { createApp } from '../src/app.js';

/** Starts the API on a free port and talks to it; stops it when the test is over. */
export async function startApi(t) {
  const server = createApp();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });

  const url = `http://127.0.0.1:${server.address().port}`;
  return {
    url,
    get: (path) => answerOf(fetch(url + path)),
    post: (path, body) =>
      answerOf(
        fetch(url + path, {
          method: 'POST',
          headers: { 'content-type': 'application/json; charset=utf-8' },
          body: JSON.stringify(body),
        }),
      ),
  };
}

async function answerOf(request) {
  const response = await request;
  return { status: response.status, body: await response.json() };
}
