import { locales } from '../i18n/all-locales.ts';
import { type Locale, translate } from '../i18n/translate.ts';

/** Each language by its name in the language of the page, and in its own. */
export const languageMenu = (locale: Locale): string =>
  locales.map((other) => `${translate(other, locale)} (${translate(other, other)})`).join(', ');
