import type { Fault } from '../forge/faults.ts';
import type { Combination, End, Happening, Life, Strike } from './combination.ts';
import { doneUnheard, limited, modelFaults, notDone, notShownYet, unanswered } from './mishaps.ts';
import type { RequestName } from './requests.ts';

/** With how the life ends that it strikes. */
type NamedStrike = { name: string; strike: Strike; ends: End };

const fault = (at: RequestName, name: string, how: Fault, nth = 1, ends: End = 'published'): NamedStrike => ({
  name: `${nth === 1 ? '' : 'the next '}«${at}» ${name}`,
  strike: { at, nth, fault: how },
  ends,
});

const faults = (at: RequestName, kinds: Record<string, Fault>, nth?: number, ends?: End): NamedStrike[] =>
  Object.entries(kinds).map(([name, how]) => fault(at, name, how, nth, ends));

/** What a rate limit refuses fails the job, which says when to send it again; everything else is mended. */
const limitedAt = (at: RequestName, nth?: number) => faults(at, limited, nth, 'github_failed');

const writeFaults = (at: RequestName) => [...faults(at, { ...notDone, ...doneUnheard }), ...limitedAt(at)];

const readFaults = (at: RequestName, nth?: number) => [
  ...faults(at, { ...notDone, ...unanswered }, nth),
  ...limitedAt(at, nth),
];

/** For a look at what is there already: it may also show what was a moment ago. */
const lookFaults = (at: 'get ref' | 'list pulls', nth?: number) => [
  ...readFaults(at, nth),
  fault(at, 'not up to date', notShownYet[at], nth),
];

const before = (at: RequestName, what: Happening, ends: End = 'published', nth = 1): NamedStrike => ({
  name: `${what} before ${nth === 1 ? '' : 'the next '}«${at}»`,
  strike: { at, nth, meanwhile: what },
  ends,
});

const death = (when: 'before' | 'after', at: RequestName): NamedStrike => ({
  name: `the server dies ${when} «${at}»`,
  strike: { at, dies: when },
  ends: 'dead',
});

const lifeOf = (strikes: readonly NamedStrike[]): Life => ({
  strikes: strikes.map(({ strike }) => strike),
  ends: strikes.find(({ ends }) => ends !== 'published')?.ends ?? 'published',
});

/** Each list of strikes is a life. */
const combine = (...lives: readonly (readonly NamedStrike[])[]): Combination => ({
  name: lives.map((strikes) => wordsOf(strikes) || 'published').join('; then again: '),
  lives: lives.map(lifeOf),
});

const wordsOf = (strikes: readonly NamedStrike[]): string => strikes.map(({ name }) => name).join(', ');

const writes = ['create ref', 'push', 'create pull'] as const;
const atFirst = [
  ...writes.flatMap(writeFaults),
  ...(['list branches', 'list pulls'] as const).flatMap((at) => readFaults(at)),
];

const once = atFirst.map((strike) => combine([strike]));
const repeated = atFirst.map((strike) => combine([strike], []));

/** Here GitHub is also asked for what is there already. */
const struckInTheRepetition = [
  ...[...faults('create ref', notDone), ...limitedAt('create ref')],
  ...[...lookFaults('get ref'), ...readFaults('list branches')],
  ...[...lookFaults('list pulls'), ...readFaults('get pull')],
].map((strike) => combine([], [strike]));

/** A change is made and nobody hears of it, and the look that follows goes wrong, too. */
const struckWhileLooking = [
  { write: 'create ref', looks: lookFaults('get ref') },
  { write: 'push', looks: readFaults('list branches', 2) },
  { write: 'create pull', looks: [...lookFaults('list pulls', 2), ...readFaults('get pull')] },
].flatMap(({ write, looks }) =>
  faults(write as RequestName, doneUnheard).flatMap((strike) => looks.map((look) => combine([strike, look]))),
);

