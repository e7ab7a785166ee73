import { AppError } from '../domain/errors.ts';
import type { CloneProgress } from '../domain/github.ts';
import type { Base } from '../domain/repository.ts';
import type { ExecResult, Sandbox } from '../domain/sandbox.ts';
import { quotable } from './bytes.ts';
import { createProgressReader } from './clone-progress.ts';
import { fetchPack } from './fetch-pack.ts';
import { createGateway } from './gateway.ts';
import type { GitHubOptions } from './options.ts';

/**
 * Opens the way from the sandbox to its repository; then native git inside indexes the pack of the base commit and
 * checks it out on a branch of the base's name. The server asks for the pack and passes it on unread: `git fetch`
 * inside took twice as long for the same, with its two more processes and the loopback between them. Nothing converts
 * content on the way (no line ends, no filters, no LFS), and no hook or submodule of the repository runs.
 */
export const clone = async (
  options: GitHubOptions,
  sandbox: Pick<Sandbox, 'exec' | 'openWayOut'>,
  base: Base,
  onProgress: (at: CloneProgress) => void,
  signal: AbortSignal,
): Promise<void> => {
  let bytes = 0;
  let failure: AppError | undefined;
  const gateway = createGateway(
    options,
    base,
    (more) => {
      bytes += more;
    },
    (error) => {
      failure = error;
    },
  );
  sandbox.openWayOut(gateway);
  const read = createProgressReader((phase, percent) => onProgress({ phase, percent, bytes }));
  const fetching = new AbortController();
  const request = {
    command: ['sh', '-c', script, 'clone', base.branch, base.commit, config(options, base), attributes],
    env: environment,
    stdin: fetchPack(gateway, base, read, AbortSignal.any([signal, fetching.signal])),
    timeoutMs: options.limits.cloneMs,
    outputBytesMax,
  };
  const result = await sandbox
    .exec(request, signal, read)
    .catch((error: unknown) => {
      throw failure ?? error;
    })
    .finally(() => fetching.abort());
  if (result.exitCode !== 0) throw failure ?? cloneError(options, base, result);
  onProgress({ phase: 'Updating files', percent: 100, bytes });
};

const cloneError = ({ limits }: GitHubOptions, { repository }: Base, result: ExecResult): AppError => {
  const name = `${repository.owner}/${repository.name}`;
  return result.timedOut
    ? new AppError('clone_failed', `${name} was not there after ${limits.cloneMs / 1000} s.`)
    : new AppError('clone_failed', `git could not fetch ${name}: ${lastWords(result.output)}`);
};

/** One shell for all, because starting a process costs 30 to 50 ms inside gVisor; printf is part of the shell. */
const script = `
set -eu
branch=$1 commit=$2 config=$3 attributes=$4
git init --quiet --initial-branch="$branch" .
[ -d .git/info ] || mkdir .git/info
printf '%s' "$config" >>.git/config
printf '%s' "$attributes" >.git/info/attributes
printf '%s\\n' "$commit" >.git/shallow
printf '# pack-refs with: peeled fully-peeled sorted \\n%s refs/remotes/origin/%s\\n' "$commit" "$branch" >.git/packed-refs
git index-pack --stdin -v
exec git checkout --progress --no-track --force -B "$branch" "$commit" --
`;

/** Takes precedence over every .gitattributes, so that a blob's bytes are the file's bytes. */
const attributes = '* -text -eol -ident -filter -working-tree-encoding\n';

/** What stays in the workspace: enough for status, diff, log and fetch, and no work in the background. */
const config = ({ wayOutUrl }: GitHubOptions, { repository: { owner, name }, branch }: Base): string => `
[remote "origin"]
	url = ${quoted(`${wayOutUrl}/${owner}/${name}.git`)}
	fetch = ${quoted(`+refs/heads/${branch}:refs/remotes/origin/${branch}`)}
[branch ${quoted(branch)}]
	remote = origin
	merge = ${quoted(`refs/heads/${branch}`)}
[core]
	autocrlf = false
	symlinks = true
[gc]
	auto = 0
[maintenance]
	auto = false
`;

/** Branch names come from outside: git allows quotes and comment signs in them. */
const quoted = (value: string): string => `"${value.replace(/["\\]/g, '\\$&')}"`;

/** For this clone only. Numbered variables reach every git process below, which -c options do as well, but shorter. */
const settings: readonly (readonly [string, string])[] = [
  ['protocol.version', '2'],
  ['http.proxy', ''],
  ['credential.helper', ''],
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  // A workspace does not outlive its sandbox, and fsync waits.
  ['core.fsync', 'none'],
  ['filter.lfs.smudge', ''],
  ['filter.lfs.process', ''],
  ['filter.lfs.required', 'false'],
  ['submodule.recurse', 'false'],
  ['advice.detachedHead', 'false'],
];

const environment = {
  GIT_TERMINAL_PROMPT: '0',
  // Else git stays silent for the first two seconds of a step.
  GIT_PROGRESS_DELAY: '0',
  LC_ALL: 'C',
  GIT_CONFIG_COUNT: String(settings.length),
  ...Object.fromEntries(
    settings.flatMap(([key, value], index) => [
      [`GIT_CONFIG_KEY_${index}`, key],
      [`GIT_CONFIG_VALUE_${index}`, value],
    ]),
  ),
};

/** Progress lines are short, and only the end matters when git fails. */
const outputBytesMax = 64 << 10;

const lastWords = (output: string): string => {
  const lines = output
    .split(/[\r\n]+/)
    .filter((line) => line.trim() !== '' && !/\d+% \(\d+\/\d+\)/.test(line));
  return quotable(lines.slice(-4).join(' ')) || 'it said nothing.';
};
