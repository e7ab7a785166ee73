import type { Weakening } from './evidence.ts';
import type { ChangedText } from './weakened-tests.ts';

/** Where more places than before tell a checker to look away; marks that only moved are no news. */
export const findAppearedMarks = (files: readonly ChangedText[]): Weakening[] =>
  marks.flatMap(({ tool, pattern, files: kinds }) => {
    const counts = files
      .filter(({ path }) => kinds.test(path))
      .map(({ path, before, after }) => ({ path, more: count(after, pattern) - count(before, pattern) }));
    if (counts.reduce((sum, { more }) => sum + more, 0) <= 0) return [];
    return counts
      .filter(({ more }) => more > 0)
      .map(({ path, more }) => ({
        path,
        what: `${more === 1 ? 'One more place' : `${more} more places`} where ${tool} is told to look away.`,
      }));
  });

/** Whether such marks may stand in it. */
export const bearsMarks = (path: string): boolean => marks.some(({ files }) => files.test(path));

const count = (text: string | undefined, pattern: RegExp): number =>
  [...(text ?? '').matchAll(pattern)].length;

const script = /\.(?:[cm]?[jt]sx?|vue|svelte)$/;
const python = /\.pyi?$/;
const jvm = /\.(?:java|kts?|groovy|scala)$/;

const marks = [
  { tool: 'ESLint', pattern: /\beslint-disable\b|\beslint-disable-(?:next-)?line\b/g, files: script },
  { tool: 'Biome', pattern: /\bbiome-ignore\b/g, files: script },
  { tool: 'the type checker', pattern: /@ts-(?:ignore|expect-error|nocheck)\b/g, files: script },
  {
    tool: 'the coverage',
    pattern: /\b(?:istanbul|c8|v8)\s+ignore\b|\bnode:coverage\s+(?:ignore|disable)\b/g,
    files: script,
  },
  { tool: 'the type checker', pattern: /#\s*(?:type|pyright|mypy):\s*ignore\b/g, files: python },
  {
    tool: 'the linter',
    pattern: /#\s*noqa\b|#\s*(?:ruff|flake8):\s*noqa\b|#\s*pylint:\s*disable\b/g,
    files: python,
  },
  { tool: 'the coverage', pattern: /#\s*pragma:\s*no\s+cover\b/g, files: python },
  { tool: 'the linter', pattern: /\/\/\s*nolint\b|\/\/\s*#nosec\b|\/\/lint:ignore\b/g, files: /\.go$/ },
  { tool: 'the compiler or Clippy', pattern: /#!?\[allow\(/g, files: /\.rs$/ },
  {
    tool: 'the compiler or a linter',
    pattern: /@Suppress(?:Warnings)?\b|\/\/\s*NOSONAR\b|\bCHECKSTYLE:OFF\b/g,
    files: jvm,
  },
  { tool: 'RuboCop', pattern: /#\s*rubocop:(?:disable|todo)\b/g, files: /\.rb$/ },
  { tool: 'the coverage', pattern: /:nocov:/g, files: /\.rb$/ },
  {
    tool: 'an analysis',
    pattern: /@phpstan-ignore\b|\bphpcs:(?:ignore|disable)\b|@psalm-suppress\b/g,
    files: /\.php$/,
  },
  {
    tool: 'the compiler',
    pattern: /^[ \t]*#pragma\s+warning\s+disable\b|\[SuppressMessage\b/gm,
    files: /\.cs$/,
  },
  { tool: 'ShellCheck', pattern: /#\s*shellcheck\s+disable=/g, files: /\.(?:sh|bash|bats)$/ },
] as const;
