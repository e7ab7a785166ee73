import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noUsage } from '../../../../server/domain/job-event.ts';
import { createRedactor } from '../../../../server/domain/redact.ts';
import { redacted } from '../../../../server/jobs/pull-request/redacted.ts';
import { pullRequestText, type Story } from '../../../../server/jobs/pull-request/text.ts';

const secret = `canary-${'s'.repeat(40)}-end`;

test('a secret that a limit would cut in two is taken out before', () => {
  const { text: redact } = createRedactor([secret]);
  // One of them stands across every limit that cuts the text.
  const giant = `${'.'.repeat(7)}${secret}`.repeat(1_000);
  const run = { status: 'failed' as const, exitCode: 1, durationMs: 1, output: giant, reason: giant };
  const story: Story = {
    job: { id: 'job-1', request: { repository: { owner: 'octo', name: 'books' }, prompt: giant } },
    answer: { title: 'Mend it', description: '', summary: '', commands: [] },
    changeset: { files: [], leftOut: [] },
    baseFiles: new Map(),
    evidence: {
      checks: [
        { command: giant, before: run, after: run, afterWithBaseFiles: run, verdict: 'broken_before' },
      ],
      ...{ checksFrom: 'request', definitionsChanged: [], weakened: [] },
      ...{ tree: 'a'.repeat(40), image: 'default', setup: [giant], notes: [giant] },
    },
    denials: { total: 0, distinct: [] },
    usage: noUsage,
    model: 'claude-opus-5-5',
  };
  assert.match(pullRequestText(story).body, /sss/);
  assert.doesNotMatch(pullRequestText(redacted(story, redact)).body, /sss|canary/);
});
