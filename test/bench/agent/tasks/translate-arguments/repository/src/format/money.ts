import type { Locale } from '../i18n/translate.ts';

export const money = (locale: Locale, cents: number): string =>
  locale === 'de' ? `${(cents / 100).toFixed(2).replace('.', ',')} €` : `€${(cents / 100).toFixed(2)}`;
