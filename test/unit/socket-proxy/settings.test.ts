import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from '../../../server/config.ts';
import { readSettings, SettingsError } from '../../../server/socket-proxy/settings.ts';

test('without any setting the proxy admits what the server asks for without any setting', () => {
  const config = readConfig({ ANTHROPIC_API_KEY: 'test-key-1', GITHUB_TOKEN: 'test-key-2' });
  const megabyte = 1 << 20;
  assert.deepEqual(readSettings({}), {
    listen: 'unix:///run/backspace/docker.sock',
    engineSocket: '/var/run/docker.sock',
    bounds: {
      images: [config.SANDBOX_IMAGE],
      runtime: config.SANDBOX_RUNTIME,
      memoryBytesMax: config.SANDBOX_MEMORY_MB * megabyte,
      cpusMax: config.SANDBOX_CPUS,
      pidsMax: config.SANDBOX_PIDS_MAX,
      processesMax: config.SANDBOX_PROCESSES_MAX,
      openFilesMax: config.SANDBOX_OPEN_FILES_MAX,
      workspaceBytesMax: config.SANDBOX_WORKSPACE_MB * megabyte,
      homeBytesMax: config.SANDBOX_HOME_MB * megabyte,
      tmpBytesMax: config.SANDBOX_TMP_MB * megabyte,
      orphanSecondsMax: config.SANDBOX_ORPHAN_SECONDS,
    },
  });
});

test('empty settings count as not set, and several images may be named', () => {
  const { bounds, listen } = readSettings({
    SANDBOX_MEMORY_MB: '',
    SANDBOX_IMAGE: 'a/b:1, c/d@sha256:00',
    SOCKET_PROXY_LISTEN: 'tcp://127.0.0.1:2375',
  });
  assert.deepEqual(
    { images: bounds.images, memoryBytesMax: bounds.memoryBytesMax, listen },
    { images: ['a/b:1', 'c/d@sha256:00'], memoryBytesMax: 2 ** 31, listen: 'tcp://127.0.0.1:2375' },
  );
});

test('the images that a job may choose are admitted beside the default one, as the server reads them', () => {
  const given = { SANDBOX_IMAGES: 'go=my/sandbox-go:1.26 (Go 1.26); rust=my/rust@sha256:0a (Rust)' };
  const config = readConfig({ ANTHROPIC_API_KEY: 'test-key-1', GITHUB_TOKEN: 'test-key-2', ...given });
  const images = [config.SANDBOX_IMAGE, 'my/sandbox-go:1.26', 'my/rust@sha256:0a'];
  assert.deepEqual(readSettings(given).bounds.images, images);
  assert.deepEqual(
    [config.SANDBOX_IMAGE, ...config.SANDBOX_IMAGES.map(({ reference }) => reference)],
    images,
  );
});

test('all that is wrong with the settings is said at once', () => {
  const wrong = {
    SOCKET_PROXY_LISTEN: 'https://x',
    SOCKET_PROXY_ENGINE: 'tcp://127.0.0.1:2375',
    SANDBOX_IMAGE: ' , ',
    SANDBOX_IMAGES: 'go=my/go',
    SANDBOX_MEMORY_MB: '0',
    SANDBOX_CPUS: 'many',
  };
  assert.throws(
    () => readSettings(wrong),
    (error) => {
      assert.ok(error instanceof SettingsError);
      const named = error.message
        .split('\n')
        .flatMap((line) => /^ {2}([A-Z_]+): .+; it is .+\.$/.exec(line)?.[1] ?? []);
      assert.deepEqual(named, Object.keys(wrong));
      return true;
    },
  );
});
