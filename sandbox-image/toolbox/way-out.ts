import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import http2, { type ClientHttp2Session } from 'node:http2';
import { openStdio } from './stdio.ts';

/**
 * The *way out* session: programs in the sandbox ask on 127.0.0.1:3128, each request becomes an HTTP/2 stream to the
 * server, and the server decides. This process decides nothing and knows no secret.
 */

const port = 3128;
const hopByHop = new Set([
  'connection',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

const forward = (session: ClientHttp2Session, request: IncomingMessage, response: ServerResponse) => {
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !hopByHop.has(name)));
  const stream = session.request({
    ...headers,
    ':method': request.method ?? 'GET',
    ':path': request.url ?? '/',
  });
  const fail = () => {
    if (response.headersSent) response.destroy();
    else
      response
        .writeHead(502, { 'content-type': 'text/plain' })
        .end('The way out of the sandbox is closed.\n');
  };
  stream.on('error', fail);
  stream.on('response', ({ ':status': status, ...rest }) => {
    response.writeHead(status ?? 502, plain(rest));
    stream.pipe(response);
  });
  response.on('close', () => stream.close(http2.constants.NGHTTP2_CANCEL));
  request.pipe(stream);
};

const plain = (headers: NodeJS.Dict<string | string[]>) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(':')));

const session = http2.connect('http://server', {
  createConnection: () => openStdio(),
  settings: { initialWindowSize: 1 << 20, enablePush: false },
});
session.on('connect', () => session.setLocalWindowSize(16 << 20));
session.on('error', () => process.exit(1));
session.on('close', () => process.exit(0));

const server = http.createServer((request, response) => forward(session, request, response));
server.listen(port, '127.0.0.1', () => {
  // The server counts the sandbox as ready only when somebody listens here.
  session.request({ ':method': 'POST', ':path': '/.backspace/listening' }).resume().end();
});
