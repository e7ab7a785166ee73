import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { requireDocker } from '../support/docker.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** As `npm run demo` does after the set-up, by somebody who has set nothing. */
const runDemo = (...words: string[]): Promise<{ exitCode: number; output: string }> =>
  new Promise((resolve) => {
    // Empty keys go before those that a developer may have in .env: no test may run a job on github.com.
    const keys = { ANTHROPIC_API_KEY: '', GITHUB_TOKEN: '' };
    const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...keys };
    const options = { cwd: root, env, timeout: 110_000, maxBuffer: 16 << 20 };
    execFile(process.execPath, ['test/demo/demo.ts', ...words], options, (error, stdout, stderr) => {
      resolve({
        exitCode: typeof error?.code === 'number' ? error.code : error ? -1 : 0,
        output: stdout + stderr,
      });
    });
  });

test('the demo says what is not real, streams a job, and shows the pull request with its diff', async () => {
  await requireDocker();
  const { exitCode, output } = await runDemo();
  assert.equal(exitCode, 0, output.slice(-2_000));
  const opening = output.split('\n').slice(0, 6).join('\n');
  assert.match(opening, /needs no keys/);
  assert.match(opening, /GitHub is a local forge/);
  assert.match(opening, /SCENARIO FILE \(test\/support\/scenarios\/add-validation\.ts\): no live model/);
  assert.match(output, /\n\$ curl -N http:\/\/127\.0\.0\.1:\d+\/code /);
  assert.match(output, /\ndata: \{"type":"Result","status":"succeeded"/);
  const [, shown = ''] = output.split(/\n─+\nPull request /);
  assert.match(shown, /^http:\/\/127\.0\.0\.1:\d+\/acme\/page-turners\/pull\/1\n/);
  assert.match(shown, /\n# Validate the bodies of all POST endpoints\n\nBad requests used to end in/);
  assert.match(
    shown,
    /\n## Checks\n\nThe server itself ran what the base commit’s manifests show, in fresh sandboxes /,
  );
  assert.match(
    shown,
    /\n\| `npm test` \| passed before and after \| exit code 0, [^|]+ \| exit code 0, [^|]+ \|/,
  );
  assert.match(shown, /\nChecked tree: `[0-9a-f]{40}`, that of this pull request’s commit, /);
  assert.match(shown, /\nMade by Tiny Backspace, job `[0-9a-f]{16}` · model [^\n]*\n/);
  assert.match(shown, /\ndiff --git a\/src\/validation\.js b\/src\/validation\.js\nnew file mode 100644\n/);
});

test('a job on github.com without keys is not begun; the demo says what to set', async () => {
  const { exitCode, output } = await runDemo('https://github.com/acme/books', 'Mend it');
  assert.equal(exitCode, 1);
  assert.match(output, /set ANTHROPIC_API_KEY and GITHUB_TOKEN/);
  assert.match(output, /npm run demo -- https:\/\/github\.com\/owner\/name "What to change"/);
  assert.doesNotMatch(output, /curl/);
});
