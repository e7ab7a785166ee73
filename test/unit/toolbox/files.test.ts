import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { soon } from '../../support/sandboxes.ts';
import { startToolboxProcess, type ToolboxProcess } from '../../support/toolbox-process.ts';

/** Where several things must happen before a file is looked at, the file's name says for which test it is. */
let running: ToolboxProcess;
before(async () => {
  running = await startToolboxProcess();
});
after(() => running[Symbol.asyncDispose]());

const at = (name: string) => path.join(running.workspace, name);
const put = (name: string, content: string | Uint8Array) => writeFile(at(name), content);
const read = (filepath: string, options: { offset?: number; limit?: number; bytesMax?: number } = {}) =>
  running.toolbox.read({ bytesMax: 64 << 10, ...options, filepath }, soon());
const write = (filepath: string, content: string) => running.toolbox.write({ filepath, content }, soon());

describe('read', () => {
  test('gives the lines of a file, the last one with or without its line end', async () => {
    await put('three.txt', 'one\ntwo\nthree\n');
    await put('no-end.txt', 'one\ntwo\nthree');
    const all = { ok: true, content: 'one\ntwo\nthree', fromLine: 1, toLine: 3, totalLines: 3 };
    assert.deepEqual(await read('three.txt'), all);
    assert.deepEqual(await read('no-end.txt'), all);
  });

  test('gives the part from offset on, as many lines as limit says', async () => {
    await put('ten.txt', '1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n');
    assert.deepEqual(await read('ten.txt', { offset: 4, limit: 3 }), {
      ok: true,
      content: '4\n5\n6',
      fromLine: 4,
      toLine: 6,
      totalLines: 10,
    });
  });

  test('an empty file has no lines', async () => {
    await put('empty.txt', '');
    const nothing = { ok: true, content: '', fromLine: 1, toLine: 0, totalLines: 0 };
    assert.deepEqual(await read('empty.txt'), nothing);
  });

  test('stops at the last whole line within the bytes allowed, and says which that is', async () => {
    await put('wide.txt', `${'x'.repeat(99)}\n`.repeat(50));
    assert.deepEqual(await read('wide.txt', { bytesMax: 350 }), {
      ok: true,
      content: Array(3).fill('x'.repeat(99)).join('\n'),
      fromLine: 1,
      toLine: 3,
      totalLines: 50,
    });
  });

  test('cuts a single line that is longer than the bytes allowed, so that something is seen', async () => {
    await put('giant-line.txt', 'y'.repeat(100_000));
    assert.deepEqual(await read('giant-line.txt', { bytesMax: 10 }), {
      ok: true,
      content: 'yyyyyyyyyy',
      fromLine: 1,
      toLine: 1,
      totalLines: 1,
    });
  });

  test('an offset beyond the end names the number of lines', async () => {
    await put('short.txt', 'a\nb\n');
    const message = 'short.txt has 2 lines: there is no line 7. Choose an offset within them.';
    assert.deepEqual(await read('short.txt', { offset: 7 }), { ok: false, message });
  });

  test('a directory, a binary file and a FIFO say what they are', async () => {
    await mkdir(at('folder'));
    await put('logo.png', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 1]));
    execFileSync('mkfifo', [at('pipe')]);
    const messages = await Promise.all(['folder', 'logo.png', 'pipe'].map((name) => read(name)));
    assert.deepEqual(messages, [
      { ok: false, message: 'folder is a directory: use list to see what is in it.' },
      {
        ok: false,
        message:
          'logo.png is a binary file (7 bytes): it cannot be shown as text. bash (file, xxd | head) tells more.',
      },
      { ok: false, message: 'pipe is not a regular file.' },
    ]);
  });

  test('a file of more than 32 MB points to commands that show a part of it', async () => {
    execFileSync('truncate', ['--size', '33M', at('giant.txt')]);
    const bytes = 33 << 20;
    const message = `giant.txt has ${bytes} bytes, more than can be taken at once: use bash (head, sed -n, rg).`;
    assert.deepEqual(await read('giant.txt'), { ok: false, message });
  });

  test('line ends and encodings that cannot be seen are told', async () => {
    const notes = async (name: string, content: Uint8Array) => {
      await put(name, content);
      const reply = await read(name);
      return reply.ok ? [reply.content, ...(reply.notes ?? [])] : [reply.message];
    };
    const bom = '\uFEFF';
    assert.deepEqual(
      [
        await notes('crlf.txt', Buffer.from('one\r\ntwo\r\n')),
        await notes('mixed.txt', Buffer.from('one\r\ntwo\nthree\nfour\r\n')),
        await notes('bom.txt', Buffer.from(`${bom}one\n`)),
        await notes('latin1.txt', Buffer.from('caf\xe9\n', 'latin1')),
        await notes('replacement.txt', Buffer.from('as it was written: \uFFFD\n')),
        await notes('utf16.txt', Buffer.from(`${bom}one\n`, 'utf16le')),
      ],
      [
        ['one\ntwo', 'the lines end with \\r\\n; edit keeps that'],
        ['one\ntwo\nthree\nfour', '2 of these lines end with \\r\\n; edit keeps that'],
        ['one', 'the file begins with a byte order mark, which edit keeps and write does not'],
        ['caf\uFFFD', 'what is shown as \uFFFD is not UTF-8; edit keeps it where you do not touch it'],
        ['as it was written: \uFFFD'],
        ['utf16.txt is UTF-16 text, which the file tools do not take: use bash (iconv -f UTF-16 -t UTF-8).'],
      ],
    );
  });

  test('a symlink is followed, and a dangling one is a missing file', async () => {
    await put('target.txt', 'behind the link\n');
    await symlink('target.txt', at('link.txt'));
    await symlink('nowhere.txt', at('dangling.txt'));
    const found = { ok: true, content: 'behind the link', fromLine: 1, toLine: 1, totalLines: 1 };
    assert.deepEqual(await read('link.txt'), found);
    const missing = await read('dangling.txt');
    assert.ok(!missing.ok && missing.message.startsWith('No file at dangling.txt.'), JSON.stringify(missing));
  });

  test('a name with a NUL, which no file can have, is told to the model', async () => {
    const reply = await read('a\0b');
    assert.ok(!reply.ok && reply.message.includes('cannot be read'), JSON.stringify(reply));
  });
});

