/** Lines of a file, counted from 0. */
export type Place = { start: number; count: number };

/** From strict to loose; each also forgives what those before it do. */
const ways: { in: string; loosen: (line: string) => string }[] = [
  { in: 'line ends', loosen: (line) => line.replace(/\r$/, '') },
  { in: 'white space at line ends', loosen: (line) => line.trimEnd() },
  { in: 'indentation', loosen: (line) => line.trim() },
  { in: 'white space', loosen: (line) => line.replaceAll(/\s+/g, '') },
  { in: 'quotes, dashes or invisible characters', loosen: (line) => withPlainCharacters(line) },
  { in: 'upper and lower case', loosen: (line) => withPlainCharacters(line).toLowerCase() },
];

const lineCharactersMax = 5000;
const placesMax = 20;

/** The lines as they are compared, as many as the time allows. */
export const comparable = (lines: readonly string[], deadline: number): string[] => {
  const keys: string[] = [];
  for (const line of lines) {
    if (keys.length % 256 === 0 && performance.now() > deadline) break;
    keys.push(withPlainCharacters(line.slice(0, lineCharactersMax)).toLowerCase());
  }
  return keys;
};

const withPlainCharacters = (line: string): string =>
  isAscii.test(line) ? line.replaceAll(/\s+/g, '') : withAscii(line);

// biome-ignore lint/suspicious/noControlCharactersInRegex: a line with any of them takes the shorter way, too
const isAscii = /^[\x00-\x7f]*$/;

const withAscii = (line: string): string =>
  line
    .replaceAll(/[‘’‚′´]/g, "'")
    .replaceAll(/[“”„″«»]/g, '"')
    .replaceAll(/[‐‑‒–—―−]/g, '-')
    .replaceAll('…', '...')
    .replaceAll(/[\s\p{Cf}]+/gu, '');

/** Where the same lines stand but for something small, the strictest such place. `keys` are those of the lines. */
export const findSame = (
  lines: readonly string[],
  keys: readonly string[],
  old: readonly string[],
  oldKeys: readonly string[],
  deadline: number,
): (Place & { in: string }) | undefined => {
  const places: number[] = [];
  for (let start = 0; start + old.length <= keys.length && places.length < placesMax; start++) {
    if (start % 256 === 0 && performance.now() > deadline) break;
    if (isSame(oldKeys, (index) => keys[start + index] ?? '')) places.push(start);
  }
  for (const way of ways) {
    const oldLines = old.map(way.loosen);
    const start = places.find((place) => isSame(oldLines, (index) => way.loosen(lines[place + index] ?? '')));
    if (start !== undefined) return { start, count: old.length, in: way.in };
  }
  return undefined;
};

/** The first line may begin, and the last one end, in the middle of one in the file. */
const isSame = (old: readonly string[], lineAt: (index: number) => string): boolean =>
  old.every((line, index) => {
    const there = lineAt(index);
    if (old.length === 1) return there.includes(line);
    if (index === 0) return there.endsWith(line);
    return index === old.length - 1 ? there.startsWith(line) : there === line;
  });

/** Where most of the lines, by their weight, stand in the same order; else the line most like one of them. */
export const findAlike = (
  keys: readonly string[],
  oldKeys: readonly string[],
  deadline: number,
): Place | undefined => {
  const place = findByEqualLines(keys, oldKeys, deadline) ?? findBySimilarLine(keys, oldKeys, deadline);
  if (place === undefined) return undefined;
  const start = Math.max(0, Math.min(place, keys.length - 1));
  return { start, count: Math.max(1, Math.min(oldKeys.length, keys.length - start)) };
};

/** Of the weight of all lines; less is chance. */
const equalShareMin = 0.25;
/** Brackets and the like stand everywhere. */
const tellingCharactersMin = 4;
const weightMax = 40;
const sameLineMax = 20;

const findByEqualLines = (
  keys: readonly string[],
  oldKeys: readonly string[],
  deadline: number,
): number | undefined => {
  const indexes = Map.groupBy(oldKeys.keys(), (index) => oldKeys[index] ?? '');
  const weights = new Map<number, number>();
  let best: number | undefined;
  for (const [at, key] of keys.entries()) {
    if (at % 256 === 0 && performance.now() > deadline) break;
    if (key.length < tellingCharactersMin) continue;
    for (const index of indexes.get(key)?.slice(0, sameLineMax) ?? []) {
      const start = at - index;
      const weight = (weights.get(start) ?? 0) + weightOf(key);
      weights.set(start, weight);
      if (best === undefined || weight > (weights.get(best) ?? 0)) best = start;
    }
  }
  const total = oldKeys.reduce((sum, key) => sum + weightOf(key), 0);
  return best !== undefined && (weights.get(best) ?? 0) >= equalShareMin * total ? best : undefined;
};

const weightOf = (key: string): number => Math.min(key.length, weightMax);

const similarityMin = 0.6;
const anchorsMax = 3;
const comparedCharactersMax = 400;

const findBySimilarLine = (
  keys: readonly string[],
  oldKeys: readonly string[],
  deadline: number,
): number | undefined => {
  const anchors = [...oldKeys.entries()]
    .filter(([, key]) => key.length >= tellingCharactersMin)
    .sort(([, a], [, b]) => b.length - a.length)
    .slice(0, anchorsMax)
    .map(([index, key]) => ({ index, pairs: pairsOf(key) }));
  let best: number | undefined;
  let bestSimilarity = similarityMin;
  for (const [at, key] of keys.entries()) {
    if (at % 64 === 0 && performance.now() > deadline) break;
    const pairs = pairsOf(key);
    for (const anchor of anchors) {
      const similarity = similarityOf(pairs, anchor.pairs);
      if (similarity <= bestSimilarity) continue;
      bestSimilarity = similarity;
      best = at - anchor.index;
    }
  }
  return best;
};

const pairsOf = (key: string): Set<string> => {
  const pairs = new Set<string>();
  for (let at = 0; at + 1 < Math.min(key.length, comparedCharactersMax); at++)
    pairs.add(key.slice(at, at + 2));
  return pairs;
};

/** Dice's coefficient: 1 for the same pairs of characters, 0 for none in common. */
const similarityOf = (a: Set<string>, b: Set<string>): number => {
  const sum = a.size + b.size;
  // So different in length that it cannot be enough.
  if (sum === 0 || (2 * Math.min(a.size, b.size)) / sum < similarityMin) return 0;
  return (2 * a.intersection(b).size) / sum;
};
