/** Of paths as git has them: relative to the root, with slashes. */

export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** The directory that the file lies in; '' for the root. */
export const directoryOf = (path: string): string => path.slice(0, Math.max(path.lastIndexOf('/'), 0));

/** The directories that it lies in, without the root: `a` and `a/b` of `a/b/c`. */
export const parentsOf = (path: string): string[] => {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
};
