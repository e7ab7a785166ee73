import { setImmediate } from 'node:timers/promises';
import type { Guardian } from '../../server/agent/guardian.ts';
import type { AgentLimits } from '../../server/agent/limits.ts';
import { runAgent } from '../../server/agent/run-agent.ts';
import { AppError } from '../../server/domain/errors.ts';
import type { JobFact, Usage } from '../../server/domain/job-event.ts';
import type { ModelRequest } from '../../server/domain/model.ts';
import type { TranscriptEntry, Transcripts } from '../../server/domain/transcript.ts';
import { base } from './base.ts';
import { createMemorySandbox } from './memory-sandbox.ts';
import { createRecordedSpan } from './recorded-span.ts';
import { call, createScriptedModel, text } from './scripted-model.ts';
import { unexplored } from './unexplored.ts';

export const prompt = 'Add input validation to all POST endpoints';

const ordinary: AgentLimits = {
  turnsMax: 8,
  tokensMax: 10_000,
  inputTokensMax: 100_000,
  commandMs: 120_000,
  commandMsMax: 600_000,
  outputBytesMax: 30_000,
  readBytesMax: 50_000,
  filesMax: 500,
  matchesMax: 200,
};

/** An agent on a script, in a repository with one file and one command; with all that it told anybody. */
export const createScriptedAgent = (
  script: Parameters<typeof createScriptedModel>[0],
  limits: Partial<AgentLimits> = {},
  /** What another server has stored before. */
  before: Partial<Pick<Transcripts, 'earlier' | 'unfinished'>> & {
    told?: JobFact[];
    news?: string[];
    feedback?: string[];
  } = {},
) => {
  const { earlier = [], unfinished = [], told = [], news = [], feedback = [] } = before;
  const entries: TranscriptEntry[] = [...earlier];
  const model = createScriptedModel(script);
  const sandbox = createMemorySandbox({ 'app.js': 'post();\n' }, { 'npm test': { output: 'pass 3\n' } });
  const span = createRecordedSpan();
  const facts: JobFact[] = [];
  const guardian: Guardian = {
    save: async () => {},
    heal: async (loss) => `Another sandbox: ${loss.message}`,
    healUnsaved: async () => undefined,
    news: () => news.shift(),
  };
  const usages: Usage[] = [];
  const controller = new AbortController();
  const emit = async (fact: JobFact) => {
    await setImmediate();
    facts.push(fact);
  };
  const transcripts: Transcripts = {
    earlier,
    unfinished,
    save: async (entry, fact) => {
      if (fact) await emit(fact);
      entries.push(entry);
    },
  };
  const run = () =>
    runAgent(
      { prompt, base, exploration: unexplored, told, feedback },
      { model, sandbox, guardian, transcripts, emit, span, redact: (text) => text },
      { ...ordinary, ...limits },
      { onUsage: (usage) => usages.push(usage) },
      controller.signal,
    );
  return {
    run,
    entries,
    requests: model.requests,
    sandbox,
    guardian,
    span,
    facts,
    usages,
    abort: controller,
  };
};

export const done = { content: [text('Validate POST bodies\n\nChecked with npm test.')] };
export const read = call('read-1', 'read', { filepath: 'app.js' });

export const failsWith = (code: string, message: RegExp) => (thrown: unknown) =>
  thrown instanceof AppError && thrown.code === code && message.test(thrown.message);

export const lastOf = (request: ModelRequest | undefined) => request?.transcript.at(-1);
