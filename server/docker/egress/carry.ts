import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export type Carried = {
  /** Bytes that were read already, sent first. */
  first: readonly Uint8Array[];
  rest: AsyncIterator<Uint8Array>;
  /** Throws when the bytes are too many. */
  count: (direction: 'up' | 'down', bytes: number) => void;
  idleMs: number;
  signal: AbortSignal;
};

/**
 * Bytes both ways, at the pace of the slower side. What upstream sends is yielded; each side may end its half while the
 * other goes on; whatever breaks, breaks both. Upstream is closed when both halves have ended, when nothing has moved
 * for `idleMs`, or when the client is gone.
 */
export const carry = async function* (upstream: Duplex, carried: Carried): AsyncGenerator<Uint8Array> {
  const { count, idleMs, signal } = carried;
  const idle = setTimeout(() => upstream.destroy(new Error('Nothing moved for too long.')), idleMs);
  const leave = () => upstream.destroy();
  signal.addEventListener('abort', leave, { once: true });
  if (signal.aborted) leave();
  upstream.once('close', () => {
    clearTimeout(idle);
    signal.removeEventListener('abort', leave);
  });

  const outgoing = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of allOf(carried)) {
      count('up', piece.length);
      idle.refresh();
      yield piece;
    }
  };
  // What breaks here destroys upstream with the same error, which then ends the loop below.
  pipeline(outgoing, upstream).catch(() => {});

  let ended = false;
  try {
    // Destroying on return would take the client's half with it, which may still go on.
    for await (const piece of upstream.iterator({ destroyOnReturn: false })) {
      count('down', piece.length);
      idle.refresh();
      yield piece;
    }
    ended = true;
  } finally {
    if (!ended) upstream.destroy();
  }
};

const allOf = async function* ({ first, rest }: Carried): AsyncGenerator<Uint8Array> {
  yield* first;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
};
