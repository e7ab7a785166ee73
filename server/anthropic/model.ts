import { setTimeout as sleep } from 'node:timers/promises';
import Anthropic, { AnthropicError } from '@anthropic-ai/sdk';
import { AppError } from '../domain/errors.ts';
import type { Log } from '../domain/log.ts';
import type { Model, ModelDelta, ModelReply, ModelRequest } from '../domain/model.ts';
import { createRedactor } from '../domain/redact.ts';
import { type AttemptLimits, attemptReply } from './attempt.ts';
import { type Failure, judge } from './failure.ts';
import { type RequestOptions, toParams } from './messages.ts';
import { isTooLong } from './too-long.ts';

export type ModelOptions = RequestOptions &
  AttemptLimits & {
    apiKey: string;
    /** Without it Anthropic's own. */
    baseUrl?: string;
    /** Further attempts at one reply after the first. */
    retriesMax: number;
    /** Wait before the first retry, doubled before each further one. Default 1,000. */
    backoffMs?: number;
    log?: Log;
  };

/** The Model on Anthropic's Messages API. */
export const createModel = (options: ModelOptions): Model => {
  const client = createClient(options);
  const redactor = createRedactor([options.apiKey]);

  const reply = async (
    request: ModelRequest,
    onDelta: (delta: ModelDelta) => void,
    signal: AbortSignal,
  ): Promise<ModelReply> => {
    const params = toParams(options, request);
    for (let attempt = 1; ; attempt += 1) {
      let told = false;
      const tell = (delta: ModelDelta) => {
        told = true;
        onDelta(delta);
      };
      try {
        return await attemptReply(client, params, tell, options, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof AnthropicError)) throw error;
        if (isTooLong(error)) return contextFull;
        const failure = judge(error);
        const words = redactor.text(failure.words);
        if (!failure.retry || attempt > options.retriesMax) throw finalError(failure, attempt, words, error);
        const waitMs = waitBefore(attempt, failure.waitMs, options.backoffMs ?? 1_000);
        options.log?.warn({ attempt, waitMs, error: words }, 'the model did not answer; trying again');
        if (told) onDelta({ type: 'restart' });
        await pause(waitMs, signal);
      }
    }
  };
  return { name: options.model, reply };
};

/** What was refused took nothing. */
const contextFull: ModelReply = {
  content: [],
  stopReason: 'context_full',
  usage: { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, costUsd: 0 },
};

/** Everything is said outright, because the SDK fills what is left out from the environment. */
const createClient = ({ apiKey, baseUrl, requestTimeoutMs }: ModelOptions): Anthropic =>
  new Anthropic({
    apiKey,
    authToken: null,
    webhookKey: null,
    baseURL: baseUrl ?? 'https://api.anthropic.com',
    timeout: requestTimeoutMs,
    // The SDK would retry only what fails before the reply begins; our loop covers all.
    maxRetries: 0,
    openTelemetry: false,
    logLevel: 'off',
  });

const backoffMsMax = 30_000;

/** Longer hints exist (an hour, when a day's budget is used up); a job does not wait for those in one piece. */
const askedWaitMsMax = 120_000;

/** The API's hint or an exponential backoff, with up to a quarter on top, so that jobs do not come back all at once. */
const waitBefore = (attempt: number, askedMs: number | undefined, backoffMs: number): number => {
  const waitMs =
    askedMs === undefined
      ? Math.min(backoffMs * 2 ** (attempt - 1), backoffMsMax)
      : Math.min(askedMs, askedWaitMsMax);
  return Math.round(waitMs * (1 + Math.random() / 4));
};

const pause = async (waitMs: number, signal: AbortSignal): Promise<void> => {
  try {
    await sleep(waitMs, undefined, { signal });
  } catch {
    signal.throwIfAborted();
  }
};

const finalError = (failure: Failure, attempts: number, words: string, cause: Error): AppError => {
  if (failure.retry) {
    const message = `The model API failed ${attempts} times in a row, at last with: ${words}`;
    return new AppError('model_failed', message, { cause });
  }
  const { code, whatToDo } = failure;
  const what = code === 'model_credentials' ? 'does not accept the server’s key' : 'refused the request';
  return new AppError(code, `The model API ${what}: ${words}`, {
    cause,
    ...(whatToDo === undefined ? {} : { whatToDo }),
  });
};
