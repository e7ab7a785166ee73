import { after, before, describe, test } from 'node:test';
import { type CrashSite, nameOf, openCrashSite, planCrashes } from '../support/crash/crash.ts';
import { startRandom, times } from '../support/sample.ts';

/** A part of what `npm run test:crash` does. */
const crashes = planCrashes(times(8, 150), startRandom('crashes'));

let site: CrashSite;
before(async () => {
  site = await openCrashSite();
});
after(() => site?.[Symbol.asyncDispose]());

describe('a job ends once, with one branch, one commit and one pull request, when its server is struck', () => {
  for (const crash of crashes) test(`at ${nameOf(crash)}`, () => site.run(crash));
});
