import { utimesSync, writeFileSync } from 'node:fs';
import http2, { type ServerHttp2Stream } from 'node:http2';
import os from 'node:os';
import path from 'node:path';
import { sendBasePack } from './base-pack.ts';
import { sendBlobs } from './blobs.ts';
import { editFile } from './edit.ts';
import { runCommand } from './exec.ts';
import { readFile, writeFile } from './files.ts';
import { listFiles } from './find.ts';
import { readRequest } from './request.ts';
import { searchFiles } from './search.ts';
import { openStdio } from './stdio.ts';
import { takeOver } from './take-over.ts';
import { packFiles, packSetup, unpackFiles } from './tar.ts';
import { sendWorkspaceFiles } from './workspace-files.ts';

/**
 * The *calls* session: the server asks, this process answers, one HTTP/2 stream a call. The server is trusted, what
 * runs beside us in the sandbox is not; the server in turn trusts nothing that we answer.
 */

const heartbeatFile = path.join(os.tmpdir(), '.backspace-alive');

/** In seconds, as /setup-out wants it. A little earlier, since the kernel stamps files by a clock that moves in steps. */
const now = async () => ({ now: ((Date.now() - 10) / 1000).toFixed(3) });

const hello = async () => ({
  kernel: os.release(),
  kernelVersion: os.version(),
  uid: process.getuid?.() ?? -1,
  node: process.version,
});

/** Docker's init, the first process of all, passes it on to ours and ends with it, and so does the container. */
const end = async () => ({ ok: process.kill(1, 'SIGTERM') });

/** Calls that take JSON and answer JSON. */
const answers: Record<string, (request: never) => Promise<object>> = {
  '/hello': hello,
  '/end': end,
  '/take-over': takeOver,
  '/now': now,
  '/read': readFile,
  '/write': writeFile,
  '/edit': editFile,
  '/list': listFiles,
  '/search': searchFiles,
};

/** Calls that take JSON and write their answer piece by piece; what they throw is said at its end. */
const streams: Record<string, (request: never, stream: ServerHttp2Stream) => Promise<void>> = {
  '/exec': runCommand,
  '/files': sendWorkspaceFiles,
  '/pack': sendBasePack,
  '/blobs': sendBlobs,
  '/tar-out': packFiles,
  '/setup-out': packSetup,
};

const handle = async (stream: ServerHttp2Stream, path: string) => {
  if (path === '/tar-in') return unpackFiles(stream);
  if (path === '/setup-in') return unpackFiles(stream, '/');
  const request = JSON.parse((await readRequest(stream)) || '{}') as never;
  const answer = answers[path];
  const respond = streams[path];
  if (answer) {
    const reply = JSON.stringify(await answer(request));
    if (stream.closed) return;
    stream.respond({ ':status': 200 });
    stream.end(reply);
  } else if (respond) {
    const end = beginAnswer(stream);
    await respond(request, stream).then(
      () => end(),
      (error: unknown) => end(messageOf(error)),
    );
  } else {
    stream.respond({ ':status': 404 });
    stream.end();
  }
};

/**
 * A reset does not tell for sure that an answer broke off: what was written before may look like a good end. So a
 * streamed answer is whole only when the trailer behind it says so.
 */
const beginAnswer = (stream: ServerHttp2Stream) => {
  const problemLettersMax = 2000;
  let end = 'whole';
  stream.respond({ ':status': 200 }, { waitForTrailers: true });
  stream.once('wantTrailers', () => stream.sendTrailers({ 'backspace-end': end }));
  return (problem?: string) => {
    if (problem !== undefined)
      end = `broken ${encodeURI(problem.slice(0, problemLettersMax).toWellFormed())}`;
    stream.end();
  };
};

const fail = (stream: ServerHttp2Stream, error: unknown) => {
  if (stream.closed || stream.headersSent) return;
  stream.respond({ ':status': 500 });
  stream.end(messageOf(error));
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The container's first process ends when this file grows old: see first-process.pl. */
const beat = () => {
  const now = new Date();
  try {
    utimesSync(heartbeatFile, now, now);
  } catch {
    makeHeartbeat();
  }
};

const makeHeartbeat = () => {
  try {
    writeFileSync(heartbeatFile, '');
  } catch {
    // No room in /tmp, and somebody has removed the file: there will be another beat.
  }
};

const session = http2.performServerHandshake(openStdio(), { settings: { initialWindowSize: 1 << 20 } });
session.setLocalWindowSize(16 << 20);
session.on('ping', beat);
session.on('error', () => process.exit(1));
session.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  handle(stream, String(headers[':path'])).catch((error: unknown) => fail(stream, error));
});
beat();
