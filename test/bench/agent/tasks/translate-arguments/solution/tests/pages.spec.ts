import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cartPage } from '../src/pages/cart.ts';
import { eventPage } from '../src/pages/event.ts';
import { navigation } from '../src/pages/navigation.ts';
import { translate } from '../src/i18n/translate.ts';

test('texts come with their values', () => {
  assert.equal(translate('de', 'cart.title', { count: 2 }), '2 Karten');
  assert.equal(translate('de', 'status.open'), 'open');
});

test('pages speak the language of the visitor', () => {
  assert.equal(navigation('de'), 'Start | Warenkorb');
  assert.equal(cartPage('en', [], 0), 'Your cart is empty');
  assert.equal(eventPage('en', { title: 'Faust', place: 'Rome' }), '<h1>Faust at Rome</h1>');
});
