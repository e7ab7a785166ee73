import type { AgentLimits } from '../../server/agent/limits.ts';
import { runAgent } from '../../server/agent/run-agent.ts';
import type { JobFact, Usage } from '../../server/domain/job-event.ts';
import type { Model } from '../../server/domain/model.ts';
import type { TranscriptEntry } from '../../server/domain/transcript.ts';
import { base } from './base.ts';
import { createMemorySandbox } from './memory-sandbox.ts';
import { createRecordedSpan } from './recorded-span.ts';
import { unexplored } from './unexplored.ts';

const limits: AgentLimits = {
  turnsMax: 100,
  tokensMax: 10_000_000,
  inputTokensMax: 100_000,
  commandMs: 120_000,
  commandMsMax: 600_000,
  outputBytesMax: 30_000,
  readBytesMax: 50_000,
  filesMax: 500,
  matchesMax: 200,
};

/** A whole job of the agent's loop with a model behind a real wire, in a workspace in memory, and what it told. */
export const runWireAgent = async (
  model: Model,
  job: {
    prompt: string;
    files: Record<string, string>;
    /** What another server has stored before. */
    earlier?: readonly TranscriptEntry[];
  },
) => {
  const { prompt, files, earlier = [] } = job;
  const facts: JobFact[] = [];
  const entries: TranscriptEntry[] = [];
  let usage: Usage | undefined;
  const emit = async (fact: JobFact) => void facts.push(fact);
  const save = async (entry: TranscriptEntry, fact?: JobFact) => {
    entries.push(entry);
    if (fact) facts.push(fact);
  };
  const sandbox = createMemorySandbox(files, { 'npm test': { output: 'pass 3\n' } });
  const answer = await runAgent(
    { prompt, base, exploration: unexplored, told: [], feedback: [] },
    {
      ...{ model, sandbox, emit, span: createRecordedSpan(), redact: (text: string) => text },
      transcripts: { earlier, unfinished: [], save },
      guardian: {
        save: async () => {},
        heal: async (loss) => loss.message,
        healUnsaved: async () => undefined,
        news: () => undefined,
      },
    },
    limits,
    {
      onUsage: (sum) => {
        usage = sum;
      },
    },
    new AbortController().signal,
  );
  return { answer, facts, entries, usage, workspace: sandbox.workspace };
};
