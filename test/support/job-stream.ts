import type { JobFact } from '../../server/domain/job-event.ts';

export type StreamedEvent = JobFact & { id: number; at: string };

/** Posts a job as curl would. */
export const postJob = (
  server: string,
  body: object,
  options: { apiKey?: string; signal?: AbortSignal } = {},
): Promise<Response> =>
  fetch(`${server}/code`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(options.apiKey ? { authorization: `Bearer ${options.apiKey}` } : {}),
    },
    body: JSON.stringify(body),
    ...(options.signal ? { signal: options.signal } : {}),
  });

/** The lines of a stream as they arrive. */
export async function* linesOf(response: Response): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of (response.body as ReadableStream<Uint8Array>).pipeThrough(
    new TextDecoderStream(),
  )) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

/** The events of a stream as they arrive. */
export async function* eventsOf(response: Response): AsyncGenerator<StreamedEvent> {
  let id = 0;
  for await (const line of linesOf(response)) {
    if (line.startsWith('id: ')) id = Number(line.slice(4));
    if (line.startsWith('data: ')) yield { ...(JSON.parse(line.slice(6)) as JobFact & { at: string }), id };
  }
}

/** Posts a job and reads its stream to the end. */
export const runToEnd = async (
  server: string,
  body: object,
  options: { apiKey?: string } = {},
): Promise<StreamedEvent[]> => Array.fromAsync(eventsOf(await postJob(server, body, options)));
