import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GitHub } from '../../../server/domain/github.ts';
import type { GitHubOptions } from '../../../server/github/options.ts';
import { startFarEnds } from '../far-ends.ts';
import type { Interceptor } from '../forge/faults.ts';
import { limits } from '../github.ts';
import type { Scenario } from '../model/scenario.ts';
import { assertHeld } from './assert-held.ts';
import type { Combination, Happening, Life } from './combination.ts';
import { live, type Outcome } from './live.ts';
import { repositoryOf } from './requests.ts';
import { createStage } from './stage.ts';
import { askAgent, plainWork, type Work } from './work.ts';
import { closePullRequest, createWorld, moveBase, never, squat, type World } from './world.ts';

/** How long a server waits for an answer: where none comes, as short as a busy machine allows. */
const answerMsMax = (combination: Combination): number => (isSilent(combination) ? 3_000 : 60_000);

/** The far ends of many publishes, each in a repository of its own. */
export type Scene = AsyncDisposable & {
  /** Plays a combination against the forge and asserts what must hold; `create` makes a server’s GitHub port. */
  play(combination: Combination, create: (options: GitHubOptions) => GitHub): Promise<void>;
};

export const openScene = async (): Promise<Scene> => {
  const scenarios: Scenario[] = [];
  await using started = new AsyncDisposableStack();
  const { forge, model } = started.use(await startFarEnds(scenarios));
  const temporaryDirectory = await mkdtemp(join(tmpdir(), 'publish-faults-'));
  started.defer(() => rm(temporaryDirectory, { recursive: true, force: true }));
  const interceptors = new Map<string, Interceptor>();
  forge.intercept((request) => interceptors.get(repositoryOf(request))?.(request));
  const optionsFor = (timeoutMs: number): GitHubOptions => ({
    url: forge.url,
    apiUrl: forge.apiUrl,
    wayOutUrl: 'http://127.0.0.1:3128',
    token: forge.token,
    userAgent: 'tiny-backspace-test',
    temporaryDirectory,
    limits: { ...limits, apiTimeoutMs: timeoutMs, gatewayMs: timeoutMs },
  });
  const owned = started.move();
  let played = 0;

  /** As the agent’s, where no model is asked or it fails: then there are no lives, and nothing is published. */
  const workOf = async ({ model: asked }: Combination, world: World): Promise<Work> => {
    if (asked === undefined) return plainWork;
    const work = askAgent(model, scenarios, world, asked.faults);
    if (asked.ends === 'done') return work;
    await assert.rejects(work, { code: asked.ends });
    return plainWork;
  };

  return {
    async play(combination, create) {
      played += 1;
      const world = await createWorld(forge, `shop-${played}`);
      const work = await workOf(combination, world);
      const options = optionsFor(answerMsMax(combination));
      const outcomes: Outcome[] = [];
      for (const together of roundsOf(combination)) {
        const stage = createStage(
          together.flatMap(({ strikes }) => strikes),
          (what) => happen(what, world, () => live(world, work, create(options), never)),
        );
        interceptors.set(world.repository.fullName, stage.intercept);
        const lives = together.map(() => live(world, work, create(options), stage.died));
        outcomes.push(...(await Promise.all(lives)));
        interceptors.delete(world.repository.fullName);
        assert.deepEqual(stage.left(), [], 'each strike has hit');
      }
      await assertHeld(world, combination, outcomes);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
};

const roundsOf = ({ lives, atOnce = false }: Combination): readonly (readonly Life[])[] =>
  atOnce ? [lives] : lives.map((life) => [life]);

const isSilent = ({ lives }: Combination): boolean =>
  lives.some(({ strikes }) =>
    strikes.some(
      (strike) =>
        'fault' in strike &&
        ('delayMs' in strike.fault ||
          ('afterwards' in strike.fault && strike.fault.afterwards === 'silence')),
    ),
  );

const happen = async (
  what: Happening,
  world: World,
  publishByTwin: () => Promise<Outcome>,
): Promise<void> => {
  switch (what) {
    case 'squatted':
      return squat(world);
    case 'closed':
      return closePullRequest(world);
    case 'base moved on':
      return moveBase(world);
    case 'published by a twin': {
      const { end, message } = await publishByTwin();
      assert.equal(end, 'published', message);
    }
  }
};
