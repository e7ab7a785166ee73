import { type Locale, translate } from '../i18n/translate.ts';

export const errorPage = (locale: Locale, code: string): string => {
  const key = `error.${code}`;
  const text = translate(key, locale);
  return text === key ? translate('error.unknown', locale) : text;
};
