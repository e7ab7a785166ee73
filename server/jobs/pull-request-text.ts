import type { AgentAnswer } from '../agent/answer.ts';
import type { Changeset } from '../domain/changeset.ts';
import type { DenialReport } from '../domain/egress.ts';
import type { Job } from '../domain/job.ts';

/** GitHub takes 65,536 characters; each part has its own limit, so that none can push the others out. */
const descriptionCharactersMax = 30_000;
const requestCharactersMax = 10_000;
const commandsShownMax = 20;
const commandCharactersMax = 120;
const pathCharactersMax = 200;
const denialsShownMax = 20;
const leftOutCharactersMax = 15_000;

/**
 * Title and body of the pull request. What the model wrote is cleaned, since it may have been taken over by text in
 * the repository; what the server knows stands below it, in the server's words.
 */
export const pullRequestText = (
  job: Job,
  answer: AgentAnswer,
  changeset: Changeset,
  denials: DenialReport,
): { title: string; body: string } => {
  const sections = [
    closedFence(cut(cleanMarkdown(answer.description), descriptionCharactersMax)),
    `## Checks\n\n${checked(answer)}`,
    ...(changeset.leftOut.length > 0
      ? [`## Left out\n\n${cut(leftOut(changeset), leftOutCharactersMax)}`]
      : []),
    ...(denials.total > 0 ? [`## Refused egress\n\n${refusedEgress(denials)}`] : []),
    `## Request\n\n${cut(quote(cleanMarkdown(job.request.prompt)), requestCharactersMax)}`,
    `---\nMade by Tiny Backspace, job \`${job.id}\`.`,
  ];
  return {
    title: visibleText(answer.title),
    body: sections.filter((section) => section !== '').join('\n\n'),
  };
};

/** The exit code stands before the command, where no text of the agent's can forge it. */
const checked = ({ commands }: AgentAnswer): string => {
  if (commands.length === 0) return 'The agent ran no command: nothing was checked.';
  const shown = commands.slice(-commandsShownMax);
  const lines = shown.map(({ command, exitCode }) => {
    const end = exitCode === null ? 'killed' : `exit code ${exitCode}`;
    return `- ${end}: ${codeSpan(command, commandCharactersMax)}`;
  });
  const which =
    shown.length < commands.length ? `The last ${shown.length} of ${commands.length} commands, run` : 'Run';
  const note = `${which} by the agent in its sandbox, exit codes as the sandbox told them; the server has not run them again.`;
  return `${note}\n\n${lines.join('\n')}`;
};

/** The list is short already: see `compareWithBase`. */
const leftOut = ({ leftOut }: Changeset): string =>
  leftOut.map(({ path, reason }) => `- ${codeSpan(path, pathCharactersMax)}: ${reason}`).join('\n');

/** What was asked for is hostile text; the reasons are the server's own sentences. */
const refusedEgress = ({ total, distinct }: DenialReport): string => {
  const shown = distinct.slice(0, denialsShownMax);
  const lines = shown.map(({ host, port, reason, count }) => {
    const where = codeSpan(port === null ? host : `${host}:${port}`, pathCharactersMax);
    return `- ${where}: ${reason}${count > 1 ? ` (${count} times)` : ''}`;
  });
  const times = total === 1 ? 'once' : `${total} times`;
  const more = shown.length < distinct.length ? ` The first ${shown.length} kinds of them:` : '';
  return `Something in the sandbox wanted out and was refused ${times}.${more}\n\n${lines.join('\n')}`;
};

/** The first line, as code that cannot end before its end. */
const codeSpan = (text: string, charactersMax: number): string => {
  const [first = '', ...more] = visibleText(text).trim().split('\n');
  const line = more.length > 0 ? `${first} …` : first;
  return `\`${cut(line.replaceAll('`', 'ˋ').replaceAll('\t', ' '), charactersMax)}\``;
};

const quote = (text: string): string =>
  text
    .split('\n')
    .map((line) => `> ${line}`)
    .join('\n');

/**
 * Without HTML, without images (an image's address can carry data out when a reviewer opens the page), and without
 * mentions, which would send mail to people. Nobody needs the marks of a code block more than ten times.
 */
const cleanMarkdown = (text: string): string =>
  withoutMentions(visibleText(text).replaceAll(tagStart, '&lt;'))
    .replaceAll('![', '! [')
    .replaceAll(/(`|~)\1{10,}/g, (run) => run.slice(0, 10));

/** Only what can begin a tag, a comment or an instruction: `a < b` stays readable in code, too. */
const tagStart = /<(?=[a-z/!?])/gi;

/**
 * In code GitHub makes no mention of an `@`, and there it must stay what it is. Where this takes something for code
 * that is none, somebody gets a mail: no more depends on it.
 */
const withoutMentions = (text: string): string =>
  text.replaceAll(/```[\s\S]*?```|`[^`\n]*`|(?<!\w)@(?=\w)/g, (found) =>
    found === '@' ? `@${zeroWidthSpace}` : found,
  );

const zeroWidthSpace = '\u200b';

/** A code block that does not end would swallow what stands below it. */
const closedFence = (text: string): string => {
  let open: string | undefined;
  for (const line of text.split('\n')) {
    const [, fence, rest = ''] = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
    if (fence === undefined) continue;
    if (open === undefined) open = fence;
    else if (fence.startsWith(open) && rest.trim() === '') open = undefined;
  }
  return open === undefined ? text : `${text}\n${open}`;
};

/** Without characters that hide or reorder text: controls, bidirectional marks, zero-width and tag characters. */
const visibleText = (text: string): string =>
  text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u{E0000}-\u{E007F}]/gu, (character) =>
    character === '\n' || character === '\t' ? character : '',
  );

/** Not in the middle of a character that takes two code units. */
const cut = (text: string, charactersMax: number): string =>
  text.length <= charactersMax ? text : `${text.slice(0, charactersMax).replace(/[\uD800-\uDBFF]$/, '')} …`;
