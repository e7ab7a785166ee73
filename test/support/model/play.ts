import { firstUserText, lastToolResultsText, type Said } from './conversation.ts';
import { Refusal } from './refusal.ts';
import type { Block, Fault, MessagesRequest, Scenario, Turn } from './scenario.ts';

/** A turn of a scenario, found for a request. `at` names both, for errors and records. */
export type Cue = { turn: Turn; at: string };

const seenCharactersMax = 2_000;

/** The turn is the number of assistant messages, so many conversations, also resumed ones, can go on at once. */
export const findTurn = (scenarios: Scenario[], said: Said[]): Cue => {
  const text = firstUserText(said);
  const scenario = scenarios.find(({ when }) =>
    typeof when === 'string' ? text.includes(when) : text.search(when) >= 0,
  );
  if (scenario === undefined) {
    const names = scenarios.map(({ name }) => `'${name}'`).join(', ');
    throw new Refusal(400, `No scenario fits the first user message. There are: ${names}.`);
  }
  const index = said.filter(({ role }) => role === 'assistant').length;
  const turn = scenario.turns[index];
  const at = `scenario '${scenario.name}', turn ${index}`;
  if (turn === undefined)
    throw new Refusal(400, `The scenario is over: ${at}, but it has ${scenario.turns.length} turns.`);
  if (turn.expect !== undefined) checkExpected(turn.expect, at, lastToolResultsText(said));
  return { turn, at };
};

export const replyOf = ({ turn, at }: Cue, request: MessagesRequest): Block[] => {
  const blocks = typeof turn.reply === 'function' ? callReply(turn.reply, at, request) : turn.reply;
  const offered = (request.tools ?? []).flatMap((tool) => ('name' in tool ? [tool.name] : []));
  const unknown = blocks.find((block) => block.type === 'tool_use' && !offered.includes(block.name));
  if (unknown?.type === 'tool_use') {
    throw new Refusal(
      400,
      `${at} calls '${unknown.name}', which is not among the tools: ${offered.join(', ') || 'none'}.`,
    );
  }
  return blocks;
};

/** Hands out the faults of each turn, in order and each only once, whichever conversation comes first. */
export const createFaults = () => {
  const used = new Map<Turn, number>();
  return {
    next(turn: Turn): Fault | undefined {
      const index = used.get(turn) ?? 0;
      used.set(turn, index + 1);
      return turn.faults?.[index];
    },
  };
};

const checkExpected = (expect: RegExp, at: string, seen: string): void => {
  // `search` ignores the lastIndex of a global expression, which `test` would move.
  if (seen.search(expect) >= 0) return;
  throw new Refusal(
    400,
    `${at} expects ${expect} in the tool results, but saw: ${seen.slice(0, seenCharactersMax)}`,
  );
};

/** A reply may assert on the request: what it throws must reach the client with a name to look for. */
const callReply = (
  reply: (request: MessagesRequest) => Block[],
  at: string,
  request: MessagesRequest,
): Block[] => {
  try {
    return reply(request);
  } catch (error) {
    throw new Refusal(
      400,
      `${at} refuses the request: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
};
