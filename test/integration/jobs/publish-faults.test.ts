import assert, { AssertionError } from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createGitHub } from '../../../server/github/github.ts';
import { combinations } from '../../support/publish-faults/combinations.ts';
import { openScene, type Scene } from '../../support/publish-faults/scene.ts';
import { lookingTooLate, neverLooking } from '../../support/publish-faults/weak-github.ts';
import { sample, startRandom } from '../../support/sample.ts';

/**
 * Whatever goes wrong while a job is published, at the model or at GitHub: production’s own way from the branch to the
 * pull request, over HTTP, and what is on the forge in the end.
 */

const random = startRandom('faults of a publish');

let scene: Scene;
before(async () => {
  scene = await openScene();
});
after(() => scene?.[Symbol.asyncDispose]());

// Most of the time is spent with waits for what does not come.
describe('one branch, one commit, one pull request when', { concurrency: 4 }, () => {
  for (const [group, all] of Object.entries(combinations)) {
    describe(`${group}:`, { concurrency: 4 }, () => {
      for (const combination of sample(all, 3, random)) {
        test(combination.name, () => scene.play(combination, createGitHub));
      }
    });
  }
});

describe('the same assertions catch a server that', { concurrency: 6 }, () => {
  const closedAfterwards = 'published; then again: closed before «create ref»';
  const closedAfterDeath = 'the server dies after «create pull»; then again: closed before «create ref»';
  const secondOne = ({ actual }: AssertionError) => Array.isArray(actual) && actual.length === 2;
  const failure = ({ actual }: AssertionError) => String(actual).endsWith('publish_failed');
  for (const [weakness, create, name, isCaught] of [
    ['does not look for a pull request', neverLooking, closedAfterwards, secondOne],
    ['does not look for a pull request', neverLooking, closedAfterDeath, secondOne],
    ['does not look for a pull request', neverLooking, '«create pull» done, answer lost', failure],
    ['looks only when its own was refused', lookingTooLate, closedAfterwards, secondOne],
    ['looks only when its own was refused', lookingTooLate, closedAfterDeath, secondOne],
  ] as const) {
    test(`${weakness}: ${name}`, async () => {
      const combination = Object.values(combinations)
        .flat()
        .find((each) => each.name === name);
      assert(combination, 'there is such a combination');
      const caught = (thrown: unknown) => thrown instanceof AssertionError && isCaught(thrown);
      await assert.rejects(scene.play(combination, create), caught);
    });
  }
});
