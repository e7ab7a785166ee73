import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const program = path.resolve(import.meta.dirname, '../../support/hostile-frames.ts');

const give = async (...frames: string[]): Promise<string> => {
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...frames], { timeout: 20_000 });
  return stdout;
};

// CVE-2026-27135: nghttp2 before 1.68.1 fails an assertion on frames behind one that it ignores, which no JavaScript
// can catch. Node 24.9 carries such a version.
test('a frame of a wrong length behind an ALTSVC frame does not end the server', async () => {
  const alternative = '00000d0a00000000040005687474703a2f2f613d6832';
  // In one piece, as one read finds them.
  assert.equal(await give(`${alternative}0000050400000000000000000000`), 'survived\n');
});

test('a toolbox that allows no stream cannot hold a call beyond its time limit', async () => {
  assert.equal(await give('000006040000000000000300000000'), 'survived\n');
});
