import type { Message, ModelRequest } from '../../domain/model.ts';

/** What the API has counted last, and how many characters that were. */
export type Measure = { tokens: number; characters: number };

export const notMeasured: Measure = { tokens: 0, characters: 0 };

/** Low for prose, about right for code: what is added counts rather too much than too little. */
const charactersPerToken = 3.5;

/** What was added since the last count is estimated; of what became shorter, the same part of the tokens has gone. */
export const tokensOf = (characters: number, last: Measure): number =>
  characters >= last.characters
    ? Math.ceil(last.tokens + (characters - last.characters) / charactersPerToken)
    : Math.ceil((last.tokens * characters) / last.characters);

export const charactersOf = ({ system, tools, transcript }: ModelRequest): number =>
  transcript
    .flatMap(({ content }): readonly Block[] => content)
    .reduce(
      (sum, block) => sum + frameCharacters + charactersIn(block),
      system.length + JSON.stringify(tools).length,
    );

type Block = Message['content'][number];

/** The names and braces around each block. */
const frameCharacters = 40;

const charactersIn = (block: Block): number => {
  switch (block.type) {
    case 'text':
      return block.text.length;
    case 'thinking':
      return block.thinking.length + block.signature.length;
    case 'redacted_thinking':
      return block.data.length;
    case 'tool_use':
      return block.name.length + JSON.stringify(block.input).length;
    case 'tool_result':
      return block.content.length;
  }
};