const deaths = writes.flatMap((at) => [death('before', at), death('after', at)]);
const died = [
  ...deaths.map((first) => combine([first], [])),
  // What is there already is not asked for again: the second life can only die later than the first.
  ...deaths.flatMap((first, index) =>
    deaths.slice(index + 1).map((second) => combine([first], [second], [])),
  ),
  ...deaths.flatMap((first) => faults('list pulls', notDone).map((strike) => combine([first], [strike]))),
];

/** Somebody else’s commit comes to the job’s branch, at whichever moment. */
const squatted = [
  ...(['create ref', 'list branches', 'push'] as const).map((at) => [
    before(at, 'squatted', 'branch_squatted'),
  ]),
  ...faults('create ref', notDone).map((strike) => [
    strike,
    before('create ref', 'squatted', 'branch_squatted', 2),
  ]),
  ...faults('create ref', doneUnheard).map((strike) => [
    strike,
    before('get ref', 'squatted', 'branch_squatted'),
  ]),
  ...faults('push', { ...notDone, ...doneUnheard }).map((strike) => [
    strike,
    before('list branches', 'squatted', 'branch_squatted', 2),
  ]),
].flatMap((strikes) => [
  combine(strikes),
  combine(strikes, [before('create ref', 'base moved on', 'branch_squatted')]),
]);

/** A person closes the pull request, at whichever moment. */
const closed = [
  ...faults('create pull', doneUnheard).flatMap((strike) => [
    combine([strike, before('list pulls', 'closed', 'published', 2)]),
    combine([strike, before('get pull', 'closed')]),
  ]),
  ...[
    [],
    ...faults('create ref', notDone).map((strike) => [strike]),
    ...faults('get ref', notDone).map((strike) => [strike]),
    ...faults('list pulls', notDone).map((strike) => [strike]),
    ...faults('get pull', notDone).map((strike) => [strike]),
  ].map((strikes) => combine([], [before('create ref', 'closed'), ...strikes])),
  ...(['create ref', 'list pulls', 'get pull'] as const).map((at) =>
    combine([death('after', 'create pull')], [before(at, 'closed')]),
  ),
];

/** A server that was taken for dead publishes the job, too. */
const twins = [
  ...(['create ref', 'list branches', 'push', 'list pulls', 'create pull'] as const).flatMap((at) => [
    combine([before(at, 'published by a twin')]),
    combine([before(at, 'published by a twin'), before('get pull', 'closed')]),
  ]),
  combine([
    before('create pull', 'published by a twin'),
    fault('list pulls', 'not up to date', notShownYet['list pulls'], 2),
  ]),
  ...[
    [],
    ...writes.flatMap((at) => faults(at, { ...notDone, ...doneUnheard })).map((strike) => [strike]),
  ].map(
    (strikes): Combination => ({
      ...combine(strikes, []),
      name: `two servers at once${strikes.length === 0 ? '' : `, ${wordsOf(strikes)}`}`,
      atOnce: true,
    }),
  ),
];

const modelStruck = Object.entries(modelFaults).flatMap(([name, how]): Combination[] => {
  const publishes = [
    combine([]),
    ...faults('create ref', notDone).map((strike) => combine([strike])),
    ...faults('push', doneUnheard).map((strike) => combine([strike])),
    ...faults('create pull', doneUnheard).map((strike) => combine([strike])),
  ];
  return [
    ...publishes.map((publish) => ({
      name: `the model: ${name}; ${publish.name}`,
      model: { faults: { first: [how], second: [how] }, ends: 'done' as const },
      lives: publish.lives,
    })),
    {
      name: `the model, again and again: ${name}`,
      model: { faults: { first: [], second: [how, how, how] }, ends: 'model_failed' },
      lives: [],
    },
  ];
});

export const combinations = {
  'a fault': once,
  'a fault, and everything once more': repeated,
  'everything once more, with a fault': struckInTheRepetition,
  'a fault, and another one at the look that follows': struckWhileLooking,
  'the server dies': died,
  'somebody takes the branch': squatted,
  'somebody closes the pull request': closed,
  'another server does the same': twins,
  'the model fails, too': modelStruck,
} as const satisfies Record<string, readonly Combination[]>;
