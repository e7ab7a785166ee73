import { z } from 'zod';
import { commandProblem, commandsMax } from '../domain/checks/command-rules.ts';
import { given } from '../domain/given.ts';
import type { JobLimits, JobRequest } from '../domain/job.ts';
import { parseRepositoryUrl } from '../domain/repository-url.ts';
import { listOfImages, type SandboxImage } from '../domain/sandbox-image.ts';
import { type FieldError, InvalidRequest } from './invalid-request.ts';

/** The body of `POST /code`; throws InvalidRequest with every wrong field. */
export const createCodeRequestParser = (
  githubUrl: string,
  limitsMax: JobLimits,
  images: OfferedImages,
): ((body: unknown) => JobRequest) => {
  const schema = codeRequestSchema(githubUrl, limitsMax, images);

  return (body) => {
    const parsed = schema.safeParse(body);
    if (!parsed.success) throw new InvalidRequest(parsed.error.issues.flatMap(fieldErrors));
    const { repoUrl: repository, prompt, limits, ...options } = parsed.data;
    return { repository, prompt, ...given({ ...options, limits: limits && given(limits) }) };
  };
};

/** By their names, with what they hold. */
export type OfferedImages = readonly Pick<SandboxImage, 'name' | 'holds'>[];

const codeRequestSchema = (githubUrl: string, limitsMax: JobLimits, images: OfferedImages) =>
  z.strictObject(
    {
      repoUrl: text.transform((url, context) => {
        const repository = parseRepositoryUrl(url, githubUrl);
        if (!('problem' in repository)) return repository;
        context.addIssue(repository.problem);
        return z.NEVER;
      }),
      // A file from Windows ends its lines with two characters; to us both are one newline.
      prompt: text.transform((prompt) => prompt.replaceAll('\r\n', '\n')).superRefine(check(promptProblem)),
      baseBranch: text.superRefine(check(branchProblem)).optional(),
      checks: commands.optional(),
      setup: commands.optional(),
      image: text.superRefine(check(imageProblem(images))).optional(),
      limits: limitsSchema(limitsMax).optional(),
      onLimit: z.enum(['draft', 'patch'], 'must be draft or patch').optional(),
    },
    { error: (issue) => (issue.code === 'invalid_type' ? 'must be a JSON object' : undefined) },
  );

const text = z.string({
  error: ({ input }) => (input === undefined ? 'is required' : 'must be a string'),
});

const check =
  (problemOf: (value: string) => string | undefined) =>
  (value: string, context: z.RefinementCtx): void => {
    const problem = problemOf(value);
    if (problem !== undefined) context.addIssue(problem);
  };

const commands = z
  .array(text.superRefine(check(commandProblem)), { error: 'must be a list of shell commands' })
  .max(commandsMax, `must not have more than ${commandsMax} commands`);

const imageProblem =
  (images: OfferedImages) =>
  (image: string): string | undefined =>
    images.some(({ name }) => name === image)
      ? undefined
      : `must be one of the server’s images: ${listOfImages(images)}`;

/** Each at most the server's own, which only whoever runs the server can raise. */
const limitsSchema = (max: JobLimits) => {
  const part = (limitMax = Number.POSITIVE_INFINITY) =>
    z
      .number('must be a number')
      .positive('must be more than 0')
      .max(limitMax, `must be at most ${limitMax}, the limit of this server`);
  const whole = (limitMax?: number) => part(limitMax).int('must be a whole number').optional();
  return z.strictObject(
    {
      turns: whole(max.turns),
      tokens: whole(max.tokens),
      costUsd: part(max.costUsd).optional(),
      minutes: part(max.minutes).optional(),
      commandSeconds: whole(max.commandSeconds),
      outputKb: whole(max.outputKb),
    },
    { error: (issue) => (issue.code === 'invalid_type' ? 'must be a JSON object' : undefined) },
  );
};

const promptCharactersMax = 20_000;

const promptProblem = (prompt: string): string | undefined => {
  if (prompt.trim() === '') return 'must say what to change';
  if (prompt.length > promptCharactersMax) return `must not be longer than ${promptCharactersMax} characters`;
  if (/[^\P{Cc}\n\t]/u.test(prompt)) return 'must not contain control characters but newline and tab';
  if (!prompt.isWellFormed()) return 'must not contain half a character (a lone surrogate)';
  return undefined;
};

const branchBytesMax = 255;

/** The rules of `git check-ref-format`, and no leading hyphen, which git refuses for branches. */
const branchProblem = (branch: string): string | undefined => {
  if (branch === '') return 'must not be empty; leave it out to use the default branch';
  if (Buffer.byteLength(branch) > branchBytesMax) return `must not be longer than ${branchBytesMax} bytes`;
  const isBranch =
    branch.isWellFormed() &&
    branch !== '@' &&
    !/[\p{Cc}\s~^:?*[\\]/u.test(branch) &&
    !/^-|\.$|\.\.|@\{/.test(branch) &&
    branch.split('/').every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock'));
  return isBranch ? undefined : 'must be the name of a branch as git allows it';
};

const fieldErrors = (issue: z.core.$ZodIssue): FieldError[] =>
  issue.code === 'unrecognized_keys'
    ? issue.keys.map((key) => ({
        field: [...issue.path, key].join('.'),
        message: 'is not a field of this request',
      }))
    : [{ field: issue.path.join('.') || 'body', message: issue.message }];
