import assert from 'node:assert/strict';
import { summaryRequest } from '../../../server/agent/context/summary.ts';
import { type Block, call, type MessagesRequest, say, type Turn, think } from '../model/scenario.ts';

/** Where the model says for the first time what it must not forget; from then on it knows it from what it is sent. */
const pointFoundAt = 5;
export const openPoint = 'open point: the flag in config.js is misspelt';

/** About 24,000 characters. */
const linesPrinted = 600;
export const stepCommand = (step: number): string =>
  `echo step ${step}; seq -f 'line %.0f of what step ${step} has printed' 1 ${linesPrinted}`;
export const stepOutput = (step: number): string =>
  `step ${step}\n${Array.from({ length: linesPrinted }, (_, at) => `line ${at + 1} of what step ${step} has printed\n`).join('')}`;

/**
 * So many turns with a long output each, a file in every tenth and a plan in every fiftieth, by a model that knows only
 * what it is sent, and refuses, as the real one does, what it cannot take at once.
 */
export const longJob = (steps: number, contextTokens: number): Turn[] => {
  const reply = (request: MessagesRequest): Block[] => {
    const tokens = tokensOf(request);
    if (tokens + request.max_tokens > contextTokens) {
      throw new Error(`prompt is too long: ${tokens} tokens > ${contextTokens - request.max_tokens} maximum`);
    }
    // The call after it may have been interrupted.
    const done = Number(
      everything(request)
        .match(/\bstep \d+(?=\\n)/g)
        ?.at(-1)
        ?.slice('step '.length) ?? 0,
    );
    if (isSummaryRequest(request)) {
      return [think('What matters?'), say(`Step ${done} is done.\n\n${pointsIn(request)}`)];
    }
    if (done === steps) {
      assert.match(lastPlanIn(request), /done.*active/, 'the plan is known');
      for (const file of filesOf(steps)) assert.ok(everything(request).includes(file), `${file} is known`);
      return [say(`Write the notes\n\nStill open: ${pointsIn(request)}`)];
    }
    return workOf(done + 1, steps);
  };
  // With the messages that are left out, the turn's number in what is sent begins anew.
  return Array.from({ length: steps + 1 }, () => ({ reply }));
};

/** As the local model server counts. */
export const tokensOf = ({ tools, system, messages }: MessagesRequest): number =>
  Math.ceil(JSON.stringify([tools, system, messages]).length / 4);

export const isSummaryRequest = (request: MessagesRequest): boolean =>
  JSON.stringify(request.messages.at(-1)).includes(firstLineOf(summaryRequest));

export const filesOf = (steps: number): string[] =>
  Array.from({ length: Math.floor(steps / 10) }, (_, index) => `notes/${(index + 1) * 10}.md`);

const workOf = (step: number, steps: number): Block[] => [
  think(`Step ${step} is next.`),
  ...(step === pointFoundAt ? [say(`Not now, but to be told: ${openPoint}.`)] : []),
  ...(step % 50 === 1 ? [planAt(step, steps)] : []),
  ...(step % 10 === 0 ? [call('write', { filepath: `notes/${step}.md`, content: `Step ${step}.\n` })] : []),
  call('bash', { command: stepCommand(step) }),
];

const planAt = (step: number, steps: number): Block => {
  const isLate = step > steps / 2;
  return call('plan', {
    steps: [
      { title: 'Prepare the notes', state: isLate ? 'done' : 'active' },
      { title: 'Finish the notes', state: isLate ? 'active' : 'pending' },
    ],
  });
};

const everything = (request: MessagesRequest): string => JSON.stringify(request.messages);

const pointsIn = (request: MessagesRequest): string =>
  /open point: [\w. ]*\w/.exec(everything(request))?.[0] ?? 'nothing';

/** As the call of the tool has it, or a summary. */
const lastPlanIn = (request: MessagesRequest): string => {
  const text = everything(request);
  const at = text.lastIndexOf('Prepare the notes');
  return text.slice(at - 30, at + 100);
};

const firstLineOf = (text: string): string => text.split('\n', 1)[0] ?? text;
