/** Directories that hold other people's code or what a build has made: they say little about the repository itself. */
const foreign: ReadonlySet<string> = new Set([
  ...['node_modules', 'bower_components', 'vendor', 'third_party', 'third-party', 'Pods', 'Carthage'],
  ...['dist', 'build', 'out', 'target', '_build', 'coverage', 'generated', '__generated__', '__pycache__'],
  ...['.git', '.venv', 'venv', '.tox', '.yarn', '.pnpm-store', '.next', '.nuxt', '.gradle', '.terraform'],
  ...['site-packages', '.eggs'],
]);

export const isForeign = (directory: string): boolean => foreign.has(directory);

/** Whether the file lies, at any depth, in a directory of that kind. */
export const isInForeignPlace = (path: string): boolean => path.split('/').slice(0, -1).some(isForeign);

/** How many directories the path is below the root. */
export const depthOf = (path: string): number => path.split('/').length - 1;
