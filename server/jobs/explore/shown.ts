import { withoutHidden } from '../../domain/visible-text.ts';

/**
 * A path or a word of the repository, fit to be shown in one line: what nobody would see, what turns text around and what
 * would begin a new line is shown as `�`. It is cut to a length at which a line can still be read.
 */
export const shown = (text: string, charactersMax = 80): string => {
  const visible = withoutHidden(text, '�').replace(/[\n\t]/g, '�');
  const characters = [...visible.slice(0, 2 * charactersMax)];
  return characters.length <= charactersMax && visible.length <= 2 * charactersMax
    ? visible
    : `${characters.slice(0, charactersMax - 1).join('')}…`;
};

/** Whether the path can be shown, and named in a command, as it is. */
export const isPlainPath = (path: string): boolean => /^(?![-/])[\w@+./-]+$/.test(path);

/** Lines of the repository's text, without what nobody would see: hidden characters are how text speaks to a model alone. */
export const visibleLines = (text: string): string =>
  withoutHidden(text.replace(/\r\n?|[\u0085\u2028\u2029\v\f]/g, '\n'));
