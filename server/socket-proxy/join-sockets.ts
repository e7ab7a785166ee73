import type { Socket } from 'node:net';

/**
 * Both directions, with backpressure. Each side may end on its own: a command whose stdin ended still has output to
 * give. When one side is gone altogether, the other follows, after the bytes that are on their way to it.
 */
export const joinSockets = (client: Socket, engine: Socket): void => {
  client.pipe(engine);
  engine.pipe(client);
  follow(client, engine);
  follow(engine, client);
};

const follow = (socket: Socket, other: Socket): void => {
  socket.on('error', () => socket.destroy());
  socket.once('close', () => {
    if (socket.readableEnded) other.destroySoon();
    else other.destroy();
  });
};
