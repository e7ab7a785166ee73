import type { Files } from '../../support/forge/repository-files.ts';
import { type Random, seededRandom } from '../../support/sample.ts';

const filesCount = 2400;
const directoriesCount = 240;
const bytesTotal = 21_000_000;
const seed = 20_260_101;

/**
 * 2,400 files of 21 MB, the same in every run: sources of very different lengths in a tree of directories. Half of their
 * words occur once only, so that they shrink no more than real repositories do: to about two thirds.
 */
export const repositoryFiles = (): Files => {
  const random = seededRandom(seed);
  const vocabulary = Array.from({ length: 2000 }, () => word(random, 3 + Math.floor(random() * 8)));
  const directories = ['.'];
  while (directories.length < directoriesCount) {
    const parent = directories[Math.floor(random() * directories.length)] ?? '.';
    if (parent.split('/').length < 6) directories.push(`${parent}/${word(random, 8)}`);
  }
  // A few long files and many short ones, as repositories have them.
  const weights = Array.from({ length: filesCount }, () => Math.exp(3 * random()));
  const weightTotal = weights.reduce((sum, weight) => sum + weight, 0);
  return Object.fromEntries(
    weights.map((weight, index) => {
      const directory = directories[Math.floor(random() * directories.length)] ?? '.';
      const path = `${directory}/${word(random, 6)}-${index}.ts`.slice('./'.length);
      return [path, source(random, vocabulary, Math.round((weight / weightTotal) * bytesTotal))];
    }),
  );
};

const source = (random: Random, vocabulary: readonly string[], bytes: number): string => {
  let text = '';
  while (text.length < bytes) {
    const once = `const ${word(random, 12)} = '${word(random, 24)}';`;
    const usual = Array.from({ length: 4 }, () => vocabulary[Math.floor(random() * vocabulary.length)]);
    text += `${once} // ${usual.join(' ')}\n`;
  }
  return `${text.slice(0, bytes - 1)}\n`;
};

const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

const word = (random: Random, length: number): string => {
  let text = '';
  while (text.length < length) text += letters[Math.floor(random() * letters.length)];
  return text;
};
