import { call, type Scenario, say, think } from '../model/scenario.ts';

/** Asks for a look at the demo's repository, where there is nothing to mend. */
export const noChangePrompt = 'Is there anything to fix in the README?';

/** Looks and changes nothing: a job that ends well without a pull request. */
export const noChange: Scenario = {
  name: 'no-change',
  when: /is there anything to fix in the README/i,
  turns: [
    {
      reply: [
        think('I should compare what the README says with what is there.'),
        say('I’ll compare the README with the code.'),
        call('read', { filepath: 'README.md' }),
        call('list', {}),
        call('read', { filepath: 'package.json' }),
        call('search', { pattern: 'method: ', path: 'src/routes' }),
      ],
    },
    {
      expect: /# Page Turners[\s\S]*src\/store\.js[\s\S]*"dev": "node --watch server\.js"/,
      reply: [
        say(`Nothing to change in the README

The scripts, the endpoints in the table and the files under “How it is put together” are all there as described, so I left the repository as it is.`),
      ],
    },
  ],
};
