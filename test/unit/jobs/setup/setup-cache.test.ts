import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { createSetupCache, SetupTooLarge } from '../../../../server/jobs/setup/setup-cache.ts';

const directoryFor = async (context: TestContext): Promise<string> => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'setup-cache-'));
  context.after(() => rm(directory, { recursive: true, force: true }));
  return path.join(directory, 'cache');
};

async function* bytes(...pieces: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield Buffer.from(piece);
}

const textAt = async (cache: ReturnType<typeof createSetupCache>, key: string) => {
  await using entry = await cache.read(key);
  return entry && (await buffer(entry.bytes)).toString();
};

const limits = { bytesMax: 1000, entryBytesMax: 400 };

test('what is written is read again, by another server with the same directory, too', async (context) => {
  const directory = await directoryFor(context);
  const cache = createSetupCache(directory, limits);
  assert.equal(await textAt(cache, 'a'), undefined);
  await cache.write('a', bytes('one ', 'two'));
  assert.equal(await textAt(cache, 'a'), 'one two');
  await createSetupCache(directory, limits).write('a', bytes('other'));
  assert.equal(await textAt(cache, 'a'), 'other');
  await cache.forget('a');
  assert.equal(await textAt(cache, 'a'), undefined);
});

test('megabytes come back as they were', async (context) => {
  const cache = createSetupCache(await directoryFor(context), { bytesMax: 1 << 30, entryBytesMax: 1 << 30 });
  const pieces = Array.from({ length: 50 }, (_, index) => Buffer.alloc(100_003, index));
  await cache.write('a', bytes(...pieces));
  await using entry = await cache.read('a');
  assert(entry);
  assert.deepEqual(await buffer(entry.bytes), Buffer.concat(pieces));
});

test('an entry that was cut short or altered is none, and goes', async (context) => {
  const directory = await directoryFor(context);
  const cache = createSetupCache(directory, limits);
  const file = path.join(directory, 'a.tar');
  for (const spoil of [
    async () => truncate(file, 60),
    async () => truncate(file, 10),
    async () => truncate(file, 0),
    async () => writeFile(file, Buffer.alloc((await stat(file)).size, 'x')),
  ]) {
    await cache.write('a', bytes('x'.repeat(100)));
    await spoil();
    assert.equal(await textAt(cache, 'a'), undefined);
    assert.deepEqual(await readdir(directory), []);
  }
});

test('what is larger than one entry may be is not kept, and what broke off is not either', async (context) => {
  const directory = await directoryFor(context);
  const cache = createSetupCache(directory, limits);
  await cache.write('a', bytes('small'));
  await assert.rejects(cache.write('a', bytes('x'.repeat(300), 'y'.repeat(101))), SetupTooLarge);
  const broken = async function* () {
    yield Buffer.from('half');
    throw new Error('the sandbox is gone');
  };
  await assert.rejects(cache.write('b', broken()), /the sandbox is gone/);
  assert.deepEqual(await readdir(directory), []);
});

test('the least recently used entries go first when there is no more room', async (context) => {
  const directory = await directoryFor(context);
  const cache = createSetupCache(directory, limits);
  const long = 'x'.repeat(300);
  for (const [index, key] of ['a', 'b', 'c'].entries()) {
    await cache.write(key, bytes(long));
    const at = new Date(Date.now() - 10_000 + 1000 * index);
    await utimes(path.join(directory, `${key}.tar`), at, at);
  }
  assert.equal(await textAt(cache, 'a'), long);
  await cache.write('d', bytes(long));
  assert.deepEqual((await readdir(directory)).toSorted(), ['a.tar', 'c.tar', 'd.tar']);
});

test('what a server was writing when it died goes after an hour', async (context) => {
  const directory = await directoryFor(context);
  const cache = createSetupCache(directory, limits);
  await cache.write('a', bytes('a'));
  for (const [name, minutes] of [['left', 61] as const, ['under-way', 5] as const]) {
    const file = path.join(directory, `${name}.unfinished`);
    await writeFile(file, 'half');
    const at = new Date(Date.now() - minutes * 60_000);
    await utimes(file, at, at);
  }
  await cache.write('b', bytes('b'));
  assert.deepEqual((await readdir(directory)).toSorted(), ['a.tar', 'b.tar', 'under-way.unfinished']);
});

test('with no room at all it is off', async (context) => {
  const directory = await directoryFor(context);
  assert.deepEqual(
    [
      createSetupCache(directory, { bytesMax: 0, entryBytesMax: 0 }).isOn,
      createSetupCache(directory, limits).isOn,
    ],
    [false, true],
  );
});
