import type { Message, ReplyBlock, Transcript } from '../domain/model.ts';

type UserContent = Extract<Message, { role: 'user' }>['content'];

/** Says something to the model; what is said twice in a row becomes one message, since roles must alternate. */
export const withUser = (transcript: Transcript, content: UserContent): Transcript => {
  const last = transcript.at(-1);
  return last?.role === 'user'
    ? [...transcript.slice(0, -1), { role: 'user', content: [...last.content, ...content] }]
    : [...transcript, { role: 'user', content }];
};

/**
 * Keeps a reply, thinking unchanged. The API takes no blank text and no message that is thinking alone, though the
 * model may send both: such a message is left out, and `withUser` then goes on in the message before.
 */
export const withReply = (transcript: Transcript, content: readonly ReplyBlock[]): Transcript => {
  const kept = content.filter((block) => block.type !== 'text' || block.text.trim() !== '').map(withInput);
  const says = kept.some((block) => block.type === 'text' || block.type === 'tool_use');
  return says ? [...transcript, { role: 'assistant', content: kept }] : transcript;
};

/** A call that was cut may have any input, and the API takes objects only. */
const withInput = (block: ReplyBlock): ReplyBlock =>
  block.type !== 'tool_use' || isObject(block.input) ? block : { ...block, input: {} };

const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
