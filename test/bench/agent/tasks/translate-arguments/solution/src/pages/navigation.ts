import { type Locale, translate } from '../i18n/translate.ts';

const entries = ['nav.home', 'nav.cart'];

export const navigation = (locale: Locale): string =>
  entries.map((key) => translate(locale, key)).join(' | ');
