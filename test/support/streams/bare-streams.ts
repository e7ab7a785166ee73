import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Streams from the memory of one process, with nothing behind them: what a server of ours is measured against. */
export type BareStreams = AsyncDisposable & {
  url: string;
  /** The frame of the job's next event goes to all who watch. */
  send(jobId: string, frame: string): void;
  /** Behind the job's last event. */
  end(jobId: string): void;
};

type Stream = { frames: string[]; watchers: Set<ServerResponse>; isOver: boolean };

/** With a pause between its look at what is there and its wait for what comes, it loses events: tests must see it. */
export const startBareStreams = async (pauseMs?: number): Promise<BareStreams> => {
  const streams = new Map<string, Stream>();
  const streamOf = (jobId: string): Stream => {
    const stream = streams.get(jobId) ?? { frames: [], watchers: new Set(), isOver: false };
    streams.set(jobId, stream);
    return stream;
  };
  const server = createServer(async (req, res) => {
    const stream = streamOf(req.url?.split('/')[2] ?? '');
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
    res.write('retry: 2000\n\n');
    for (const frame of stream.frames.slice(Number(req.headers['last-event-id'] ?? 0))) res.write(frame);
    if (pauseMs !== undefined) await sleep(pauseMs);
    res.once('close', () => stream.watchers.delete(res));
    stream.watchers.add(res);
    if (stream.isOver) res.end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    send(jobId, frame) {
      const { frames, watchers } = streamOf(jobId);
      frames.push(frame);
      for (const watcher of watchers) watcher.write(frame);
    },
    end(jobId) {
      const stream = streamOf(jobId);
      stream.isOver = true;
      for (const watcher of stream.watchers) watcher.end();
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
};
