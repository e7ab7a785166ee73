import type { Day, Shop } from './shop.ts';

const hourMs = 3_600_000;
const minuteMs = 60_000;

const formats = new Map<string, Intl.DateTimeFormat>();

const formatOf = ({ timeZone }: Shop): Intl.DateTimeFormat => {
  const known = formats.get(timeZone);
  if (known) return known;
  const made = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
  formats.set(timeZone, made);
  return made;
};

const dayAt = (ms: number, shop: Shop): Day => {
  const parts = Object.fromEntries(formatOf(shop).formatToParts(ms).map(({ type, value }) => [type, value]));
  return `${parts.year}-${parts.month}-${parts.day}`;
};

/** The day on which an instant lies, by the clocks of the shop. */
export const dayOf = (at: string, shop: Shop): Day => dayAt(Date.parse(at), shop);

/** From the first instant of a day to the first of the next. */
export const boundsOf = (day: Day, shop: Shop): { from: number; to: number } => {
  const next = new Date(Date.parse(`${day}T00:00:00Z`) + 24 * hourMs).toISOString().slice(0, 10);
  return { from: startOf(day, shop), to: startOf(next, shop) };
};

/** The first whole minute at which it is this day there: found by halving, since midnight itself may be missing. */
const startOf = (day: Day, shop: Shop): number => {
  const noonUtc = Date.parse(`${day}T12:00:00Z`);
  let before = noonUtc - 36 * hourMs;
  let after = noonUtc + 14 * hourMs;
  while (after - before > minuteMs) {
    const middle = before + Math.floor((after - before) / 2 / minuteMs) * minuteMs;
    if (dayAt(middle, shop) < day) before = middle;
    else after = middle;
  }
  return after;
};

export const dayLengthHours = (shop: Shop, day: Day): number => {
  const { from, to } = boundsOf(day, shop);
  return (to - from) / hourMs;
};
