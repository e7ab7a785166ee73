import http2, { type ClientHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';

/**
 * Joins the connection of a program that sent a CONNECT with its stream to the server. A refusal is answered as a
 * proxy does, with the reason in the status line as well, since most programs show that alone.
 */
export const openTunnel = (stream: ClientHttp2Stream, socket: Duplex, head: Buffer): void => {
  const leave = () => {
    socket.destroy();
    stream.close(http2.constants.NGHTTP2_CANCEL);
  };
  socket.on('error', leave);
  socket.once('close', leave);
  stream.on('error', leave);
  stream.once('response', ({ ':status': status = 502 }) => {
    if (status !== 200) {
      stream.end();
      text(stream)
        .catch(() => 'The way out of the sandbox is closed.')
        .then((reason) => socket.end(refusal(status, reason)));
      return;
    }
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    if (head.length > 0) stream.write(head);
    stream.pipe(socket);
    socket.pipe(stream);
  });
};

const refusal = (status: number, reason: string): string => {
  const charactersMax = 300;
  const line = reason
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, charactersMax);
  const body = `${line}\n`;
  return [
    `HTTP/1.1 ${status} ${line}`,
    'Content-Type: text/plain',
    `Content-Length: ${body.length}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
};
