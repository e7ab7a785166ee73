import { call, type Scenario, say } from '../model/scenario.ts';

export const interruptedPrompt = 'Add a reading list, and take your time';

/** Tells that the command runs in which the server is to die. */
export const underWay = 'now it takes its time';

/** On the repository in ../demo-repository: the server must die during the command, and another one go on with the job. */
export const interrupted: Scenario = {
  name: 'interrupted',
  when: interruptedPrompt,
  turns: [
    {
      reply: [say('First the list.'), call('write', { filepath: 'LIST.md', content: 'One book a month.\n' })],
    },
    { reply: [call('bash', { command: `echo ${underWay}; sleep 600` })] },
    {
      expect: /The server that ran this call is gone[\s\S]*in the same sandbox/,
      reply: [say('Let me look at what is there.'), call('bash', { command: 'cat LIST.md && npm test' })],
    },
    {
      expect: /One book a month[\s\S]*(?:#|ℹ) pass 7\b/,
      reply: [say('Add a reading list\n\nOne book a month, as agreed.')],
    },
  ],
};
