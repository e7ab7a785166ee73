import type { ReplyBlock } from '../domain/model.ts';

/**
 * Gives each tool call of a job an id of its own: the API takes no transcript in which two have the same one, though some
 * endpoints count the calls of every reply from the beginning, or do not name them at all. The first one keeps what it
 * has.
 */
export const createUniqueIds = (): ((content: readonly ReplyBlock[]) => readonly ReplyBlock[]) => {
  const used = new Set<string>();
  const free = (given: string): string => {
    const id = given === '' ? 'call' : given;
    let candidate = id;
    for (let number = 2; used.has(candidate); number += 1) candidate = `${id}_${number}`;
    used.add(candidate);
    return candidate;
  };
  return (content) =>
    content.map((block) => (block.type === 'tool_use' ? { ...block, id: free(block.id) } : block));
};
