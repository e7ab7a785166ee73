import { call, type Scenario, say, type Turn } from '../model/scenario.ts';

/** Far beyond any turn limit that a test sets. */
const turnsMax = 1_000;

const forever = (turn: (number: number) => Turn): Turn[] =>
  Array.from({ length: turnsMax }, (_, number) => turn(number));

export const neverEndingPrompt = 'Keep looking at the files and never come to an end';

/**
 * Calls a quick tool in every turn, for ever, and each time for something else, since a loop would be noticed: for the
 * limits on turns, tokens and time, and for cancel.
 */
export const neverEnding: Scenario = {
  name: 'never-ending',
  when: /never come to an end/i,
  turns: forever((number) => ({ reply: [say('Once more.'), call('list', { glob: `**/${number}*` })] })),
};

export const longCommandPrompt = 'Run one command that takes ten minutes';

/** Its first command outlasts every test; if it is cut short, the next turn starts it again. */
export const longCommand: Scenario = {
  name: 'long-command',
  when: /one command that takes ten minutes/i,
  turns: forever(() => ({
    reply: [say('This will take a while.'), call('bash', { command: 'sleep 600' })],
  })),
};
