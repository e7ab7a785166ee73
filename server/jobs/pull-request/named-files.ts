import { baseName, directoryOf } from '../../domain/paths.ts';

/** What is known of the paths that a description may name. */
type Known = {
  changed: readonly string[];
  base: ReadonlyMap<string, unknown>;
  leftOut: readonly string[];
};

/** Names in the description of files that are nowhere, and of files that it says are changed and that are not. */
type DoubtfulNames = { nowhere: readonly string[]; unchanged: readonly string[] };

const namesMax = 200;
const charactersReadMax = 30_000;

/**
 * Holds the files that a description names against what there is. It would rather miss a wrong name than doubt a right one,
 * so it looks only at what can hardly be anything but a file of this repository.
 */
export const findDoubtfulNames = (description: string, known: Known): DoubtfulNames => {
  const named = namesIn(description.slice(0, charactersReadMax)).slice(0, namesMax);
  if (named.length === 0) return { nowhere: [], unchanged: [] };
  const isChanged = createLookup(known.changed);
  const isLeftOut = createLookup(known.leftOut);
  const isInBase = createLookup(known.base.keys());
  const directories = new Set([...known.changed, ...known.base.keys()].map(directoryOf));
  const isNowhere = (name: string) =>
    !isChanged(name) &&
    !isLeftOut(name) &&
    !isInBase(name) &&
    (isSource(name) || (name.includes('/') && directories.has(directoryOf(name))));
  const distinct = (names: readonly string[]) => [...new Set(names)];
  return {
    nowhere: distinct(
      named.filter(({ name, isDenied }) => !isDenied && isNowhere(name)).map(({ name }) => name),
    ),
    unchanged: distinct(
      named
        .filter(({ name, isSaidToBeChanged }) => isSaidToBeChanged && isInBase(name) && !isChanged(name))
        .map(({ name }) => name),
    ),
  };
};

type Named = { name: string; isSaidToBeChanged: boolean; isDenied: boolean };

/** In code spans, and words with a slash. Blocks of code are examples, and addresses are elsewhere. */
const namesIn = (description: string): readonly Named[] => {
  let isInList = false;
  return withoutBlocks(description)
    .split('\n')
    .flatMap((line) => {
      if (isHeading(line)) isInList = announcesChanges(line);
      return namesInLine(line, isInList);
    });
};

const withoutBlocks = (text: string): string =>
  text.replaceAll(/^ {0,3}(`{3,}|~{3,})[\s\S]*?(?:^ {0,3}\1[`~]*[ \t]*$|$(?![\s\S]))/gm, '');

const isHeading = (line: string): boolean =>
  /^\s{0,3}#{1,6} |^\s*\*\*[^*]+\*\*:?\s*$|^[^-*+\d\s`][^`]*:\s*$/.test(line);

const announcesChanges = (line: string): boolean =>
  /^[#*\s]*(?:what (?:has |was |is |I )?changed?|(?:the )?changes?(?: made)?|(?:changed|modified|new|added) files|files (?:changed|modified|added))[*:\s]*$/i.test(
    line,
  );

