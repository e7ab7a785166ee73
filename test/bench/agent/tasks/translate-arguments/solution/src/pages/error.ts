import { type Locale, translate } from '../i18n/translate.ts';

export const errorPage = (locale: Locale, code: string): string => {
  const key = `error.${code}`;
  const text = translate(locale, key);
  return text === key ? translate(locale, 'error.unknown') : text;
};
