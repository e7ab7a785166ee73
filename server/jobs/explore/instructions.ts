import { beginningOf } from '../../domain/visible-text.ts';
import { visibleLines } from './shown.ts';

const fileCharactersMax = 8_000;
const charactersMax = 20_000;
/** Less than this says nothing any more. */
const charactersMin = 200;

/** The repository’s words on how to work there, each cut to size at the end of a line; an empty file says nothing. */
export const instructionsOf = (
  texts: ReadonlyMap<string, string>,
  paths: readonly string[],
): { instructions: { path: string; text: string }[]; notes: string[] } => {
  const instructions: { path: string; text: string }[] = [];
  const notes: string[] = [];
  let left = charactersMax;
  for (const path of paths) {
    const whole = visibleLines(texts.get(path) ?? '').trim();
    if (whole === '') continue;
    const most = Math.min(fileCharactersMax, left);
    const text = whole.length <= most ? whole : beginning(whole, most);
    if (text.length < Math.min(charactersMin, whole.length)) {
      notes.push(`${path} was left out: the other instructions are long enough.`);
      continue;
    }
    if (text.length < whole.length) {
      notes.push(`${path} has ${whole.length} characters; its first ${text.length} are told.`);
    }
    left -= text.length;
    instructions.push({ path, text });
  }
  return { instructions, notes };
};

const beginning = (text: string, charactersMax: number): string => {
  const start = beginningOf(text, charactersMax);
  const end = start.lastIndexOf('\n');
  return (end > charactersMax / 2 ? start.slice(0, end) : start).trimEnd();
};
