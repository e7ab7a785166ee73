import { type ChildProcess, spawn } from 'node:child_process';
import type { ServerHttp2Stream } from 'node:http2';
import { ended } from './ended.ts';
import { workspace } from './workspace.ts';

/**
 * Sends the named files as a tar stream; symlinks as symlinks, nothing followed, directories not descended into. The
 * second name of a hard-linked file is a file like the first, since git knows no hard links.
 */
export const packFiles = async (request: { paths: string[] }, stream: ServerHttp2Stream): Promise<void> => {
  const kinds = ['--format=pax', '--no-recursion', '--hard-dereference'];
  const tar = spawn('tar', ['--create', ...kinds, '--null', '--files-from=-'], {
    cwd: workspace,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  stream.once('close', () => tar.kill('SIGKILL'));
  const done = ended(tar, 'tar', collectErrors(tar));
  tar.stdin.on('error', () => {});
  tar.stdin.end(request.paths.map((name) => `${name}\0`).join(''));
  tar.stdout.pipe(stream, { end: false });
  await done;
};

/** Takes the request's body as a tar stream and unpacks it over the workspace. */
export const unpackFiles = async (stream: ServerHttp2Stream): Promise<void> => {
  const tar = spawn('tar', ['--extract', '--preserve-permissions', '--no-same-owner', '--file=-'], {
    cwd: workspace,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const done = ended(tar, 'tar', collectErrors(tar));
  // tar ends at the end mark and leaves the padding behind it, which must not end the stream: it is yet to be answered.
  tar.stdin.on('error', () => stream.resume());
  stream.once('close', () => tar.kill('SIGKILL'));
  stream.pipe(tar.stdin);
  await done;
  if (stream.closed) return;
  stream.respond({ ':status': 200 });
  stream.end('{"ok":true}');
};

const collectErrors = (child: ChildProcess): (() => string) => {
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    errors = (errors + chunk).slice(0, 2000);
  });
  return () => errors.trim();
};
