import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listOfImages, parseSandboxImages } from '../../../server/domain/sandbox-image.ts';

test('images are read with their names and what they hold', () => {
  const images = parseSandboxImages(
    'go=my/sandbox-go:1.26 (Go 1.26); rust = registry.example:5000/rust@sha256:0a (Rust 1.90, cargo) ;',
  );
  assert.deepEqual(images, [
    { name: 'go', reference: 'my/sandbox-go:1.26', holds: 'Go 1.26' },
    { name: 'rust', reference: 'registry.example:5000/rust@sha256:0a', holds: 'Rust 1.90, cargo' },
  ]);
  assert(!('problem' in images));
  assert.equal(listOfImages(images), 'go (Go 1.26), rust (Rust 1.90, cargo)');
});

test('nothing is no image', () => {
  assert.deepEqual(parseSandboxImages(''), []);
});

test('a list with one entry that cannot be read is no list', () => {
  const form = 'must be entries as «go=my/sandbox-go:1.26 (Go 1.26)», separated by semicolons';
  const good = 'go=my/go (Go)';
  for (const [text, problem] of [
    ['go', form],
    ['go=my/go', form],
    ['go=my/go ()', form],
    ['go=my/go (Go (1.26))', form],
    ['go=my/go (Go) and more', form],
    ['Go=my/go (Go)', form],
    ['=my/go (Go)', form],
    ['go=my go (Go)', form],
    ['go=my/go (Go), rust=my/rust (Rust)', form],
    ['-go=my/go (Go)', form],
    ['default=my/go (Go)', 'must not name «default»: that is SANDBOX_IMAGE'],
    [good, 'must not name «go» twice'],
  ]) {
    assert.deepEqual(parseSandboxImages(`${good}; ${text}`), { problem }, text);
  }
});
