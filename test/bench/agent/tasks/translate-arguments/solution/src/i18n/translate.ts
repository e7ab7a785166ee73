import { readFileSync } from 'node:fs';

export type Locale = 'en' | 'de';
export type Values = Readonly<Record<string, string | number>>;

const textsOf = (locale: Locale): Record<string, string> =>
  JSON.parse(readFileSync(new URL(`../../locales/${locale}.json`, import.meta.url), 'utf8'));

const texts: Record<Locale, Record<string, string>> = { en: textsOf('en'), de: textsOf('de') };

/** A key that a language lacks is taken from English, and one that nobody knows is shown as it is. */
export const translate = (locale: Locale, key: string, values: Values = {}): string =>
  (texts[locale]?.[key] ?? texts.en[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
