import { beginningOf, endOf } from '../domain/visible-text.ts';

/** In one string; of a longer one, head and tail are kept. */
const stringCharactersMax = 20_000;
/** In all strings of one value together. */
const totalCharactersMax = 1_000_000;
const entriesMax = 1_000;
const depthMax = 20;

/**
 * What of a value may go into a trace: a redacted copy, cut to size, of plain JSON only. Redaction comes before cutting,
 * or the half of a secret that survives a cut would no longer be known as one.
 */
export const presentable = (
  value: Record<string, unknown>,
  redact: (text: string) => string,
): Record<string, unknown> => {
  let charactersLeft = totalCharactersMax;
  const string = (text: string): string => {
    if (charactersLeft <= 0) return '[left out: the trace of this run is full]';
    const short = shortened(redact(text), stringCharactersMax);
    charactersLeft -= short.length;
    return short;
  };
  const record = (from: object, depth: number): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(from)
        .slice(0, entriesMax)
        .map(([key, item]) => [string(key), copy(item, depth + 1)]),
    );
  const copy = (item: unknown, depth: number): unknown => {
    if (typeof item === 'string') return string(item);
    if (typeof item === 'bigint') return String(item);
    if (item === null || typeof item === 'number' || typeof item === 'boolean') return item;
    if (typeof item !== 'object') return undefined;
    if (depth >= depthMax) return '[left out: too deep]';
    if (Array.isArray(item)) return item.slice(0, entriesMax).map((entry) => copy(entry, depth + 1));
    if (ArrayBuffer.isView(item)) return `[${item.byteLength} bytes]`;
    if (item instanceof Error) return string(String(item));
    if (item instanceof Date) return String(item);
    return record(item, depth);
  };
  return record(value, 0);
};

export const shortened = (text: string, charactersMax: number): string => {
  if (text.length <= charactersMax) return text;
  const half = Math.floor(charactersMax / 2);
  const [head, tail] = [beginningOf(text, half), endOf(text, half)];
  const leftOut = text.length - head.length - tail.length;
  return `${head}\n[… ${leftOut} characters left out …]\n${tail}`;
};
