import assert from 'node:assert/strict';
import type { Random } from '../sample.ts';
import { type Point, points } from './points.ts';

/** What becomes of the job when its server is struck. */
export const ways = [
  'its server starts again',
  'its server starts again, and is struck once more',
  'another server is there',
  'its server only sleeps, and another one is there',
] as const;
export type Way = (typeof ways)[number];

export type Crash = { point: Point; nth: number; way: Way; again: Point };

/** A server that is just starting holds nothing yet: what it writes by then cannot be told from what it writes later. */
const laterPoints = points.filter(({ name }) => !/«(job accepted|claim|lease renewed)»/.test(name));

/** So many crashes, each point and way as often as the others, in an order of chance. */
export const planCrashes = (count: number, random: Random): Crash[] => {
  const shuffled = [...points.keys()].map((index) => ({ index, place: random() }));
  shuffled.sort((a, b) => a.place - b.place);
  const from = Math.floor(random() * ways.length);
  return Array.from({ length: count }, (_, run) => {
    const point = points[shuffled[run % points.length]?.index ?? 0] ?? assert.fail();
    return {
      point,
      nth: 1 + Math.floor(random() * point.times),
      way: ways[(from + run + Math.floor(run / points.length)) % ways.length] ?? ways[0],
      again: laterPoints[Math.floor(random() * laterPoints.length)] ?? assert.fail(),
    };
  });
};

export const nameOf = ({ point, nth, way, again }: Crash): string => {
  const where = point.times > 1 ? `${point.name} (${nth})` : point.name;
  return `${where}: ${way}${way === ways[1] ? ` ${again.name}` : ''}`;
};
