import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startJobBench } from '../support/job-bench.ts';
import { call, say } from '../support/model/scenario.ts';

test('what a sandbox is refused is told in the stream, in the result, in the pull request and to the command', async () => {
  // The local forge is as little github.com as an Enterprise server is.
  await using bench = await startJobBench(() => ({ EGRESS_ALLOW_PRIVATE: 'true' }));
  const repository = await bench.forge.createRepository('acme/curious', {
    files: { 'README.md': '# Curious\n' },
  });
  const command = 'for i in 1 2 3; do curl --silent --show-error https://evil.example/x; done';
  const { events, last } = await bench.run({
    repository,
    turns: [
      { reply: [say('I look elsewhere.'), call('bash', { command })] },
      {
        expect: /CONNECT tunnel failed, response 403/,
        reply: [call('write', { filepath: 'NOTES.md', content: 'Nothing there.\n' })],
      },
      { expect: /^Wrote NOTES\.md/, reply: [say('Add notes\n\nOne line of them.')] },
    ],
  });

  const reason = 'The host is not allowed.';
  assert.deepEqual(
    events.filter(({ type }) => type === 'Egress: Denied').map(({ id: _, at: __, ...fact }) => fact),
    [
      {
        type: 'Egress: Denied',
        host: 'evil.example',
        port: 443,
        reason,
        howToAllow: 'Add evil.example to EGRESS_ALLOW on the server.',
      },
    ],
  );
  assert.partialDeepStrictEqual(last, {
    type: 'Result',
    status: 'succeeded',
    egressDenied: { total: 3, hosts: [{ host: 'evil.example', port: 443, reason, count: 3 }] },
  });
  const [pullRequest] = bench.forge.pullRequests('acme/curious');
  const body = pullRequest?.body ?? '';
  assert.ok(body.includes(`- \`evil.example:443\`: ${reason} (3 times)`), body);
});
