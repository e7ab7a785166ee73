import { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/**
 * stdin and stdout as one duplex stream for an HTTP/2 session. Sockets on the raw descriptors, since
 * `process.stdout` writes to a pipe synchronously and would stall every call while the server reads slowly.
 * When the server goes away stdin ends: then this process has nobody to answer and exits.
 */
export const openStdio = (): Duplex => {
  const input = new Socket({ fd: 0, readable: true, writable: false });
  const output = new Socket({ fd: 1, readable: false, writable: true });
  const gone = () => process.exit(0);

  const duplex = new Duplex({
    read() {
      input.resume();
    },
    write(chunk, _encoding, done) {
      output.write(chunk, done);
    },
    writev(chunks, done) {
      output.cork();
      for (const { chunk } of chunks.slice(0, -1)) output.write(chunk);
      output.write(chunks.at(-1)?.chunk, done);
      output.uncork();
    },
  });
  input.on('data', (chunk) => {
    if (!duplex.push(chunk)) input.pause();
  });
  for (const event of ['end', 'error', 'close']) input.on(event, gone);
  for (const event of ['error', 'close']) output.on(event, gone);
  return duplex;
};
