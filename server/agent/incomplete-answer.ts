import type { JobFact } from '../domain/job-event.ts';
import { quote } from '../domain/quote.ts';
import { oneLine } from '../domain/visible-text.ts';
import { type AgentAnswer, type Command, createAnswer, cut } from './answer.ts';
import type { Incomplete } from './bounds.ts';

export type Plan = Extract<JobFact, { type: 'AI Plan' }>['steps'];

/** Of an agent that was ended before it was done: what it was asked for, and what it has said so far, as no more than that. */
export const createIncompleteAnswer = (
  incomplete: Incomplete,
  { said, plan }: { said: readonly string[]; plan: Plan },
  prompt: string,
  commands: readonly Command[],
): AgentAnswer => {
  const stopped = `This work was stopped before it was done. ${incomplete.message}`;
  const steps = plan.map(({ title, state }) => {
    return `- ${state === 'done' ? '[x]' : '[ ]'} ${oneLine(title)}`;
  });
  const last = said.slice(-saidMax).map((text) => quote(cut(text, saidCharactersMax)));
  const description = [
    stopped,
    ...(steps.length > 0 ? [`The agent’s plan, with what it said to be done:\n\n${steps.join('\n')}`] : []),
    ...(last.length > 0 ? ['What the agent said last, in the middle of its work:', ...last] : []),
  ].join('\n\n');
  // Without a final message the title says what was asked for.
  const { title } = createAnswer('', prompt, commands);
  return { title, description, summary: stopped, commands, incomplete };
};

const saidMax = 3;
const saidCharactersMax = 2000;
