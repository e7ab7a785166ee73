import { fork } from 'node:child_process';
import { once } from 'node:events';
import { startBareStreams } from '../../support/streams/bare-streams.ts';

/** The bare streams in a process of their own, whose memory and processor time can be read. */
export const startBareProcess = async () => {
  const child = fork(new URL(import.meta.url), { execArgv: [] });
  const ended = once(child, 'exit');
  const [url] = (await once(child, 'message')) as [string];
  return {
    url,
    pid: Number(child.pid),
    send: (jobId: string, frame: string) => void child.send({ jobId, frame }),
    end: (jobId: string) => void child.send({ jobId }),
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
    },
  };
};

if (process.send !== undefined) {
  const bare = await startBareStreams();
  process.on('message', ({ jobId, frame }: { jobId: string; frame?: string }) => {
    if (frame === undefined) bare.end(jobId);
    else bare.send(jobId, frame);
  });
  process.send(bare.url);
}
