import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { inAllLocales } from '../src/i18n/all-locales.ts';
import { translate } from '../src/i18n/translate.ts';
import { translatorFor } from '../src/i18n/translator.ts';
import { confirmation } from '../src/mail/confirmation.ts';
import { statusText } from '../src/orders/status.ts';
import { cartPage } from '../src/pages/cart.ts';
import { errorPage } from '../src/pages/error.ts';
import { eventPage } from '../src/pages/event.ts';
import { languageMenu } from '../src/pages/language-menu.ts';
import { navigation } from '../src/pages/navigation.ts';
import { render } from '../src/template.ts';

test('the locale comes first', () => {
  assert.equal(translate('de', 'cart.title', { count: 2 }), '2 Karten');
  assert.equal(translate('de', 'status.open'), 'open');
  assert.equal(translate('de', 'en'), 'Englisch');
  assert.equal(translate('de', 'nowhere'), 'nowhere');
});

test('nothing that users see has changed', () => {
  assert.equal(cartPage('de', [{ row: 1, number: 2 }], 1250), '1 Karten\n- Reihe 1, Platz 2\nSumme 12,50 €');
  assert.equal(cartPage('de', [], 0), 'Ihr Warenkorb ist leer');
  assert.equal(eventPage('de', { title: 'Faust', place: 'Rom' }), '<h1>Faust in Rom</h1>');
  assert.equal(navigation('en'), 'Home | Cart');
  assert.equal(languageMenu('de'), 'Englisch (English), Deutsch (Deutsch)');
  assert.equal(languageMenu('en'), 'English (English), German (Deutsch)');
  assert.equal(errorPage('de', 'sold_out'), 'Ausverkauft');
  assert.equal(errorPage('de', 'nonsense'), 'Something went wrong');
  assert.equal(confirmation('de', 'Ada'), 'Guten Tag Ada,\n\nDanke für Ihre Bestellung.');
  assert.equal(statusText('de', 'paid'), 'bezahlt');
  assert.deepEqual(inAllLocales('cart.title', { count: 1 }), ['1 tickets', '1 Karten']);
  assert.equal(translatorFor('en')('seat', { row: 1, number: 2 }), 'Row 1, seat 2');
});

test('templates and scripts', () => {
  const footer = readFileSync('templates/footer.html', 'utf8');
  assert.equal(
    render(footer, { locale: 'de', brand: 'x' }).trim(),
    '<footer>Start · X · Danke für Ihre Bestellung</footer>',
  );
  assert.match(footer, /translate locale 'nav\.home'/);
  const preview = execFileSync(process.execPath, ['scripts/preview.mjs', 'de'], { encoding: 'utf8' });
  assert.match(preview, /^Guten Tag Ada\nStart \| Warenkorb\n1 Karten\n/);
});

test('the README says it as it is', () => {
  const readme = readFileSync('README.md', 'utf8');
  assert.match(readme, /translate\('de', 'cart\.title', \{ count: 3 \}\)/);
  assert.doesNotMatch(readme, /translate\('cart\.title'/);
});

test('the old order is gone', () => {
  const files = ['src', 'scripts', 'tests'].flatMap((directory) =>
    readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((name) => `${directory}/${name}`),
  );
  const old = files.filter((file) => /\.(ts|mjs)$/.test(file) && /(translate|\bt)\('[a-z]+\.[a-z_]+', (locale|'de'|'en')/.test(readFileSync(file, 'utf8')));
  assert.deepEqual(old, []);
});
