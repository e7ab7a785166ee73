import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type CrashSite, openCrashSite } from '../support/crash/crash.ts';
import { type Crash, nameOf, planCrashes, ways } from '../support/crash/plan.ts';
import { points } from '../support/crash/points.ts';
import { type Weakness, weakenServer } from '../support/crash/weakened-server.ts';
import { sample, startRandom, times } from '../support/sample.ts';

const random = startRandom('crashes');
/** A part of what `npm run test:crash` does. */
const crashes = planCrashes(times(2, 150), random);

let site: CrashSite;
before(async () => {
  site = await openCrashSite();
});
after(() => site?.[Symbol.asyncDispose]());

describe('a job ends once, with one branch, one commit and one pull request, when its server is struck', () => {
  for (const crash of crashes) test(`at ${nameOf(crash)}`, () => site.run(crash));
});

const crashAt = (name: string, way: Crash['way'] = ways[0]): Crash => {
  const point = points.find((one) => one.name === name) ?? assert.fail(name);
  return { point, nth: 1, way, again: point };
};

const weak: [what: string, weakness: Weakness, crash: Crash, caughtBy: RegExp][] = [
  [
    'forgets what was said and done',
    {
      file: 'server/store/held-job.ts',
      code: 'entries: entries.map(({ entry }) => entry),',
      instead: 'entries: [],',
    },
    crashAt('«event Tool: Write», which lands'),
    /a command ran twice/,
  ],
  [
    'tells a step each time it is done',
    {
      file: 'server/jobs/without-repeats.ts',
      code: 'if (once.has(fact.type) && types.has(fact.type)) return;',
      instead: '',
    },
    crashAt('«event PR: Created», which lands'),
    /told twice/,
  ],
  [
    'makes another commit each time',
    {
      file: 'server/jobs/publish.ts',
      code: 'Math.floor(Date.parse(job.createdAt) / 1000)',
      instead: 'Math.floor(Date.now() / 1000)',
    },
    crashAt('after the commit is pushed'),
    /branch_squatted/,
  ],
];

describe('the same assertions catch a server that', () => {
  for (const [what, weakness, crash, caughtBy] of sample(weak, 1, random)) {
    test(`${what}, struck at ${nameOf(crash)}`, async () => {
      await using server = await weakenServer(weakness);
      await using weakened = await openCrashSite(server.program);
      const failure = await weakened.run(crash).then(
        () => undefined,
        (error: Error) => error,
      );
      assert.match(String(failure?.cause ?? 'it was not caught'), caughtBy);
    });
  }
});
