import { baseName } from '../paths.ts';
import type { Surroundings } from './leftovers.ts';

/** Each family shares a manifest: a repository locks it with one of these, or not at all. */
const families = [
  {
    manifests: ['package.json'],
    locks: [
      'package-lock.json',
      'npm-shrinkwrap.json',
      'yarn.lock',
      'pnpm-lock.yaml',
      'bun.lock',
      'bun.lockb',
    ],
  },
  {
    manifests: ['pyproject.toml', 'Pipfile', 'setup.py'],
    locks: ['poetry.lock', 'uv.lock', 'pdm.lock', 'Pipfile.lock'],
  },
  { manifests: ['Cargo.toml'], locks: ['Cargo.lock'] },
];

/** Why a new lock file is none of the repository's; undefined for what is one, or no lock file at all. */
export const lockFileReason = ({ base, prompt }: Surroundings): ((path: string) => string | undefined) => {
  if (/\block[- ]?files?\b/i.test(prompt)) return () => undefined;
  const inBase = new Set([...base.keys()].map(baseName));
  return (path) => {
    const name = baseName(path);
    const family = families.find(({ locks }) => locks.includes(name));
    if (family === undefined || inBase.has(name)) return undefined;
    if (family.locks.some((lock) => inBase.has(lock))) {
      return 'a lock file of a package manager that the base does not use';
    }
    const directory = path.slice(0, path.length - name.length);
    const isOld = family.manifests.some((manifest) => base.has(`${directory}${manifest}`));
    return isOld ? 'a lock file, of which the base keeps none' : undefined;
  };
};
