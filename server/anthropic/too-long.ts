import { APIError } from '@anthropic-ai/sdk';

/** Whether the request was refused for its length alone: then a shorter one may do. */
export const isTooLong = (error: Error): boolean => {
  if (!(error instanceof APIError)) return false;
  // An error inside a stream that had begun with 200 has a type only, which not all of the SDK's own types name.
  const type: string | null = error.type;
  if (error.status === 413 || type === 'request_too_large') return true;
  return (error.status === 400 || type === 'invalid_request_error') && saysTooLong.test(error.message);
};

/** «prompt is too long: 215432 tokens > 200000 maximum», «… exceed context limit …»; others say «context length». */
const saysTooLong = /prompt is too long|(?:exceed|maximum).{0,40}context|context.{0,20}exceed/i;
