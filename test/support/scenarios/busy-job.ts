import { call, type Scenario, say, type Turn } from '../model/scenario.ts';

export const busyPrompt = 'Be busy in every way that a job can be';

const bash = (command: string) => call('bash', { command });

/** The sandbox may have been lost with what was written, also just before the end: then it is written again. */
const writeAndEnd: Turn[] = [
  { reply: [call('write', { filepath: 'NOTES.md', content: 'Read more.\n' })] },
  { reply: [say('Add notes\n\nOne line of them.')] },
];

/** For killing it at any moment: files, commands, what they leave behind, long output. Some seconds long. */
export const busyJob: Scenario = {
  name: 'busy-job',
  when: busyPrompt,
  turns: [
    {
      reply: [
        say('I begin.'),
        call('edit', { filepath: 'README.md', old_str: '# Books', new_str: '# Books to read' }),
        call('list', {}),
      ],
    },
    {
      reply: [
        bash(
          'sleep 1000 & (setsid sleep 1001 &); nohup sleep 1002 >/dev/null 2>&1 & disown; echo left three',
        ),
        bash(
          '(setsid sh -c "while :; do date >>/tmp/clock; sleep 0.1; done" &); trap "" TERM HUP; sleep 0.5',
        ),
      ],
    },
    { reply: [bash('yes | head -c 20M')] },
    { reply: [bash('for i in 1 2 3 4; do echo "line $i" >>lines.txt; sleep 0.1; done; git add -A')] },
    ...writeAndEnd,
    ...writeAndEnd,
    ...writeAndEnd,
  ],
};
