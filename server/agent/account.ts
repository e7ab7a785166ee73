import type { JobFact } from '../domain/job-event.ts';
import { type AgentAnswer, type Command, createAnswer } from './answer.ts';
import type { Incomplete } from './bounds.ts';
import { createIncompleteAnswer, type Plan } from './incomplete-answer.ts';

/** What the agent has done and said so far: what its answer is made of. */
export type Account = {
  learn(fact: JobFact): void;
  hear(text: string): void;
  /** Of an agent that says that it is done. */
  answer(finalMessage: string): AgentAnswer;
  /** Of one that was ended before. */
  incompleteAnswer(why: Incomplete): AgentAnswer;
};

/** `told` is what earlier holders of the job have told. The answer leaves the server: so it is redacted. */
export const createAccount = (
  prompt: string,
  told: readonly JobFact[],
  redact: (text: string) => string,
): Account => {
  const commands: Command[] = [];
  // Titles are made of it, and are cut: half a secret would no longer be known as one.
  const asked = redact(prompt);
  const said: string[] = [];
  let plan: Plan = [];

  const learn = (fact: JobFact) => {
    if (fact.type === 'Tool: Bash') {
      commands.push({ command: redact(fact.command), exitCode: fact.exitCode });
    }
    if (fact.type === 'AI Plan' && fact.error === undefined) plan = fact.steps;
  };
  for (const fact of told) learn(fact);

  return {
    learn,
    hear: (text) => {
      if (text !== '') said.push(redact(text));
    },
    answer: (finalMessage) => createAnswer(redact(finalMessage), asked, commands),
    incompleteAnswer: (why) => {
      const steps = plan.map((step) => ({ ...step, title: redact(step.title) }));
      return createIncompleteAnswer(why, { said, plan: steps }, asked, commands);
    },
  };
};
