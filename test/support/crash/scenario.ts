import { type Block, call, type Scenario, say } from '../model/scenario.ts';

export const crashPrompt = 'Change something in several turns';

/** Passes before, fails when the agent says for the first time that it is done, and passes in the end. */
export const crashChecks = ['! grep -q nothing NOTES.md'];

/** What each command writes: found once in the end, or not at all when it was interrupted, but never twice. */
export const words = ['one', 'two', 'three'] as const;

const write = (word: string) => call('bash', { command: `echo ${word} >>log.txt; sleep 0.2` });

const replies: Block[][] = [
  [say('I begin.'), call('edit', { filepath: 'README.md', old_str: '# Books', new_str: '# Books to read' })],
  [write(words[0]), write(words[1])],
  [say('I go on.'), write(words[2])],
  [call('write', { filepath: 'NOTES.md', content: 'Read nothing.\n' })],
  [say('Add notes\n\nOne line of them.')],
  [call('edit', { filepath: 'NOTES.md', old_str: 'nothing', new_str: 'more' })],
  [say('Add notes\n\nOne line of them, which the check likes.')],
];

/** `onTurn` is called in the moment when the model is about to speak. */
export const crashJob = (onTurn: () => void): Scenario => ({
  name: 'crash-job',
  when: crashPrompt,
  turns: replies.map((reply) => ({
    reply: () => {
      onTurn();
      return reply;
    },
  })),
});
