import { setTimeout as sleep } from 'node:timers/promises';
import { Client, RunTree } from 'langsmith';
import type { Usage } from '../domain/job-event.ts';
import type { Log } from '../domain/log.ts';
import type { Span, SpanKind, Trace } from '../domain/trace.ts';
import { createDelivery } from './delivery.ts';
import { presentable, shortened } from './presentable.ts';
import { createProjectUrl } from './project-url.ts';

export type TraceOptions = {
  /** Without it nothing is traced. */
  apiKey: string | undefined;
  /** Without it LangSmith's own in the US. */
  endpoint?: string;
  project: string;
  redact: (text: string) => string;
  log: Log;
};

/**
 * The trace of each job in LangSmith: a root run, under it the spans. `job.metadata` is put on every run, beside the
 * job's id as `thread_id`; LangSmith reckons costs when it holds `ls_provider` and `ls_model_name`.
 */
export const createTrace = (options: TraceOptions): Trace => {
  const { apiKey } = options;
  return apiKey === undefined ? noTrace : createLangSmithTrace({ ...options, apiKey });
};

const noSpan: Span = { url: undefined, child: () => noSpan, end: () => undefined };
const noTrace: Trace = { start: () => noSpan, flush: async () => undefined };

const nameCharactersMax = 100;
const errorCharactersMax = 5_000;

const createLangSmithTrace = (options: TraceOptions & { apiKey: string }): Trace => {
  const { apiKey, project, redact, log } = options;
  const endpoint = (options.endpoint ?? 'https://api.smith.langchain.com').replace(/\/+$/, '');
  const delivery = createDelivery(redact, log);
  const client = createClient(endpoint, apiKey, delivery.fetch);
  const projectUrl = createProjectUrl({ endpoint, apiKey, project, host: client.getHostUrl() });

  /** A job goes on whatever happens here. */
  const quietly = <T>(instead: T, work: () => T): T => {
    try {
      return work();
    } catch (error) {
      log.warn({ error }, 'a run could not be traced');
      return instead;
    }
  };

  const open = (
    kind: SpanKind,
    name: string,
    inputs: Record<string, unknown>,
    metadata: Record<string, string>,
    parent?: RunTree,
  ): Span =>
    quietly(noSpan, () => {
      const order = (parent?.child_execution_order ?? 0) + 1;
      if (parent !== undefined) parent.child_execution_order = order;
      const run = new RunTree({
        name: shortened(redact(name), nameCharactersMax),
        run_type: kind,
        inputs: presentable(inputs, redact),
        metadata,
        project_name: project,
        client,
        tracingEnabled: true,
        replicas: [],
        // Not parent.createChild(): it keeps all children, with their inputs, for as long as the parent is open.
        ...(parent === undefined ? {} : { parent_run: parent }),
        // Keeps the order of what began within one millisecond.
        execution_order: order,
      });
      void run.postRun();
      return spanOf(run, metadata);
    });

  const spanOf = (run: RunTree, metadata: Record<string, string>): Span => ({
    get url() {
      const base = projectUrl.current();
      return base === undefined ? undefined : `${base}/r/${run.id}?poll=true`;
    },
    child: (kind, name, inputs) => open(kind, name, inputs, metadata, run),
    end: (outputs = {}, { error, usage } = {}) =>
      quietly(undefined, () => {
        if (run.end_time !== undefined) return;
        const shown = presentable(outputs, redact);
        if (usage !== undefined) shown.usage_metadata = usageMetadata(usage);
        const shownError = error === undefined ? undefined : shortened(redact(error), errorCharactersMax);
        // Both set the fields of the run at once and send it in the background; they catch their own errors.
        void run.end(shown, shownError);
        void run.patchRun({ excludeInputs: true });
      }),
  });

  return {
    start: (job, inputs) => {
      delivery.resume();
      projectUrl.lookUp(delivery.signal());
      return open('chain', 'job', inputs, redactedMetadata(job, redact));
    },
    flush: async (timeoutMs) => {
      const timer = new AbortController();
      const sent = await Promise.race([
        client.awaitPendingTraceBatches().then(
          () => true,
          () => false,
        ),
        sleep(timeoutMs, false, { signal: timer.signal }),
      ]);
      timer.abort();
      if (!sent) delivery.stop();
    },
  };
};

/** Said outright, because the client fills what is left out from LANGSMITH_* and from a file in the home directory. */
const createClient = (endpoint: string, apiKey: string, fetchImplementation: typeof fetch): Client =>
  new Client({
    apiUrl: endpoint,
    apiKey,
    workspaceId: '',
    profileConfigPath: '/dev/null',
    tracingMode: 'langsmith',
    tracingSamplingRate: 1,
    hideInputs: false,
    hideOutputs: false,
    hideMetadata: false,
    debug: false,
    omitTracedRuntimeInfo: true,
    blockOnRootRunFinalization: false,
    disablePromptCache: true,
    maxIngestMemoryBytes: 32 * 1024 * 1024,
    // Delivery has its own attempts, and never fails.
    callerOptions: { maxRetries: 0 },
    fetchImplementation,
  });

const redactedMetadata = (
  job: { id: string; metadata: Record<string, string> },
  redact: (text: string) => string,
): Record<string, string> => {
  const entries = Object.entries(job.metadata).map(([key, value]) => [
    key,
    shortened(redact(value), nameCharactersMax),
  ]);
  // LangSmith counts a run without it towards no thread.
  return { ...Object.fromEntries(entries), thread_id: job.id };
};

/** In LangSmith's words; the kinds of input are parts of the input tokens here as there. */
const usageMetadata = (usage: Omit<Usage, 'turns'>): Record<string, unknown> => ({
  input_tokens: usage.inputTokens,
  output_tokens: usage.outputTokens,
  total_tokens: usage.inputTokens + usage.outputTokens,
  input_token_details: {
    cache_read: usage.cacheReadTokens,
    ephemeral_5m_input_tokens: usage.cacheWriteTokens,
  },
});
