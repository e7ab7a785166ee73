import { translatorFor } from '../i18n/translator.ts';
import type { Locale } from '../i18n/translate.ts';

export const confirmation = (locale: Locale, name: string): string => {
  const t = translatorFor(locale);
  return `${t('mail.hello', { name })},\n\n${t('mail.thanks')}.`;
};
