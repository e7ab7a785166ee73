import { setTimeout as sleep } from 'node:timers/promises';
import Anthropic, { AnthropicError } from '@anthropic-ai/sdk';
import type { Log } from '../domain/log.ts';
import type { Model, ModelDelta, ModelReply, ModelRequest } from '../domain/model.ts';
import { createRedactor } from '../domain/redact.ts';
import { cut } from '../domain/visible-text.ts';
import { createAssembly } from './assemble.ts';
import { type AttemptLimits, attemptReply } from './attempt.ts';
import { judge } from './failure.ts';
import { finalError } from './final-error.ts';
import { type RequestOptions, toParams, toReply } from './messages.ts';
import { createOmissions } from './omissions.ts';
import { priceOf } from './prices.ts';
import { isTooLong } from './too-long.ts';
import { createSpent, type Spent } from './usage.ts';
import { createWaits, type WaitLimits } from './waits.ts';

const anthropicUrl = 'https://api.anthropic.com';

export type ModelOptions = RequestOptions &
  AttemptLimits &
  WaitLimits & {
    apiKey: string;
    /** Without it Anthropic's own. */
    baseUrl?: string;
    log?: Log;
  };

/** The Model on Anthropic's Messages API, or on another endpoint that speaks it. */
export const createModel = (options: ModelOptions): Model => {
  const client = createClient(options);
  const redactor = createRedactor([options.apiKey]);
  const { log } = options;
  const omissions = createOmissions();

  const replyInTheEnd = async (
    request: ModelRequest,
    onDelta: (delta: ModelDelta) => void,
    signal: AbortSignal,
    spent: Spent,
  ): Promise<ModelReply> => {
    const waits = createWaits(options);
    for (let attempt = 1; ; ) {
      const params = toParams(options, request, omissions);
      const start = performance.now();
      let told = false;
      const tell = (delta: ModelDelta) => {
        told = true;
        onDelta(delta);
      };
      const assembly = createAssembly(tell);
      try {
        return toReply(await attemptReply(client, params, assembly, options, signal), options);
      } catch (error) {
        spent.add(assembly.usage);
        signal.throwIfAborted();
        if (!(error instanceof AnthropicError)) throw error;
        if (isTooLong(error)) return contextFull;
        const failure = judge(error);
        // Cut after the redactor, which does not know half a key.
        const words = cut(redactor.text(failure.words), wordsMax);
        const without = omissions.learn(error, params, request);
        if (without !== undefined) {
          log?.warn({ without, error: words }, 'the model’s endpoint does not take a part of the request');
          continue;
        }
        const failed = { ms: performance.now() - start, hadBegun: told };
        const wait = failure.retry ? waits.after(attempt, failure.waitMs, failed) : undefined;
        if (wait === undefined || 'giveUp' in wait) {
          throw finalError({ ...failure, words }, attempt, wait?.giveUp, error);
        }
        const { waitMs } = wait;
        log?.warn({ attempt, waitMs, error: words }, 'the model did not answer; trying again');
        if (told) onDelta({ type: 'restart' });
        onDelta({ type: 'retry', attempt, waitMs, error: words });
        await pause(waitMs, signal);
        attempt += 1;
      }
    }
  };
  const hasPrice = priceOf(options.model, options.prices) !== undefined;
  return {
    ...{ name: options.model, hasPrice },
    async reply(request, onDelta, signal) {
      const spent = createSpent(options);
      try {
        return spent.addTo(await replyInTheEnd(request, onDelta, signal, spent));
      } catch (error) {
        if (spent.usage) onDelta({ type: 'spent', usage: spent.usage });
        throw error;
      }
    },
  };
};

/** What was refused took nothing. */
const contextFull: ModelReply = {
  content: [],
  stopReason: 'context_full',
  usage: { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, costUsd: 0 },
};

/** Everything is said outright, because the SDK fills what is left out from the environment. */
const createClient = ({ apiKey, baseUrl = anthropicUrl, requestTimeoutMs }: ModelOptions): Anthropic => {
  // Others document their URL with the version in it, which the SDK adds.
  const baseURL = baseUrl.replace(/\/v1\/?$/, '');
  return new Anthropic({
    apiKey,
    authToken: null,
    webhookKey: null,
    baseURL,
    // The SDK sends the key as a bearer token; others look for it where Anthropic's own had it before.
    defaultHeaders: baseURL === anthropicUrl ? {} : { 'x-api-key': apiKey },
    timeout: requestTimeoutMs,
    // The SDK would retry only what fails before the reply begins; our loop covers all.
    maxRetries: 0,
    openTelemetry: false,
    logLevel: 'off',
  });
};

const wordsMax = 500;

const pause = async (waitMs: number, signal: AbortSignal): Promise<void> => {
  try {
    await sleep(waitMs, undefined, { signal });
  } catch {
    signal.throwIfAborted();
  }
};
