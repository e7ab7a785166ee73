import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import http2, { type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { wayOutPort } from './environment.ts';
import { openStdio } from './stdio.ts';
import { openTunnel } from './tunnel.ts';

/**
 * The *way out* session: programs in the sandbox ask on 127.0.0.1:3128, each request becomes an HTTP/2 stream to the
 * server, and the server decides. This process decides nothing and knows no secret.
 */

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
  const stream = session.request({ ...passedOn(request), ...target(request) });
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

const passedOn = ({ headers }: IncomingMessage) =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) => !hopByHop.has(name) && !name.startsWith('x-backspace-')),
  );

/** HTTP/2 has no path for what is asked of a proxy, a whole URL: it travels in a header, for the server to judge. */
const target = ({ method = 'GET', url = '/' }: IncomingMessage) =>
  url.startsWith('/')
    ? { ':method': method, ':path': url }
    : { ':method': method, ':path': '/', 'x-backspace-target': encodeURIComponent(url.toWellFormed()) };

const plain = (headers: NodeJS.Dict<string | string[]>) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(':')));

const session = http2.connect('http://server', {
  createConnection: () => openStdio(),
  settings: { initialWindowSize: 1 << 20, enablePush: false },
});
session.on('connect', () => session.setLocalWindowSize(16 << 20));
session.on('error', () => process.exit(1));
session.on('close', () => process.exit(0));

const askForTunnel = (authority: string): ClientHttp2Stream =>
  session.request({
    ':method': 'CONNECT',
    // HTTP/2 wants an authority that it understands, and the server the target as it was sent.
    ':authority': 'tunnel:443',
    'x-backspace-target': encodeURIComponent(authority.toWellFormed()),
  });

const server = http.createServer((request, response) => forward(session, request, response));
server.on('connect', (request, socket, head) => openTunnel(askForTunnel(request.url ?? ''), socket, head));
server.listen(wayOutPort, '127.0.0.1', () => {
  // The server counts the sandbox as ready only when somebody listens here.
  session.request({ ':method': 'POST', ':path': '/.backspace/listening' }).resume().end();
});
