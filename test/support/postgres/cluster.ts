import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { chown, cp, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { userInfo } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';

const run = promisify(execFile);

/** A PostgreSQL of this test file's own, from Debian's package, that only its socket reaches. */
export type Cluster = AsyncDisposable & {
  /** A new database, as a URL. */
  createDatabase(): Promise<string>;
  /** Ends the server as a crash of its machine would. */
  kill(): Promise<void>;
  /** Starts it again with what it has stored. */
  start(): Promise<void>;
};

/** Everything of ours is below a short path: the name of a socket may have 107 bytes. */
const home = '/tmp/tiny-backspace-postgres';
const startMs = 30_000;

export const startCluster = async (): Promise<Cluster> => {
  const binaries = await findBinaries();
  const owner = await findOwner();
  await mkdir(home, { recursive: true, mode: 0o755 });
  const template = await makeTemplate(binaries, owner);
  const directory = await ownedDirectory('run-', owner);
  const data = path.join(directory, 'data');
  await cp(template, data, { recursive: true });
  await chownAll(data, owner);

  const settings = {
    listen_addresses: '',
    unix_socket_directories: directory,
    // The machine does not lose its power in a test.
    fsync: 'off',
    max_connections: '300',
  };
  const words = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const urlOf = (database: string) =>
    `postgres://postgres@localhost/${database}?host=${encodeURIComponent(directory)}`;

  const launch = async () => {
    // It ends with the test process, however that ends, and does not keep it from its end.
    const program = ['--pdeathsig=QUIT', path.join(binaries, 'postgres'), '-D', data, ...words];
    const child = spawn('setpriv', program, { ...owner, stdio: ['ignore', 'ignore', 'pipe'] });
    child.unref();
    (child.stderr as Socket).unref();
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += chunk;
    });
    const ended = once(child, 'exit');
    for (const until = performance.now() + startMs; ; ) {
      const client = new Client({ connectionString: urlOf('postgres') });
      try {
        await client.connect();
        await client.end();
        return { child, ended };
      } catch (error) {
        if (child.exitCode !== null || performance.now() > until)
          throw new Error(`PostgreSQL did not start:\n${said}`, { cause: error });
        await sleep(50);
      }
    }
  };
  const stop = async (signal: NodeJS.Signals) => {
    server.child.kill(signal);
    await server.ended;
  };
  let server = await launch();
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  let databases = 0;

  return {
    async createDatabase() {
      const name = `test_${databases++}`;
      const client = new Client({ connectionString: urlOf('postgres') });
      await client.connect();
      await client.query(`CREATE DATABASE ${name}`);
      await client.end();
      return urlOf(name);
    },
    kill: () => stop('SIGQUIT'),
    async start() {
      server = await launch();
    },
    async [Symbol.asyncDispose]() {
      await stop('SIGQUIT');
      await rm(directory, { recursive: true, force: true });
    },
  };
};

/** Debian keeps each version apart, and not in PATH. */
const findBinaries = async (): Promise<string> => {
  const versions = await readdir('/usr/lib/postgresql').catch((): string[] => []);
  const found = versions
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => `/usr/lib/postgresql/${version}/bin`)
    .find((directory) => existsSync(path.join(directory, 'initdb')));
  if (found) return found;
  throw new Error('These tests need PostgreSQL. Install it with: sudo apt-get install -y postgresql');
};

type Owner = { uid?: number; gid?: number };

/** PostgreSQL does not run as root; Debian's package brings a user for it. */
const findOwner = async (): Promise<Owner> => {
  if (userInfo().uid !== 0) return {};
  const id = async (flag: string) => Number((await run('id', [flag, 'postgres'])).stdout);
  return { uid: await id('-u'), gid: await id('-g') };
};

const ownedDirectory = async (prefix: string, { uid, gid }: Owner): Promise<string> => {
  const directory = await mkdtemp(path.join(home, prefix));
  if (uid !== undefined && gid !== undefined) await chown(directory, uid, gid);
  return directory;
};

const chownAll = async (directory: string, { uid, gid }: Owner): Promise<void> => {
  if (uid !== undefined) await run('chown', ['-R', `${uid}:${gid}`, directory]);
};

/** To begin a cluster takes a second, to copy one a tenth: it is begun once on a machine. */
const makeTemplate = async (binaries: string, owner: Owner): Promise<string> => {
  const template = path.join(home, `template-${path.basename(path.dirname(binaries))}-${userInfo().uid}`);
  if (existsSync(template)) return template;
  const directory = await ownedDirectory('init-', owner);
  const data = path.join(directory, 'data');
  await run(
    path.join(binaries, 'initdb'),
    ['-D', data, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--no-locale', '--no-sync'],
    owner,
  );
  // Another test file may have been faster.
  await rename(data, template).catch(() => {});
  await rm(directory, { recursive: true, force: true });
  return template;
};
