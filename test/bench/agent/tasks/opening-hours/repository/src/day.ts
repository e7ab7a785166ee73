import type { Day, Shop } from './shop.ts';

const hourMs = 3_600_000;

/** The day on which an instant lies. */
export const dayOf = (at: string, _shop: Shop): Day => new Date(at).toISOString().slice(0, 10);

/** From the first instant of a day to the first of the next. */
export const boundsOf = (day: Day, _shop: Shop): { from: number; to: number } => {
  const from = Date.parse(`${day}T00:00:00Z`);
  return { from, to: from + 24 * hourMs };
};

export const dayLengthHours = (shop: Shop, day: Day): number => {
  const { from, to } = boundsOf(day, shop);
  return (to - from) / hourMs;
};
