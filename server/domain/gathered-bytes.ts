/** Bytes that came piece by piece, kept as one: a piece of a single byte, kept as it is, takes hundreds of them. */
export type GatheredBytes = {
  readonly length: number;
  add(piece: Uint8Array): void;
  /** All of them, and begins anew. */
  take(): Uint8Array;
};

export const gatherBytes = (): GatheredBytes => {
  let memory = new Uint8Array(0);
  let length = 0;
  // What came in one piece, as nearly everything does, is not copied.
  let only: Uint8Array | undefined;

  const append = (piece: Uint8Array) => {
    if (length + piece.length > memory.length) {
      const larger = new Uint8Array(Math.max(2 * memory.length, length + piece.length));
      larger.set(memory.subarray(0, length));
      memory = larger;
    }
    memory.set(piece, length);
    length += piece.length;
  };

  return {
    get length() {
      return only ? only.length : length;
    },
    add(piece) {
      if (length === 0 && !only) {
        only = piece;
        return;
      }
      if (only) append(only);
      only = undefined;
      append(piece);
    },
    take() {
      const taken = only ?? memory.subarray(0, length);
      [memory, length, only] = [new Uint8Array(0), 0, undefined];
      return taken;
    },
  };
};
