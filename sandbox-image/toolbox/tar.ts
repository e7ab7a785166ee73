import { type ChildProcess, spawn } from 'node:child_process';
import type { ServerHttp2Stream } from 'node:http2';
import os from 'node:os';
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

/**
 * Sends what has changed in the workspace since a time, but for `.git`, and all that is in the home directory, as a tar
 * stream with names from the root on. By the time of the last change of a file's state, which no program can set back:
 * package managers set the other times to what they were where the package was made.
 */
export const packSetup = async (request: { since: string }, stream: ServerHttp2Stream): Promise<void> => {
  const script = `
set -o pipefail
cd /
{ find "$1" -mindepth 1 -path "$1/.git" -prune -o -newerct "@$3" -print0 && find "$2" -mindepth 1 -print0; } |
  tar --create --format=pax --no-recursion --null --files-from=-`;
  const places = [workspace, os.homedir()].map((place) => place.slice(1));
  const child = spawn('bash', ['-c', script, 'bash', ...places, request.since], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // Without a reader the whole pipeline ends; a signal would reach the shell alone.
  stream.once('close', () => child.stdout.destroy());
  const done = ended(child, 'tar', collectErrors(child));
  child.stdout.pipe(stream, { end: false });
  await done;
};

/** Takes the request's body as a tar stream and unpacks it over the workspace, or from another place on. */
export const unpackFiles = async (stream: ServerHttp2Stream, place = workspace): Promise<void> => {
  const tar = spawn('tar', ['--extract', '--preserve-permissions', '--no-same-owner', '--file=-'], {
    cwd: place,
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
