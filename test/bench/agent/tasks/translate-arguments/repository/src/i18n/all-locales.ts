import { type Locale, translate, type Values } from './translate.ts';

export const locales: readonly Locale[] = ['en', 'de'];

/** A text in each language, for the search index. */
export const inAllLocales = (...[key, values]: [string, Values?]): string[] =>
  locales.map((locale) => {
    const args: [string, Locale, Values?] = [key, locale, values];
    return translate(...args);
  });
