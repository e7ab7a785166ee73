import { type Locale, translate, type Values } from './translate.ts';

export type Translator = (key: string, values?: Values) => string;

/** For places that need one language only. */
export const translatorFor =
  (locale: Locale): Translator =>
  (key, values) =>
    translate(key, locale, values);
