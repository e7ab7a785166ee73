import { createHash } from 'node:crypto';
import path from 'node:path';
import type { BaseRepository } from '../../domain/github.ts';

/**
 * Under which name the result of setup commands is kept: another lockfile, command or image has another one, and so has
 * another repository or branch, whose code may be somebody else's. Each week begins anew: commands that name no version get
 * newer ones at times.
 */
export const setupKey = (
  commands: readonly string[],
  { base, files }: Pick<BaseRepository, 'base' | 'files'>,
  { imageId, forge, at }: { imageId: string; forge: string; at: Date },
): string => {
  const named = new Set(commands.flatMap(fileNamesIn));
  const decisive = [...files]
    .filter(([file]) => isDecisive(file) || named.has(path.posix.basename(file)))
    .map(([file, { mode, blobId }]) => [file, mode, blobId])
    .toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1));
  const { repositoryId, branch } = base;
  const week = Math.floor(at.getTime() / weekMs);
  const what = [formVersion, week, forge, repositoryId, branch, commands, imageId, decisive];
  return createHash('sha256').update(JSON.stringify(what)).digest('hex');
};

const weekMs = 7 * 24 * 3_600_000;

/** Another one when entries of before cannot be used any more. */
const formVersion = 2;

/** What a command names that may be a script of the repository's. */
const fileNamesIn = (command: string): string[] =>
  command
    .split(/[^\w.@/+-]+/)
    .map((word) => path.posix.basename(word))
    .filter((name) => name !== '');

/** Lockfiles and manifests, and where tools look for their settings, in whichever directory. */
export const isDecisive = (file: string): boolean => {
  const name = path.posix.basename(file);
  return names.has(name) || forms.some((form) => form.test(name));
};

const names: ReadonlySet<string> = new Set([
  ...['.backspace.yml', 'Makefile', 'GNUmakefile', 'makefile', 'justfile', '.tool-versions'],
  ...['package.json', 'package-lock.json', 'npm-shrinkwrap.json', 'yarn.lock', 'bun.lock', 'bun.lockb'],
  ...['pnpm-lock.yaml', 'pnpm-workspace.yaml', '.npmrc', '.yarnrc', '.yarnrc.yml', '.pnpmfile.cjs', '.nvmrc'],
  ...[
    'pyproject.toml',
    'poetry.lock',
    'uv.lock',
    'pdm.lock',
    'Pipfile',
    'Pipfile.lock',
    'setup.py',
    'setup.cfg',
  ],
  ...['.python-version', 'tox.ini', 'environment.yml'],
  ...['go.mod', 'go.sum', 'go.work', 'go.work.sum', 'Cargo.toml', 'Cargo.lock', 'rust-toolchain.toml'],
  ...['rust-toolchain', 'Gemfile', 'Gemfile.lock', '.ruby-version', 'composer.json', 'composer.lock'],
  ...['pom.xml', 'build.gradle', 'build.gradle.kts', 'settings.gradle', 'settings.gradle.kts'],
  ...['gradle.properties', 'gradle.lockfile', 'gradle-wrapper.properties', 'maven-wrapper.properties'],
  ...[
    'mix.exs',
    'mix.lock',
    'Package.swift',
    'Package.resolved',
    'deno.json',
    'deno.lock',
    'packages.lock.json',
  ],
]);

const forms: readonly RegExp[] = [
  /^(requirements|constraints).*\.(txt|in)$/,
  /\.(gemspec|csproj|fsproj|cabal)$/,
  /\.versions\.toml$/,
];
