import { type Locale, translate, type Values } from './translate.ts';

export const locales: readonly Locale[] = ['en', 'de'];

/** A text in each language, for the search index. */
export const inAllLocales = (...[key, values]: [string, Values?]): string[] =>
  locales.map((locale) => {
    const args: [Locale, string, Values?] = [locale, key, values];
    return translate(...args);
  });
