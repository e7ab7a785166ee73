import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dayLengthHours } from '../src/day.ts';
import { dailyTotals, salesOn } from '../src/report.ts';

const shop = (timeZone: string) => ({ name: timeZone, timeZone });
const at = (...times: string[]) => times.map((time) => ({ at: time, cents: 100 }));
const days = (timeZone: string, ...times: string[]) => dailyTotals(at(...times), shop(timeZone)).map(({ day }) => day);

test('evening and morning belong to the shop’s own day', () => {
  assert.deepEqual(days('America/New_York', '2026-01-03T01:30:00Z'), ['2026-01-02']);
  assert.deepEqual(days('Asia/Tokyo', '2026-01-02T23:30:00Z'), ['2026-01-03']);
  assert.deepEqual(days('Asia/Kathmandu', '2026-01-02T18:14:59Z', '2026-01-02T18:15:00Z'), ['2026-01-02', '2026-01-03']);
  assert.deepEqual(days('Pacific/Kiritimati', '2025-12-31T10:00:00Z'), ['2026-01-01']);
});

test('the days on which clocks change have 23 and 25 hours', () => {
  assert.equal(dayLengthHours(shop('America/New_York'), '2026-03-08'), 23);
  assert.equal(dayLengthHours(shop('America/New_York'), '2026-11-01'), 25);
  assert.equal(dayLengthHours(shop('Europe/Berlin'), '2026-03-29'), 23);
  assert.equal(dayLengthHours(shop('Australia/Lord_Howe'), '2026-04-05'), 24.5);
  assert.equal(dayLengthHours(shop('Asia/Tokyo'), '2026-03-29'), 24);
});

test('the sales of a day are those that the totals count for it', () => {
  const times = [];
  for (let hour = 0; hour < 96; hour += 0.25) times.push(new Date(Date.UTC(2026, 9, 30) + hour * 3_600_000).toISOString());
  for (const timeZone of ['America/New_York', 'Asia/Tokyo', 'Europe/Berlin', 'America/St_Johns']) {
    for (const { day, sales } of dailyTotals(at(...times), shop(timeZone))) {
      assert.equal(salesOn(at(...times), shop(timeZone), day).length, sales, `${timeZone} ${day}`);
    }
  }
});

test('a day may begin without a midnight', () => {
  // In Beirut clocks go from 24:00 to 01:00.
  assert.equal(dayLengthHours(shop('Asia/Beirut'), '2026-03-29'), 23);
  assert.deepEqual(
    salesOn(at('2026-03-28T21:59:59Z', '2026-03-28T22:00:00Z'), shop('Asia/Beirut'), '2026-03-29').map((sale) => sale.at),
    ['2026-03-28T22:00:00Z'],
  );
});
