import { baseName } from '../../domain/paths.ts';
import { isInForeignPlace } from './places.ts';

const byExtension: Readonly<Record<string, string>> = {
  ...{ ts: 'TypeScript', tsx: 'TypeScript', mts: 'TypeScript', cts: 'TypeScript' },
  ...{ js: 'JavaScript', jsx: 'JavaScript', mjs: 'JavaScript', cjs: 'JavaScript' },
  ...{ vue: 'Vue', svelte: 'Svelte', html: 'HTML', css: 'CSS', scss: 'CSS', less: 'CSS' },
  ...{ py: 'Python', pyi: 'Python', ipynb: 'Jupyter', go: 'Go', rs: 'Rust', zig: 'Zig', nim: 'Nim' },
  ...{ java: 'Java', kt: 'Kotlin', kts: 'Kotlin', scala: 'Scala', groovy: 'Groovy', clj: 'Clojure' },
  ...{ c: 'C', h: 'C', cc: 'C++', cpp: 'C++', cxx: 'C++', hh: 'C++', hpp: 'C++', m: 'Objective-C' },
  ...{ cs: 'C#', fs: 'F#', vb: 'Visual Basic', swift: 'Swift', dart: 'Dart', rb: 'Ruby', php: 'PHP' },
  ...{ ex: 'Elixir', exs: 'Elixir', erl: 'Erlang', hs: 'Haskell', ml: 'OCaml', mli: 'OCaml', lua: 'Lua' },
  ...{ r: 'R', jl: 'Julia', pl: 'Perl', pm: 'Perl', sh: 'Shell', bash: 'Shell', ps1: 'PowerShell' },
  ...{ sql: 'SQL', tf: 'Terraform', proto: 'Protocol Buffers', graphql: 'GraphQL', sol: 'Solidity' },
};

const languagesMax = 12;

/** By how many files each has, the most frequent first; without what is vendored or generated. */
export const languagesOf = (paths: Iterable<string>): { name: string; files: number }[] => {
  const counts = new Map<string, number>();
  for (const path of paths) {
    const name = languageOf(path);
    if (name !== undefined && !isInForeignPlace(path)) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts]
    .map(([name, files]) => ({ name, files }))
    .sort((a, b) => b.files - a.files || a.name.localeCompare(b.name, 'en'))
    .slice(0, languagesMax);
};

const languageOf = (path: string): string | undefined => {
  const name = baseName(path);
  const dot = name.lastIndexOf('.');
  const extension = name.slice(dot + 1).toLowerCase();
  const isMinified = /\.min\.(js|css)$/.test(name);
  return dot > 0 && !isMinified && Object.hasOwn(byExtension, extension) ? byExtension[extension] : undefined;
};
