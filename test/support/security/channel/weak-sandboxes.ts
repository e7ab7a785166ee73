import { once } from 'node:events';
import http2, { type ClientHttp2Session } from 'node:http2';
import { type Duplex, PassThrough, Duplex as Stream } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type Docker from 'dockerode';
import type { Calls } from '../../../../server/docker/calls.ts';
import { openCalls } from '../../../../server/docker/calls.ts';
import { containerSpec } from '../../../../server/docker/container-spec.ts';
import { createExecDuplex } from '../../../../server/docker/exec-duplex.ts';
import type { SandboxOptions } from '../../../../server/docker/sandboxes.ts';
import { createToolbox } from '../../../../server/docker/toolbox.ts';
import { serveWayOut } from '../../../../server/docker/way-out.ts';
import type { Sandbox, Sandboxes, WayOut } from '../../../../server/domain/sandbox.ts';

/** Each leaves out one thing of the channel's design, and the suite must catch it. */
export type Weakness =
  | 'gives frames to HTTP/2 as they come'
  | 'takes answers of any length'
  | 'demuxes like dockerode';

/** Sandboxes as production's, but for the weakness. */
export const createWeakSandboxes = (
  docker: Docker,
  options: SandboxOptions,
  weakness: Weakness,
): Sandboxes => ({
  image: options.image,
  reattach: async () => undefined,
  acquire: async (jobId) => {
    const expires = Math.ceil((Date.now() + options.lifetimeMs) / 1000);
    const container = await docker.createContainer(containerSpec({ ...options, jobId, expires }));
    await container.start();
    const demux = weakness === 'demuxes like dockerode' ? demuxWithoutEnd(docker) : createExecDuplex;
    const [callsExec, wayOutExec] = await Promise.all([
      startToolbox(container, 'calls.js').then(demux),
      startToolbox(container, 'way-out.js').then(demux),
    ]);
    const unguarded = weakness === 'gives frames to HTTP/2 as they come';
    const weakCalls = unguarded || weakness === 'takes answers of any length';
    const calls = weakCalls ? openWeakCalls(callsExec) : openCalls(callsExec);
    const wayOut = unguarded ? serveWeakWayOut(wayOutExec) : serveWayOut(wayOutExec);
    await wayOut.listening;
    return {
      ...{ image: 'default', imageId: async () => (await container.inspect()).Image },
      ...{ id: container.id, lost: calls.lost, runtime: options.runtime, kernel: '', gvisor: true },
      ...{ warm: false, readyMs: 0, openWayOut: wayOut.open },
      ...createToolbox(calls, { ...options, workspaceBytes: options.limits.workspaceBytes }),
      leave: () => {},
      async [Symbol.asyncDispose]() {
        calls.close();
        await container.remove({ force: true });
      },
    } satisfies Sandbox;
  },
});

const startToolbox = async (container: Docker.Container, file: string): Promise<Duplex> => {
  const Cmd = ['node', '--disable-sigusr1', `/opt/backspace/toolbox/${file}`];
  const exec = await container.exec({ Cmd, AttachStdin: true, AttachStdout: true, AttachStderr: false });
  return exec.start({ hijack: true, stdin: true });
};

/** What is not read piles up: nothing tells the socket to wait. */
const demuxWithoutEnd =
  (docker: Docker) =>
  (socket: Duplex): Duplex => {
    const stdout = new PassThrough();
    docker.modem.demuxStream(socket, stdout, new PassThrough());
    socket.on('error', () => {});
    return Stream.from({ readable: stdout, writable: socket });
  };

/** Node's session as it is, and answers kept as they come: `ask` alone, for `read`, `write`, `edit` and `list`. */
const openWeakCalls = (duplex: Duplex): Calls => {
  const session: ClientHttp2Session = http2.connect('http://toolbox', { createConnection: () => duplex });
  const lost = new AbortController();
  session.on('error', () => {});
  session.once('close', () => lost.abort(new Error('lost')));
  const strong = openLines(session);
  return {
    ...strong,
    lost: lost.signal,
    close: () => session.destroy(),
    async ask(path, request, schema, signal) {
      const stream = session.request({ ':method': 'POST', ':path': path }, { signal });
      stream.on('error', () => {});
      stream.end(JSON.stringify(request));
      await once(stream, 'response', { signal });
      return schema.parse(JSON.parse((await buffer(stream)).toString()));
    },
  };
};

/** The lines of a command, as far as the suite's own commands need them. */
const openLines = (session: ClientHttp2Session): Pick<Calls, 'lines' | 'bytes' | 'send'> => ({
  async *lines(path, request, schema, signal) {
    const stream = session.request({ ':method': 'POST', ':path': path }, { signal });
    stream.on('error', () => {});
    stream.end(JSON.stringify(request));
    for (const line of (await buffer(stream)).toString().trim().split('\n'))
      yield schema.parse(JSON.parse(line));
  },
  bytes: () => {
    throw new Error('not in this double');
  },
  send: () => {
    throw new Error('not in this double');
  },
});

const serveWeakWayOut = (duplex: Duplex) => {
  const session = http2.performServerHandshake(duplex, { settings: { initialWindowSize: 1 << 20 } });
  let decide: WayOut | undefined;
  const listening = Promise.withResolvers<void>();
  session.on('error', () => {});
  session.on('stream', async (stream, headers) => {
    stream.on('error', () => {});
    const path = String(headers[':path']);
    if (path === '/.backspace/listening') listening.resolve();
    const method = String(headers[':method']);
    const { signal } = new AbortController();
    const response = await decide?.({ method, path, headers: {}, body: stream, signal });
    if (stream.destroyed) return;
    stream.respond({ ':status': response?.status ?? 200 });
    if (response) for await (const chunk of response.body) stream.write(chunk);
    stream.end();
  });
  return {
    listening: listening.promise,
    open: (wayOut: WayOut) => {
      decide = wayOut;
    },
    close: () => session.destroy(),
  };
};
