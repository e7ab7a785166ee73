import { type Locale, translate } from './i18n/translate.ts';

const helpers: Record<string, (...args: string[]) => string> = {
  translate: (locale = 'en', key = '') => translate(locale as Locale, key),
  upper: (text = '') => text.toUpperCase(),
};

/** Fills in `{{ helper 'argument' argument }}`; an argument without quotes is a variable. */
export const render = (template: string, variables: Readonly<Record<string, string>>): string =>
  template.replace(/\{\{\s*(\w+)((?:\s+(?:'[^']*'|\w+))*)\s*\}\}/g, (_, helper: string, list: string) => {
    const args = [...list.matchAll(/'([^']*)'|(\w+)/g)].map(([, text, name]) => text ?? variables[name ?? ''] ?? '');
    return helpers[helper]?.(...args) ?? '';
  });