describe('write', () => {
  test('makes the directories on the way and counts the lines', async () => {
    assert.deepEqual(await write('deep/er/new.txt', 'a\nb\n'), { ok: true, lines: 2 });
    assert.equal(await readFile(at('deep/er/new.txt'), 'utf8'), 'a\nb\n');
    assert.deepEqual(await write('deep/no-end.txt', 'a\nb'), { ok: true, lines: 2 });
  });

  test('replaces a file and keeps its mode', async () => {
    await put('run.sh', '#!/bin/sh\n');
    await chmod(at('run.sh'), 0o755);
    assert.deepEqual(await write('run.sh', '#!/bin/sh\nexit 0\n'), { ok: true, lines: 2 });
    assert.equal((await stat(at('run.sh'))).mode & 0o777, 0o755);
  });

  test('says why when the place is a directory, below a file, or not writable', async () => {
    await mkdir(at('taken'));
    await put('plain', '');
    for (const place of ['taken', 'plain/below.txt', '/proc/version', 'nul\0.txt']) {
      const reply = await write(place, 'x');
      assert.ok(
        !reply.ok && reply.message.startsWith(`${place} could not be written: `),
        JSON.stringify(reply),
      );
    }
  });

  test('says where it can be written instead', async () => {
    await mkdir(at('instead'));
    const directory = await write('instead', 'x');
    assert.ok(!directory.ok);
    assert.match(directory.message, /That is a directory: name the file in it\.$/);
  });

  test('does not wait for a reader when the place is a FIFO', async () => {
    execFileSync('mkfifo', [at('write-pipe')]);
    assert.deepEqual(await write('write-pipe', 'x'), {
      ok: false,
      message: 'write-pipe is not a regular file.',
    });
  });
});
