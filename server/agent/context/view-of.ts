import type { Message, ReplyBlock, ToolResult, Transcript } from '../../domain/model.ts';
import type { Compaction } from '../../domain/transcript.ts';

/**
 * What of a transcript the model is sent: no call without its result, and no thinking from before the last change, since
 * the API takes thinking back only behind what it was thought behind, word for word. A pure function, so that whoever
 * takes a job up again sends the same.
 */
export const viewOf = (transcript: Transcript, compactions: readonly Compaction[]): Transcript => {
  const cleared = compactions.findLast((compaction) => compaction.how === 'results_cleared');
  const summarized = compactions.findLast((compaction) => compaction.how === 'summarized');
  const forgotten = withoutThinking(transcript, compactions.at(-1)?.messages ?? 0);
  const shown = withoutResults(forgotten, cleared?.results ?? 0);
  const [first, ...rest] = shown;
  if (!summarized || first?.role !== 'user') return shown;
  const summary = { type: 'text', text: summarized.summary } as const;
  return [{ ...first, content: [...first.content, summary] }, ...rest.slice(summarized.before - 1)];
};

/** How many results of the transcript stand in a view of it as they were. */
export const resultsSeen = (transcript: Transcript, view: Transcript): number => {
  const whole = new Set(resultsOf(transcript));
  return resultsOf(view).filter((result) => whole.has(result)).length;
};

export const resultsOf = (transcript: Transcript): ToolResult[] =>
  transcript.flatMap(({ content }) => content.filter((block) => block.type === 'tool_result'));

/** No message is thinking alone (see `withReply`), so none becomes empty. */
const withoutThinking = (transcript: Transcript, messages: number): Transcript =>
  transcript.map((message, at) =>
    message.role === 'user' || at >= messages
      ? message
      : { ...message, content: message.content.filter((block) => !isThinking(block)) },
  );

const isThinking = ({ type }: ReplyBlock): boolean => type === 'thinking' || type === 'redacted_thinking';

const withoutResults = (transcript: Transcript, results: number): Transcript => {
  let left = results;
  const shown = (message: Message): Message => {
    if (left === 0 || message.role === 'assistant') return message;
    const content = message.content.map((block) => {
      if (block.type !== 'tool_result' || left === 0) return block;
      left -= 1;
      return isLong(block) ? { ...block, content: noteOf(block) } : block;
    });
    return { ...message, content };
  };
  return transcript.map(shown);
};

/** Less than this is not worth a note. */
const shortCharactersMax = 200;

const isLong = ({ content }: ToolResult): boolean => content.length > shortCharactersMax;

const noteOf = ({ content }: ToolResult): string =>
  `[${content.length} characters were here, left out to save room: call the tool again if you need them]`;