const namesInLine = (line: string, isInList: boolean): readonly Named[] => {
  const text = line
    .replaceAll(/\]\([^)\s]*\)/g, ']')
    .replaceAll(/\b[a-z][a-z0-9+.-]*:\/\/[^\s`)>\]]+|\bwww\.[^\s`)>\]]+/gi, ' ');
  const item = /^\s*(?:[-*+]|\d+[.)])\s+(?:\*\*)?`([^`]+)`(?:\*\*)?\s*(?:[:(–—,]|-\s|$)(.*)$/.exec(text);
  const first = item && pathOf(item[1] ?? '');
  const says =
    isInList &&
    !/\b(?:unchanged|untouched|not (?:changed|touched)|no changes?|stays?|as before)\b/i.test(
      item?.[2] ?? '',
    );
  return [...text.matchAll(candidate)].flatMap(({ 0: whole, 1: code, 2: word, index }) => {
    const name = pathOf(code ?? word ?? '');
    if (name === undefined || (code === undefined && !isSource(name))) return [];
    const isDenied = denial.test(text.slice(0, index)) || deniedAfter.test(text.slice(index + whole.length));
    return [{ name, isSaidToBeChanged: says && name === first, isDenied }];
  });
};

/** A code span, or a word with a slash and an extension. */
const candidate =
  /`([^`\n]{1,300})`|(?<![\w/.:@~$\\-])((?:\.{1,2}\/)*[\w.-]{1,80}(?:\/[\w.-]{1,80}){1,15}\.[a-z]{1,6})(?![\w/(*-])/g;

/** Who says that there is no such file, or that one could be made, names one that is nowhere. */
const denial =
  /\b(?:no|not|never|without|instead of|rather than|missing|would|could|should|might|later|future|if|like|such as|e\.g\.|example|external|upstream|generates?|generated|outputs?|produces?|emits?)\b[^.;]{0,80}$/i;
const deniedAfter =
  /^[^.;]{0,40}\b(?:does not exist|doesn[’']t exist|is missing|is not (?:there|needed)|is generated)\b/i;

/** The path in this code; undefined when it is, or may be, something else. */
const pathOf = (code: string): string | undefined => {
  const path = code
    .trim()
    .replace(/(?::\d+(?:[-:]\d+)?|#L\d+(?:-L?\d+)?)$/, '')
    .replace(/^(?:\.{1,2}\/)+/, '');
  if (!/^[\w.@+[\]-]+(?:\/[\w.@+[\]-]+)*$/.test(path)) return undefined;
  const parts = path.split('/');
  const [top = ''] = parts;
  if (!known.test(path)) return undefined;
  if (parts.length === 1) return isSource(path) && !products.test(path) ? path : undefined;
  // A host or a package, what is made or installed, and what lies outside.
  return /^[^.].*\.|^@/.test(top) || elsewhere.has(top) ? undefined : path;
};

const known =
  /\.(?:[cm]?[jt]sx?|py|pyi|go|rs|java|kts?|rb|php|cs|cpp|cc|hpp|swift|scala|exs?|vue|svelte|sh|bats|sql|s?css|less|html|md|rst|json|ya?ml|toml|xml|ini|cfg|csv|txt)$/i;
const source =
  /\.(?:[cm]?[jt]sx?|py|pyi|go|rs|java|kts?|rb|php|cs|cpp|hpp|swift|scala|exs?|vue|svelte|bats)$/i;
const isSource = (path: string): boolean =>
  source.test(path) && baseName(path).replace(source, '').length > 1;

/** Products and places that are called like a file. */
const products =
  /^(?:[A-Z][A-Za-z]*\.js|(?:node|next|nuxt|vue|react|express|three|d3|p5|chart|moment|socket|ember|backbone|discord|alpine|solid|bun|deno)\.js|docs\.rs|(?:this|self)\..*)$/;

const elsewhere = new Set([
  'node_modules',
  'dist',
  'build',
  'out',
  'target',
  'coverage',
  'tmp',
  'etc',
  'usr',
  'var',
  'home',
  'workspace',
  'path',
]);

/** Whether one of the paths is the named one or ends with it: descriptions often leave the first directories out. */
const createLookup = (paths: Iterable<string>): ((name: string) => boolean) => {
  const byBaseName = Map.groupBy(paths, (path) => stem(baseName(path)));
  return (name) =>
    (byBaseName.get(stem(baseName(name))) ?? []).some((path) => `/${stem(path)}`.endsWith(`/${stem(name)}`));
};

/** An import names a file of TypeScript by the extension that it will have. */
const stem = (path: string): string => path.replace(/\.[cm]?[jt]sx?$/, '.js').toLowerCase();
