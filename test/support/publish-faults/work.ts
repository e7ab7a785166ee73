import type { AgentAnswer } from '../../../server/agent/answer.ts';
import type { Guardian } from '../../../server/agent/guardian.ts';
import { runAgent } from '../../../server/agent/run-agent.ts';
import { createModel } from '../../../server/anthropic/model.ts';
import type { ChangedFile } from '../../../server/domain/changeset.ts';
import { createMemorySandbox } from '../memory-sandbox.ts';
import { call, type Scenario, say } from '../model/scenario.ts';
import type { Model } from '../model/server.ts';
import { createRecordedSpan } from '../recorded-span.ts';
import { unexplored } from '../unexplored.ts';
import type { AgentFaults } from './combination.ts';
import { never, type World } from './world.ts';

/** What an agent has done and said. */
export type Work = { answer: AgentAnswer; files: readonly ChangedFile[] };

const content = 'Shop\n\nOpen all day.\n';
export const title = 'Say when the shop is open';

/** What the agent below does and says, without it. */
export const plainWork: Work = {
  answer: { title, description: 'All day.', summary: 'All day.', commands: [] },
  files: [{ status: 'modified', path: 'README.md', mode: '100644', content: Buffer.from(content) }],
};

/** Longer than the model’s server takes for anything that it answers. */
const silenceMsMax = 1_000;

const limits = {
  turnsMax: 4,
  tokensMax: 100_000,
  inputTokensMax: 100_000,
  commandMs: 1_000,
  commandMsMax: 1_000,
  outputBytesMax: 1_000,
  readBytesMax: 1_000,
  filesMax: 10,
  matchesMax: 10,
};

/** An agent on the production model, whose server has these faults, in a workspace without a sandbox. */
export const askAgent = async (
  model: Model,
  scenarios: Scenario[],
  { job, base }: World,
  { first, second }: AgentFaults,
): Promise<Work> => {
  const prompt = `Do as «${job.id}» says.`;
  const turns = [
    { reply: [call('write', { filepath: 'README.md', content })], faults: [...first] },
    { expect: /README\.md/, reply: [say(`${title}\n\nAll day.`)], faults: [...second] },
  ];
  scenarios.push({ name: job.id, when: `«${job.id}»`, turns });
  const sandbox = createMemorySandbox({ 'README.md': 'Shop\n' });
  const answer = await runAgent(
    { prompt, base, exploration: unexplored, told: [], feedback: [] },
    {
      model: createModel({
        apiKey: model.apiKey,
        baseUrl: model.url,
        model: 'claude-opus-5-5',
        thinking: false,
        outputTokensMax: 1_024,
        requestTimeoutMs: 10 * silenceMsMax,
        idleTimeoutMs: silenceMsMax,
        retryMsMax: 60_000,
        retriesMax: 2,
        backoffMs: 5,
      }),
      sandbox,
      guardian,
      transcripts: { earlier: [], unfinished: [], save: async () => {} },
      emit: async () => {},
      span: createRecordedSpan(),
      redact: (text) => text,
    },
    limits,
    { onUsage: () => {} },
    never,
  );
  const written = Buffer.from(sandbox.workspace.get('README.md') ?? '');
  return {
    answer,
    files: [{ status: 'modified', path: 'README.md', mode: '100644', content: written }],
  };
};

/** Here no sandbox is lost. */
const guardian: Guardian = {
  save: async () => {},
  heal: async (loss) => {
    throw loss;
  },
  healUnsaved: async () => undefined,
  news: () => undefined,
};
