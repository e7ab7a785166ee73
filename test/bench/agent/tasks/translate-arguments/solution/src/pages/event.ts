import * as i18n from '../i18n/translate.ts';

export const eventPage = (locale: i18n.Locale, event: { title: string; place: string }): string =>
  `<h1>${i18n.translate(locale, 'event.at', event)}</h1>`;
