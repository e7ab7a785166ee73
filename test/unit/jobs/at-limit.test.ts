import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CheckEvidence, CheckVerdict, Evidence } from '../../../server/domain/checks/evidence.ts';
import { atLimit, endAtLimit } from '../../../server/jobs/at-limit.ts';

const run = (status: 'passed' | 'failed') => ({ status, exitCode: 0, durationMs: 1, output: '' });
const check = (verdict: CheckVerdict, withBaseFiles?: 'passed' | 'failed'): CheckEvidence => ({
  ...{ command: 'npm test', before: run('passed'), after: run('passed'), verdict },
  ...(withBaseFiles && { afterWithBaseFiles: run(withBaseFiles) }),
});
const evidence = (...checks: CheckEvidence[]): Evidence => ({
  ...{ checks, checksFrom: 'request', definitionsChanged: [], weakened: [] },
  ...{ tree: 'a'.repeat(40), image: 'default', setup: [], notes: [] },
});

test('work that a limit has ended becomes a draft without being asked for only if every check passes', () => {
  const decided: [becomes: 'draft' | 'patch', evidence: Evidence | undefined][] = [
    ['patch', undefined],
    ['patch', evidence()],
    ['draft', evidence(check('passed'))],
    ['draft', evidence(check('passed'), check('fixed', 'passed'))],
    ['patch', evidence(check('passed'), check('broken'))],
    ['patch', evidence(check('broken_before'))],
    ['patch', evidence(check('passed'), check('could_not_run'))],
    ['patch', evidence(check('passed', 'failed'))],
  ];
  for (const [becomes, found] of decided) {
    assert.equal(atLimit(undefined, found), becomes, JSON.stringify(found?.checks));
    assert.equal(atLimit('draft', found), 'draft');
    assert.equal(atLimit('patch', found), 'patch');
  }
});

const message = 'The model was not done after 3 turns, which is the limit.';
const incomplete = { code: 'turn_limit', message } as const;
const files = [{ status: 'deleted', path: 'a.js' }] as const;
const refused = {
  ...{ code: 'turn_limit', message },
  whatToDo:
    'The work so far is at GET /jobs/:id/patch; ask for less in one job, or raise «limits.turns» or AGENT_TURNS_MAX.',
};

test('a job ends with the error of its limit when its work is to be a patch, or there is none', () => {
  assert.throws(() => endAtLimit({ incomplete }, { files }, { onLimit: 'patch' }, undefined), refused);
  assert.throws(() => endAtLimit({ incomplete }, { files }, {}, undefined), refused);
  assert.throws(() => endAtLimit({ incomplete }, { files: [] }, { onLimit: 'draft' }, undefined), refused);
});

test('a job goes on when its work is to be a draft, and when no limit has ended it', () => {
  endAtLimit({ incomplete }, { files }, { onLimit: 'draft' }, undefined);
  endAtLimit({ incomplete }, { files }, {}, evidence(check('passed')));
  assert.doesNotThrow(() => endAtLimit({}, { files: [] }, { onLimit: 'patch' }, undefined));
});
