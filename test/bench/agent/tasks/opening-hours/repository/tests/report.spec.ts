import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dayLengthHours } from '../src/day.ts';
import { dailyTotals, salesOn } from '../src/report.ts';
import { asText } from '../src/text.ts';

const london = { name: 'London', timeZone: 'Europe/London' };
const sales = [
  { at: '2026-01-02T10:00:00Z', cents: 250 },
  { at: '2026-01-01T23:59:59Z', cents: 100 },
  { at: '2026-01-02T00:00:00Z', cents: 300 },
];

test('sales are added up by day', () => {
  const rows = dailyTotals(sales, london);
  assert.equal(asText(rows), '2026-01-01     1  1.00\n2026-01-02     2  5.50');
  assert.equal(salesOn(sales, london, '2026-01-02').length, 2);
});

test('a day has 24 hours', () => {
  assert.equal(dayLengthHours(london, '2026-01-02'), 24);
});
