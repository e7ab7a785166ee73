import { spawn } from 'node:child_process';
import http2, { type ServerHttp2Stream } from 'node:http2';
import { pipeline } from 'node:stream/promises';
import { workspace } from './workspace.ts';

/**
 * Sends the named files as a tar stream; symlinks as symlinks, nothing followed, directories not descended into. The
 * second name of a hard-linked file is a file like the first, since git knows no hard links.
 */
export const packFiles = async (request: { paths: string[] }, stream: ServerHttp2Stream): Promise<void> => {
  const kinds = ['--format=pax', '--no-recursion', '--hard-dereference'];
  const tar = spawn('tar', ['--create', ...kinds, '--null', '--files-from=-'], {
    cwd: workspace,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const exitCode = new Promise<number | null>((resolve) => tar.once('close', resolve));
  stream.once('close', () => tar.kill('SIGKILL'));
  tar.stdin.on('error', () => {});
  tar.stdin.end(request.paths.map((name) => `${name}\0`).join(''));
  stream.respond({ ':status': 200 });
  tar.stdout.pipe(stream, { end: false });
  // An end without an error is the promise that the archive is whole.
  if ((await exitCode) === 0) stream.end();
  else stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
};

/** Takes the request's body as a tar stream and unpacks it over the workspace. */
export const unpackFiles = async (stream: ServerHttp2Stream): Promise<void> => {
  const tar = spawn('tar', ['--extract', '--preserve-permissions', '--no-same-owner', '--file=-'], {
    cwd: workspace,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let errors = '';
  tar.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    errors = (errors + chunk).slice(0, 2000);
  });
  const exitCode = new Promise<number | null>((resolve) => tar.once('close', resolve));
  await pipeline(stream, tar.stdin).catch(() => tar.kill('SIGKILL'));
  if ((await exitCode) !== 0) throw new Error(`tar could not unpack: ${errors.trim()}`);
  stream.respond({ ':status': 200 });
  stream.end('{"ok":true}');
};
