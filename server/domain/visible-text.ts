/**
 * Without the characters that nobody sees, and those that turn the text around them: they hide words from people, or
 * speak to a model alone. Newline and tab stay, and what makes a sign behind which it stands a coloured one.
 */
export const withoutHidden = (text: string, instead = ''): string => text.replace(hidden, instead);

/**
 * Controls, formats, halves of characters, other kinds of line ends; all that Unicode says is shown as nothing, as
 * variation selectors, fillers and tags; and the one sign of Braille that has no dots.
 */
const hidden =
  /[[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]--[\n\t\uFE0F]]|(?<!\p{Extended_Pictographic}|[\d#*](?=\uFE0F\u20E3))\uFE0F/gv;

/** In one line, without what is hidden. */
export const oneLine = (text: string): string =>
  withoutHidden(text.replace(/[\s\p{Cc}]+/gu, ' '))
    .replace(/ {2,}/g, ' ')
    .trim();

/** At most so many characters, the mark that tells of a cut included. */
export const cut = (text: string, charactersMax: number, mark = '…'): string =>
  text.length <= charactersMax ? text : `${beginningOf(text, charactersMax - mark.length)}${mark}`;

/** At most so many characters, none of which is half of one that takes two code units. */
export const beginningOf = (text: string, charactersMax: number): string =>
  text.slice(0, Math.max(charactersMax, 0)).replace(/[\uD800-\uDBFF]$/, '');

export const endOf = (text: string, charactersMax: number): string =>
  charactersMax <= 0 ? '' : text.slice(-charactersMax).replace(/^[\uDC00-\uDFFF]/, '');
