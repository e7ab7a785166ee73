/** Why a request did not reach the engine, or got no answer from it: a status and a sentence for the caller. */
export class Refusal extends Error {
  readonly status: 400 | 403 | 404 | 413 | 502;

  constructor(status: Refusal['status'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'Refusal';
    this.status = status;
  }
}

export const asRefusal = (thrown: unknown): Refusal =>
  thrown instanceof Refusal
    ? thrown
    : new Refusal(502, 'The request did not get through to the Docker engine.', thrown);

/** The form in which Docker tells its own errors, so that its clients show the sentence. */
export const refusalBody = (message: string): string => `${JSON.stringify({ message })}\n`;

/** What the caller sent is repeated in sentences and in the log: enough of it to recognise it. */
export const shorten = (text: string): string => (text.length <= 200 ? text : `${text.slice(0, 200)}…`);
