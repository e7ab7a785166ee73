import type { Weakening } from './evidence.ts';

export const definesChecks = (path: string): boolean =>
  /(^|\/)(tests?\/|package\.json$)|\.test\.\w+$/.test(path);

export const findWeakened = (
  files: readonly { path: string; before: string | undefined; after: string | undefined }[],
): Weakening[] =>
  files.filter(({ after }) => after === undefined).map(({ path }) => ({ path, what: 'it was deleted' }));
