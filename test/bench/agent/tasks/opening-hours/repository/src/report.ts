import { boundsOf, dayOf } from './day.ts';
import type { Day, Sale, Shop } from './shop.ts';

export type Row = { day: Day; sales: number; cents: number };

export const dailyTotals = (sales: readonly Sale[], shop: Shop): Row[] => {
  const rows = new Map<Day, Row>();
  for (const sale of sales) {
    const day = dayOf(sale.at, shop);
    const row = rows.get(day) ?? { day, sales: 0, cents: 0 };
    rows.set(day, { day, sales: row.sales + 1, cents: row.cents + sale.cents });
  }
  return [...rows.values()].sort((a, b) => (a.day < b.day ? -1 : 1));
};

export const salesOn = (sales: readonly Sale[], shop: Shop, day: Day): Sale[] => {
  const { from, to } = boundsOf(day, shop);
  return sales.filter(({ at }) => Date.parse(at) >= from && Date.parse(at) < to);
};
