import { endsInHeading } from './heading.ts';

/**
 * Cuts a text that arrives in deltas into pieces that people like to read: at a blank line, or at the end of a
 * sentence or line once a piece is long. Where it cuts depends on the text only, never on how the deltas cut it, so
 * that the same text again gives the same pieces.
 */
export type Pieces = {
  add(text: string): void;
  /** The text is complete: what is left is a piece, too. */
  end(): void;
  /** The text will not be completed: what is left is dropped. */
  drop(): void;
};

/** From here on the end of a sentence is a good place to cut. */
const longCharacters = 600;
/** Nothing waits for a better place any longer. */
const pieceCharactersMax = 4000;

export const createPieces = (onPiece: (text: string) => void): Pieces => {
  let rest = '';
  const give = (text: string) => {
    if (text.trim() !== '') onPiece(text.trimEnd());
  };
  return {
    add: (text) => {
      rest = withoutBlankLines(rest + text);
      for (let cut = placeToCut(rest); cut > 0; cut = placeToCut(rest)) {
        give(rest.slice(0, cut));
        rest = withoutBlankLines(rest.slice(cut));
      }
    },
    end: () => {
      give(rest);
      rest = '';
    },
    drop: () => {
      rest = '';
    },
  };
};

/** 0 when the text should rather grow. */
const placeToCut = (text: string): number => {
  const window = text.slice(0, pieceCharactersMax);
  for (const match of window.matchAll(/\n[ \t]*\n|\n|[.!?](?: |(?=\s))/g)) {
    const end = match.index + match[0].length;
    const isParagraph = /^\n.*\n$/.test(match[0]);
    if (!isParagraph && end < longCharacters) continue;
    const before = window.slice(0, end);
    if (!endsInCode(before) && !endsInHeading(before)) return end;
  }
  if (text.length < pieceCharactersMax) return 0;
  const space = window.lastIndexOf(' ');
  return space > longCharacters ? space + 1 : wholeCharacters(window);
};

/** A code block cut in two would be shown as two broken ones. */
const endsInCode = (text: string): boolean => (text.match(/^[ \t]*```/gm)?.length ?? 0) % 2 === 1;

const withoutBlankLines = (text: string): string => text.replace(/^\s*\n/, '');

/** Not in the middle of a character that takes two code units. */
const wholeCharacters = (text: string): number => (text.isWellFormed() ? text.length : text.length - 1);
