import { type ChildProcess, spawn } from 'node:child_process';
import type { ServerHttp2Stream } from 'node:http2';
import os from 'node:os';
import { pipeline } from 'node:stream/promises';
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
 * Sends what has changed in the workspace since a time, but for `.git` and the tracked files, and all that is in the home
 * directory, as a tar stream with names from the root on. By the time of the last change of a file's state, which no
 * program can set back: package managers set the other times to what they were where the package was made. Tracked files
 * are the commit's own: in a sandbox of another commit they would take the place of newer ones.
 */
export const packSetup = async (
  request: { since: string; tracked: string[] },
  stream: ServerHttp2Stream,
): Promise<void> => {
  const [place, home] = [workspace.slice(1), os.homedir().slice(1)];
  const isHome = ['(', '-path', `${home}/*`, '-o', '-newerct', `@${request.since}`, ')'];
  const look = [
    place,
    home,
    '-mindepth',
    '1',
    '-path',
    `${place}/.git`,
    '-prune',
    '-o',
    ...isHome,
    '-print0',
  ];
  const find = spawn('find', look, { cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
  const kinds = ['--format=pax', '--no-recursion', '--null', '--files-from=-'];
  const tar = spawn('tar', ['--create', ...kinds], { cwd: '/', stdio: ['pipe', 'pipe', 'pipe'] });
  stream.once('close', () => {
    find.kill('SIGKILL');
    tar.kill('SIGKILL');
  });
  const tracked = new Set(request.tracked.map((name) => `${place}/${name}`));
  const done = Promise.all([
    ended(find, 'find', collectErrors(find)),
    ended(tar, 'tar', collectErrors(tar)),
    pipeline(find.stdout, withoutNames(tracked), tar.stdin),
  ]);
  tar.stdout.pipe(stream, { end: false });
  await done;
};

/** Names stay as their bytes are, a character for each; only to be compared they are read as the server reads them. */
const withoutNames = (names: ReadonlySet<string>) =>
  async function* (found: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let rest = '';
    for await (const chunk of found) {
      const all = (rest + chunk.toString('latin1')).split('\0');
      rest = all.pop() ?? '';
      const kept = all.filter((name) => !names.has(Buffer.from(name, 'latin1').toString('utf8')));
      if (kept.length > 0) yield Buffer.from(`${kept.join('\0')}\0`, 'latin1');
    }
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
